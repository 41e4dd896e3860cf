"""What an officer learns from the program itself: how each action is asked for, what was wrong, what to do next."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from firmware.api import plain
from firmware.api.actions import ACTIONS
from firmware.api.next_steps import NEXT_STEPS
from firmware.api.usage import FORMS, arguments, usage
from firmware.api.views import CHOOSE, VIEWS, Show
from tests.rig import Rig

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rig() -> Rig:
    rig = Rig()
    rig.open_day()
    return rig


# -- help


def desk(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "firmware.cli", "desk", *words], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_the_help_of_the_desk_tells_every_action_and_argument_without_a_daemon() -> None:
    told = desk("help")
    assert told.returncode == 0
    assert desk("--help").stdout.endswith(told.stdout)
    for name in [*ACTIONS, "show"]:
        form = FORMS[name]
        line = re.search(rf"^  {name}\b.*$", told.stdout, re.MULTILINE)
        assert line, name
        keys = {field.alias or key for key, field in form.model_fields.items()}
        assert set(re.findall(r"\b([a-z_]+)=", line[0])) == keys
        assert form.__doc__, name


def test_one_action_tells_of_itself() -> None:
    told = desk("call", "help")
    assert told.returncode == 0
    assert "  call  counter=COUNTER [ticket=TICKET] [reason=REASON]\n" in told.stdout
    assert "bind" not in told.stdout
    assert desk("nonsense", "help").returncode == 2


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("bind", "adults=N [children=N] [carried=N] (ticket=TICKET | booking=BOOKING)"),
        ("return", "collected=true|false (card=CARD | reader=READER)"),
        ("search", "visit=VISIT result=passed|refused [reason=REASON]"),
        ("recount", 'reason=REASON [present={"VISIT":N,..}] [unattributed=N]'),
        ("open", ""),
    ],
)
def test_arguments_are_told_as_they_are_typed(name: str, line: str) -> None:
    assert arguments(FORMS[name]) == line
    assert line in usage([name])


EXAMPLES: dict[str, Any] = {"adults": 1, "number": "099", "visit": "V-000001", "collected": True}


@pytest.mark.parametrize("name", [name for name, form in ACTIONS.items() if form.either])
def test_of_what_is_needed_either_way_none_is_refused(rig: Rig, name: str) -> None:
    form = ACTIONS[name]
    needed = {key: EXAMPLES[key] for key, field in form.model_fields.items() if field.is_required()}
    answer = rig.desk(name, **needed)
    assert answer["error"]["code"] == "bad_arguments"
    assert all(word in answer["error"]["message"] for word in form.either)


# -- mistakes


@pytest.mark.parametrize(
    ("action", "given", "said"),
    [
        ("resolve", {"task": "T-1", "reason": "Came early"},
         "reason: 'Came early' is not allowed: 2 to 40 of a-z and _, such as came_early"),
        ("inspect", {"locker": 1, "reason": "alarm", "second": "Ibu Sari"},
         "second: 'Ibu Sari' is not allowed: 1 to 32 of a-z, 0-9 and -, such as officer-1"),
        ("enrol", {"number": "001", "uid": "04A1"}, "uid: '04A1' is not allowed: 8, 14 or 20 hex digits"),
        ("enrol", {"number": "0/1", "uid": "04A1B2C3"},
         "number: '0/1' is not allowed: 1 to 12 letters, digits and -, as printed on the card"),
        ("book", {"code": "B", "class": "A", "adults": 1, "date": "21-11-2026"},
         "date: '21-11-2026' is not allowed: a date such as 2026-11-21"),
        ("park", {"ticket": ""}, "ticket: '' is not allowed: 1 to 64 printable characters"),
        ("park", {"ticket": None}, "ticket: None is not allowed: a text"),
        ("capacity", {"capacity": "many"}, "capacity: 'many' is not allowed: a whole number from 0 to 10000"),
        ("release", {"locker": 0, "reason": "x_y"}, "locker: 0 is not allowed: a whole number from 1 to 999"),
        ("lockdown", {"on": "perhaps", "reason": "alarm"}, "on: 'perhaps' is not allowed: true or false"),
        ("search", {"visit": "V", "result": "fine"}, "result: 'fine' is not allowed: passed or refused"),
        ("recount", {"present": "3", "reason": "ticked"},
         "present: '3' is not allowed: visits and how many of each are here, such as {\"V-000001\":2}"),
        ("recount", {"present": {"V-000001": "x"}, "reason": "ticked"},
         "present.V-000001: 'x' is not allowed: a whole number from 0 to 50"),
        ("call", {"counter": "1", "desk": "2"}, "desk= is not known; call takes counter, ticket, reason"),
        ("show", {"foo": "x"}, "foo= is not known; show takes what, "),
        ("show", {"what": "people"}, "what: 'people' is not allowed: hall, tickets, visits, cards, lockers or tasks"),
        ("show", {"what": "cards", "locker": "3"}, "locker=3 does not go with what=cards; these go by card, state,"),
        ("show", {"card": "001"}, "card='001' does not go with what=hall; it is shown as a whole"),
        ("dance", {}, "there are bind, "),
        ("dance", {}, ", show, "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_words(rig: Rig, action: str, given: dict[str, Any], said: str) -> None:
    message = rig.desk(action, **given)["error"]["message"]
    assert said in message
    assert "^" not in message
    assert "pattern" not in message


# -- looking


def test_show_chooses_among_its_rows(rig: Rig) -> None:
    assert rig.done("show")["hall"]["capacity"] == 60
    assert [card["number"] for card in rig.done("show", what="cards")["cards"]] == ["001", "002", "003", "004"]
    (card,) = rig.done("show", what="cards", card="002")["cards"]
    assert rig.done("show", what="cards", card=card["card"]) == {"cards": [card]}
    assert rig.done("show", what="cards", card="002", state="issued") == {"cards": []}
    assert [one["locker"] for one in rig.done("show", what="lockers", locker="7")["lockers"]] == [7]


def test_every_way_to_choose_is_an_argument_of_show_and_stands_in_its_rows() -> None:
    assert set(CHOOSE) == set(VIEWS) - {"hall"}
    assert {key for keys in CHOOSE.values() for key in keys} == set(Show.model_fields) - {"what"}


def test_an_answer_is_one_readable_row_for_each_thing() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit(adults=2)
    rig.tap("exit", uid)
    rig.until(lambda: rig.arm == "free_out")
    rig.push("out")
    rig.run(300)
    (task,) = rig.done("show", what="tasks")["tasks"]
    assert task["do"] == NEXT_STEPS[task["reason"]]
    (line,) = plain.lines({"tasks": [task]})
    assert line.startswith("task=T-000001 reason=unmatched_exit since_s=")
    assert " visit=V-000001 " in line
    assert line.endswith(f" do: {task['do']}")
    told = list(plain.lines(rig.done("show")))
    assert "capacity: 60" in told
    assert "lockers: free=48 owned=0 out_of_service=0" in told
    assert "devices: none" in told
    assert all("{" not in line for line in told)
    assert list(plain.lines({"mode": "closed", "unresolved": []})) == ["mode: closed", "unresolved: none"]
    assert len(list(plain.lines(rig.done("show", what="lockers")))) == 48


def test_every_task_has_a_next_step() -> None:
    """As many as the page of the rules tells of, and as the rules can raise."""
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    table = page[page.index("Why a task was raised") : page.index("Everything else")]
    named = set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE))
    raised = {
        node.args[1].value
        for path in (ROOT / "firmware" / "core").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "raise_task"
        if isinstance(node.args[1], ast.Constant)
    }
    assert set(NEXT_STEPS) == named | raised
    assert all(len(step) < 90 for step in NEXT_STEPS.values())

"""What an officer's program may send by mistake or malice: refused in one short line, and the scan goes on."""

import json
from dataclasses import fields
from typing import Any

import pytest

from firmware.api.actions import ACTIONS, Action
from services.requests import Request
from tests.rig import Rig


@pytest.fixture(scope="module")
def rig() -> Rig:
    rig = Rig()
    rig.open_day()
    return rig


def nested(depth: int) -> list[Any]:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    return deep


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("capacity", {"capacity": True}),
        ("capacity", {"capacity": 50.0}),
        ("capacity", {"capacity": "50.0"}),
        ("capacity", {"capacity": " 5_0 "}),
        ("capacity", {"capacity": "\u0665\u0660"}),
        ("capacity", {"capacity": None}),
        ("capacity", {"capacity": 10**4_000}),
        ("capacity", {"capacity": nested(900)}),
        ("inspect", {"locker": True, "reason": "search", "second": "guard-2"}),
        ("lockdown", {"on": 1.0, "reason": "alarm"}),
        ("lockdown", {"on": nested(900), "reason": "alarm"}),
        ("call", {"counter": True}),
        ("call", {"counter": 1.0}),
        ("call", {"counter": float("nan")}),
        ("call", {"counter": "\ud800"}),
        ("call", {"counter": "1\n"}),
        ("call", {"counter": "1", "\ud800\x1b[31m" * 999: 1}),
        ("book", {"code": "a\x1b[31m", "date": "2026-01-31", "class": "A", "adults": 1}),
        ("book", {"code": "B1", "date": "2026-99-31", "class": "A", "adults": 1}),
        ("recount", {"present": {"\ud800": 1}, "reason": "count"}),
        ("recount", {"present": {f"V-{n}\n": "x" for n in range(3_000)}, "reason": "count"}),
        ("recount", {"present": {f"V-{n}": 1 for n in range(3_000)}, "reason": "count"}),
        ("show", {"what": nested(900)}),
        ("show", {"what": "\ud800"}),
        ("\ud800" * 99, {}),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_does_not_fit_is_refused_in_one_short_printable_line(
    rig: Rig, action: str, arguments: dict[str, Any]
) -> None:
    facts = len(rig.facts)
    answer = rig.desk(action, **arguments)
    assert answer["error"]["code"] in ("bad_arguments", "unknown_action")
    assert answer["error"]["message"].isprintable()
    assert len(json.dumps(answer, ensure_ascii=False).encode()) < 1_000
    assert len(rig.facts) == facts


def test_numbers_and_flags_may_come_as_a_command_line_knows_them(rig: Rig) -> None:
    assert rig.done("capacity", capacity="55") == {"capacity": 55}
    assert rig.desk("call", counter=1)["error"]["code"] == "queue_empty"
    assert rig.done("lockdown", on="true", reason="alarm") == {"mode": "lockdown"}
    assert rig.done("lockdown", on="no", reason="over") == {"mode": "open"}


def test_an_actor_that_is_no_staff_id_is_refused(rig: Rig) -> None:
    request = Request("open", {}, "Ibu Sari\n" * 99)
    assert rig.daemon.controller.requests.put(request)
    rig.run(20)
    assert request.future.result(0)["error"]["code"] == "bad_arguments"
    assert len(request.future.result(0)["error"]["message"]) < 200


@pytest.mark.parametrize("form", [form for form in ACTIONS.values() if hasattr(form, "makes")])
def test_a_form_asks_for_what_its_input_takes(form: type[Action]) -> None:
    assert {*form.model_fields, "actor"} == {field.name for field in fields(form.makes)}

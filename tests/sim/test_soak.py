"""The soak and what it makes of a violation: the lists that it must meet, the smallest day, the case that is kept."""

import gc
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from firmware.config import load
from firmware.core import gate
from firmware.core.facts import Fact
from sim import soak_run
from sim.case import load_case, save_case
from sim.day import Day
from sim.everything import LEFT_TO_TESTS, everything, never_met
from sim.hall import VirtualHall
from sim.machine import Machine
from sim.people.habits import STAFF, VISITORS
from sim.run import main_day
from sim.setting import Setting, setting_of, spelled_out
from sim.shrink import fewest, shrunk
from sim.soak import live
from sim.soak_run import main_soak, tell
from sim.strokes import KINDS, Stroke, plan

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config.yaml"


def documented(title: str) -> set[str]:
    """The codes in the table below a title of the page of rules."""
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    table = page.split(title, 1)[1].split("\n\n", 2)[1 if title.startswith("Why") else 2]
    found = set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE))
    assert len(found) > 10, title
    return found


def test_a_soak_must_meet_every_fact_fault_and_habit_that_there_is() -> None:
    wanted = set(everything(KINDS, (*VISITORS, *STAFF)))
    assert {f"fact {name}" for name in Fact.TYPES} <= wanted
    assert {f"fault {name}" for name in KINDS} <= wanted
    assert {f"habit {name}" for name in (*VISITORS, *STAFF)} <= wanted
    assert not wanted & LEFT_TO_TESTS.keys()


def test_every_refusal_and_task_of_the_page_must_be_met_or_is_excused() -> None:
    wanted = set(everything(KINDS, ())) | LEFT_TO_TESTS.keys()
    refused = documented("Why a tap was refused")
    assert {one for one in refused if not any(f"refused {kind} {one}" in wanted for kind in ("card", "locker", "gate"))
            } <= {"unmatched_exit", "exit_button", "surplus"}  # fmt: skip
    assert {f"task {reason}" for reason in documented("Why a task was raised")} <= wanted
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    codes = page.split("## What a request is refused with")[1].split("##")[0]
    assert {f"answer {code}" for code in re.findall(r"^\| `([a-z_]+)` \|", codes, re.MULTILINE)} <= wanted


@pytest.mark.parametrize("key", LEFT_TO_TESTS)
def test_what_no_day_comes_to_some_test_does(key: str) -> None:
    test = LEFT_TO_TESTS[key].rpartition(": ")[2]
    assert key.partition(" ")[2] in (ROOT / test).read_text(encoding="utf-8")


def test_what_was_never_met_is_told_by_name() -> None:
    seen = Counter(dict.fromkeys(everything(KINDS, ()), 1))
    del seen["fact locker.jammed"]
    assert never_met(seen, KINDS, ()) == ["fact locker.jammed"]


@given(st.sets(st.integers(0, 99), max_size=4))
def test_what_is_left_is_what_matters(culprits: set[int]) -> None:
    def breaks(left: Sequence[int]) -> bool:
        return culprits <= set(left)

    assert set(fewest(range(100), breaks)) == culprits


@given(st.integers(1, 10_000))
def test_every_stroke_of_a_plan_can_be_read_from_its_line(seed: int) -> None:
    config = load(CONFIG)
    for stroke in plan(config, seed, "storm", 60 * 60_000):
        assert Stroke.of(str(stroke)) == stroke


def test_a_broken_rule_is_found_shrunk_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The arm lets out only those who have a visit: a stranger's card opens no way out, which rule 4 forbids."""
    config = load(CONFIG)
    monkeypatch.setattr(gate, "WAYS_OUT_MOST", 0)
    setting = Setting(
        3, visitors=2, day_ms=20 * 60_000, weather="storm",
        strokes=("240000 strange card at exit for 20000", "300000 sign unplugged at hall for 5000"),
    )  # fmt: skip
    first = live(config, setting)
    assert first.number == 4, first.violation

    small = shrunk(spelled_out(config, setting), lambda one: live(config, one).number == first.number)
    assert small.strokes == ("240000 strange card at exit for 20000",)
    assert small.only == ()
    save_case(tmp_path / "case.json", small)
    assert load_case(tmp_path / "case.json", config) == small
    assert main_day(config, load_case(tmp_path / "case.json", config)) == 1
    assert "invariant 4" in capsys.readouterr().err


def test_a_broken_day_is_kept_as_it_is_where_there_is_no_time_to_shrink_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, case = load(CONFIG), tmp_path / "case.json"
    monkeypatch.setattr(gate, "WAYS_OUT_MOST", 0)
    monkeypatch.setattr(soak_run, "SHRINK_S", 0.0)
    strokes = ("240000 strange card at exit for 20000", "300000 sign unplugged at hall for 5000")
    setting = Setting(3, visitors=2, day_ms=20 * 60_000, weather="storm", strokes=strokes)
    tell(live(config, setting), CONFIG, config, case, Console(stderr=True))
    assert load_case(case, config) == spelled_out(config, setting)
    told = capsys.readouterr().err
    assert all(stroke in told for stroke in strokes)


def test_days_are_of_many_kinds() -> None:
    days = [setting_of(seed, "storm") for seed in range(1, 101)]
    assert {day.visitors == 220 for day in days} == {True, False}
    assert len({day.scenario for day in days}) > 10
    assert len({replace(day, seed=0) for day in days}) > 50


def test_a_soak_tells_what_it_met_and_what_it_did_not(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = load(CONFIG)
    assert main_soak(CONFIG, config, seeds=(1, 2), weather="some", jobs=2, case=tmp_path / "case.json") == 0
    told = capsys.readouterr()
    assert "2 days" in told.out
    assert told.out.endswith(" invariants, on 2 days\n")
    assert "never met" in told.err
    assert main_soak(CONFIG, config, seeds=(1, 1), weather="none", jobs=1, complete=True) == 1


def test_a_case_that_could_not_be_kept_is_told_before_any_day_is_lived(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    case = tmp_path / "nowhere" / "case.json"
    assert main_soak(CONFIG, load(CONFIG), seeds=(1, 10_000), case=case) == 2
    assert capsys.readouterr() == ("", f"besuk sim soak: {case}: there is no folder {case.parent}\n")


def test_a_day_that_is_over_leaves_nothing_in_memory() -> None:
    def alive() -> int:
        gc.collect()
        return sum(isinstance(one, Day | Machine | VirtualHall) for one in gc.get_objects())

    before = alive()
    for seed in (3, 4):
        live(load(CONFIG), Setting(seed, visitors=1, day_ms=10 * 60_000, weather="storm"))
    assert alive() == before


def test_a_day_that_does_not_end_is_told_and_ends_the_soak() -> None:
    soaking = f"""
from pathlib import Path
from sim.setting import setting_of
from sim.soak import soak
print(*(one.violation for one in soak(Path({str(CONFIG)!r}), iter([setting_of(4, "none")]), 1, limit_s=0.01)))
"""
    done = subprocess.run([sys.executable, "-c", soaking], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "a process died, or took over 0.01 s, with seeds [4]\n"
    assert "Timeout (0:00:00.010000)!" in done.stderr

"""A day of visitors, from the first ticket to the last card returned: everybody is served, and all books agree."""

import gc
import hashlib
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from firmware.boot import JOURNAL
from firmware.config import Config, load
from firmware.core import facts as f
from firmware.report.words import Words
from services.disk import FolderDisk
from services.segments import verify
from sim.day import Day
from sim.durations import MINUTE, clock_text
from sim.judge import Violation
from sim.result import DayResult
from sim.run import main_day, run_day
from sim.scale import with_counters
from sim.setting import Setting

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config.yaml"


@cache
def config() -> Config:
    return load(CONFIG)


@cache
def small_day() -> tuple[Day, DayResult]:
    day = Day(config(), seed=7, visitors=20, day_ms=150 * MINUTE)
    return day, day.run()


def test_twenty_visitors_are_served_and_nothing_is_left_behind() -> None:
    day, result = small_day()
    assert result.served == 20
    assert day.hall.inside == 0
    assert all(locker.door == "closed" and not locker.content for locker in day.hall.lockers.values())
    assert day.daemon.controller.hall.session == "closed"
    assert len(day.people.tray) == len(day.hall.stock)


def test_every_stage_of_every_visit_is_timed() -> None:
    _, result = small_day()
    assert set(result.stages) >= {"waited", "counter", "to_entry", "inside"}
    assert 0 < result.stages["to_entry"].median <= result.stages["to_entry"].p90 <= result.stages["to_entry"].most


def test_the_central_server_has_every_event_and_the_occupancy_of_an_empty_hall() -> None:
    day, result = small_day()
    assert day.receiver.stored == result.events
    assert day.receiver.violations == []
    occupancy = json.loads(day.receiver.latest["occupancy"])
    assert (occupancy["inside"], occupancy["waiting"], occupancy["mode"]) == (0, 0, "closed")


def test_the_state_directory_of_a_day_can_be_audited_like_any_other(tmp_path: Path) -> None:
    day, result = small_day()
    day.dump(tmp_path)
    report = verify(FolderDisk(tmp_path), JOURNAL)
    assert (report.records, report.damage, report.torn) == (result.events, None, None)
    assert report.simulated


@pytest.mark.parametrize("capacity", [4, 6])
def test_a_hall_that_is_full_lets_nobody_in_and_serves_all_in_the_end(capacity: int) -> None:
    crowded = shortened(config().model_copy(update={"capacity": capacity}))
    day = Day(crowded, seed=3, visitors=9, day_ms=60_000)
    result = day.run()
    assert result.served == 9
    assert result.inside_peak <= capacity
    assert result.refusals.get("full", 0) > 0


def test_a_counter_without_a_card_to_give_waits_for_one_that_comes_back() -> None:
    day = Day(shortened(config()), seed=5, visitors=8, day_ms=60_000)
    del day.hall.stock[3:]
    result = day.run()
    assert result.served == 8
    assert result.cards_awaited > 0


@pytest.mark.parametrize("seed", [11, 12])
def test_the_same_seed_is_the_same_day_and_another_seed_another(seed: int) -> None:
    days = [Setting(one, visitors=4, day_ms=60_000) for one in (seed, seed, seed + 100)]
    traces = [run_day(shortened(config()), day).trace for day in days]
    assert traces[0] == traces[1] != traces[2]


def test_two_processes_with_other_hash_seeds_live_the_same_day(tmp_path: Path) -> None:
    """220 visitors, twice, side by side."""
    script = (
        "import sys, sim.pi; sim.pi.install()\n"
        "from pathlib import Path; from firmware.config import load\n"
        "from sim.run import main_day; from sim.setting import Setting\n"
        "sys.exit(main_day(load(Path(sys.argv[1])), Setting(1, visitors=220)))\n"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(CONFIG)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "20261121")
    ]
    told = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    first, second = told[0].splitlines()[:2]
    assert first == "seed 1, 220 visitors, 2 counters, 1 lane, polite people"
    assert second.startswith("220 of 220 visitors went home, 220 of them after a visit, in ")
    traces = [out.splitlines()[-1] for out in told]
    assert traces[0].startswith("trace: ")
    assert len(traces[0]) == len("trace: ") + 64
    assert traces[0] == traces[1]


def test_the_command_writes_a_trace_whose_checksum_is_the_trace_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace, journal = tmp_path / "trace.txt", tmp_path / "state"
    assert main_day(config(), Setting(2, visitors=1), trace=trace, journal=journal) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"trace: {hashlib.sha256(trace.read_bytes()).hexdigest()}"
    assert verify(FolderDisk(journal), JOURNAL).damage is None


def test_the_trace_of_a_day_that_broke_ends_with_the_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(day: Day, _console: object) -> DayResult:
        day.run()
        raise AssertionError("what must hold did not")

    monkeypatch.setattr("sim.run._watched", breaks)
    trace = tmp_path / "trace.txt"
    assert main_day(config(), Setting(2, visitors=1), trace=trace) == 1
    gc.collect()  # the virtual pins go to rest, and whoever wrote that into a closed file would be told of here
    assert trace.read_text(encoding="utf-8").splitlines()
    assert "seed 2: what must hold did not" in capsys.readouterr().err


def test_more_counters_than_the_site_has_can_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    day = Day(with_counters(shortened(config()), 4), seed=4, visitors=6, day_ms=30_000)
    assert day.run().served == 6
    assert set(day.people.counters) == {"1", "2", "3", "4"}


def test_a_page_about_the_day_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main_day(config(), Setting(2, visitors=1), report=tmp_path / "day.html") == 0
    page = (tmp_path / "day.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert not re.search(r"(src|href)=.?(https?:)?//|url[(].?http|@import", page)


def test_habits_that_cannot_be_read_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main_day(config(), Setting(2, visitors=1, habits="nowhere.yaml")) == 2
    assert "nowhere.yaml" in capsys.readouterr().err


def test_a_violation_is_told_with_its_seed_and_story(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.day.LONGEST_MS", 10_000)
    assert main_day(config(), Setting(9, visitors=3)) == 1
    told = capsys.readouterr().err
    assert "seed 9:" in told
    assert "CardEnrolled" in told


def test_what_a_broken_day_has_left_is_written_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.day.LONGEST_MS", 60_000)
    report, journal = tmp_path / "day.html", tmp_path / "state"
    setting = Setting(9, visitors=3, strokes=("30000 disk unplugged at disk for 60000",))
    assert main_day(config(), setting, report=report, journal=journal) == 1
    assert verify(FolderDisk(journal), JOURNAL).records > 0
    assert "<svg" in report.read_text(encoding="utf-8")


def test_of_records_that_nobody_can_read_there_is_no_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f.TicketIssued, "type_name", classmethod(lambda cls: "ticket.of_a_new_kind"))
    report = tmp_path / "day.html"
    assert main_day(config(), Setting(9, visitors=3), report=report) == 1
    told = capsys.readouterr().err
    assert re.search(r"day\.html: is not written: record \d+ is a 'ticket\.of_a_new_kind', which this version", told)
    assert not report.exists()


def test_a_rule_that_breaks_down_is_a_violation_with_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise LookupError("no such session")

    monkeypatch.setattr("firmware.core.session._open", breaks)
    with pytest.raises(Violation, match=r"28 .*LookupError: no such session; seed 9, at 0\.0") as broken:
        Day(config(), seed=9, visitors=1).run()
    assert isinstance(broken.value.__cause__, LookupError)


@pytest.mark.parametrize(
    ("option", "place", "wrong"),
    [
        ("journal", "kept", "holds a journal already; name an empty folder"),
        ("journal", "kept/journal", "holds a journal already; name an empty folder"),
        ("journal", ".", "is not empty; name an empty folder"),
        ("journal", "file", "is no folder"),
        ("journal", "file/state", "is no folder"),
        ("report", "nowhere/day.html", "there is no folder"),
        ("report", "kept", "is a folder; name a file"),
        ("trace", "nowhere/trace.txt", "there is no folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_the_day_is_lived(
    option: str, place: str, wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segment = tmp_path / "kept" / "journal" / "000000000001.jsonl"
    segment.parent.mkdir(parents=True)
    segment.write_text("of another day")
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    whole_day = Setting(1)  # which would take long
    assert main_day(config(), whole_day, **{option: tmp_path / place}) == 2
    told = capsys.readouterr().err
    assert wrong in told
    assert len(told.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert segment.read_text() == "of another day"


def test_a_day_says_what_it_was_made_of_and_that_all_held(capsys: pytest.CaptureFixture[str]) -> None:
    setting = Setting(7, visitors=0, day_ms=30 * MINUTE, weather="some")
    assert main_day(config(), setting) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"seed 7, 0 visitors, 2 counters, 1 lane, real people, faults some \(\d+\)", lines[0])
    assert lines[1].startswith("0 of 0 visitors went home, 0 of them after a visit, in ")
    assert lines[-2] == "everything that must hold held: 30 invariants"
    assert not any("%" in line for line in lines), "no share of nobody"


@pytest.mark.parametrize("ms", [*range(60_000, 64_000, 100), 3_599_499, 120_501])
def test_a_time_reads_as_on_the_page_of_the_day(ms: int) -> None:
    assert clock_text(ms) in (page := Words("en", 0).short(ms)) or clock_text(ms) == page.replace(" min", ":00")


def shortened(whole: Config) -> Config:
    """The same hall with visits of at most two minutes."""
    return whole.model_copy(update={"visits": whole.visits.model_copy(update={"length": 120_000})})

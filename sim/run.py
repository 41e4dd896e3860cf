"""A seeded day as a command: run it, show how it goes, tell what came of it."""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from firmware.boot import JOURNAL
from firmware.codec import UnknownFactError
from firmware.config import Config
from firmware.report import NoSuchDayError, write_report
from firmware.report.figures import PROMISE_MS, within
from firmware.report.words import Words
from services.segments import Walk, segments
from sim.day import Day
from sim.durations import clock_text
from sim.invariants import INVARIANTS
from sim.kept import wrong_with_file, wrong_with_folder
from sim.people.habits import HabitsError
from sim.result import DayResult
from sim.setting import Setting, day_of, habits_named

STAGES = {
    "waited": "ticket to call",
    "counter": "at the counter",
    "to_entry": "ticket to seat",
    "inside": "inside",
    "whole": "ticket to card returned",
}
"""Stage of a visit, as its last fact names it -> what a reader calls it."""


HELD = f"everything that must hold held: {sum(one.number > 0 for one in INVARIANTS)} invariants"
"""The verdict."""


def run_day(
    config: Config, setting: Setting, *, on_progress: Callable[[int, int], None] | None = None,
    journal_dir: Path | None = None, trace_file: TextIO | None = None,
) -> DayResult:  # fmt: skip
    """One seeded day; its state directory is written to `journal_dir`.

    Raises Violation when something does not hold, WireError when a driver breaks its device's protocol.
    """
    day = day_of(config, setting, trace_file)
    result = day.run(on_progress)
    if journal_dir is not None:
        day.dump(journal_dir)
    return result


def main_day(
    config: Config, setting: Setting, report: Path | None = None, journal: Path | None = None,
    trace: Path | None = None,
) -> int:  # fmt: skip
    """`besuk sim day`: the exit code. 0 when all held, 1 with seed and story when not, 2 for a user's mistake.

    Journal and page are written of a day that broke, too: as much as there is.
    """
    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    if wrong := wrong_with_folder(journal) or wrong_with_file(report) or wrong_with_file(trace):
        console.print(f"besuk sim day: {wrong}")
        return 2
    try:
        with trace.open("w", encoding="utf-8") if trace else nullcontext() as file:
            day = day_of(config, setting, file)
            try:
                result = _watched(day, console)
            except AssertionError as violation:
                console.print(day.trace.story)
                console.print(head(day, setting))
                console.print(f"seed {setting.seed}: {violation}")
                _keep(day, report, journal, console)
                return 1
            finally:
                day.trace.end()
        _keep(day, report, journal, console)
    except (HabitsError, ValueError, OSError) as error:
        console.print(f"besuk sim day: {error}")
        return 2
    show(day, setting, result)
    return 0


def _watched(day: Day, console: Console) -> DayResult:
    """Run it under a bar that grows."""
    columns = (TextColumn("visitors gone home"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("day", total=day.visitors)
        return day.run(lambda done, total: bar.update(task, completed=done, total=total))


def _keep(day: Day, report: Path | None, journal: Path | None, console: Console) -> None:
    """Write what was asked for. Raises OSError."""
    if journal is not None:
        day.dump(journal)
    if report is None:
        return
    try:
        page = page_of(day)
    except (NoSuchDayError, UnknownFactError, OSError) as error:
        console.print(f"{report}: is not written: {error}")
        return
    report.write_text(page, encoding="utf-8")


def page_of(day: Day) -> str:
    """The day in pictures, from its journal as it lies on the disk; up to the first bad record, where there is one.
    Raises NoSuchDayError, UnknownFactError, OSError."""
    medium = day.disk.copy()
    medium.heal()
    walk = Walk(medium, JOURNAL, segments(medium, JOURNAL))
    events = [record.line.event for record in walk.records()]
    return write_report(events, day.config.as_site(), damage=str(walk.damage or ""))


def head(day: Day, setting: Setting) -> str:
    """What the day was made of: what it takes to live it again."""
    told = [
        f"seed {setting.seed}", _of(setting.visitors, "visitor"), _of(len(day.config.queue.counters), "counter"),
        _of(len(day.config.gate.lanes), "lane"), f"{habits_named(setting)} people",
    ]  # fmt: skip
    if setting.weather != "none" or setting.strokes is not None:
        weather = "strokes as told" if setting.strokes is not None else f"faults {setting.weather}"
        told.append(f"{weather} ({len(day.storm.strokes)})")
    if setting.scenario:
        told.append(f"site {setting.scenario}")
    if setting.only is not None:
        told.append(f"of the visitors only {', '.join(map(str, setting.only)) or 'nobody'}")
    return ", ".join(told)


def show(day: Day, setting: Setting, result: DayResult) -> None:
    """The summary, and the trace hash in its last line."""
    console = Console(file=sys.stdout, markup=False, highlight=False, soft_wrap=True)
    console.print(head(day, setting))
    console.print(
        f"{result.served} of {_of(result.visitors, 'visitor')} went home, {result.visits} of them after a visit, "
        f"in {clock_text(result.lasted_ms)}; {result.inside_peak} inside at most, {_of(result.events, 'event')}"
    )
    if result.stages:
        times = Table("minutes:seconds", "median", "p90", "max")
        for stage, name in STAGES.items():
            if span := result.stages.get(stage):
                whole = within if stage == "to_entry" else round  # what is promised is rounded up, as on the page
                times.add_row(name, *(clock_text(whole(ms)) for ms in (span.median, span.p90, span.most)))
        console.print(times)
    if result.visits:
        share = Words("en", 0).share(result.promise_kept, result.visits)
        kept = f"{result.promise_kept} of {_of(result.visits, 'visit')}, {share}"
        console.print(f"ticket to seat within {clock_text(PROMISE_MS)}: {kept}")
    refused = ", ".join(f"{reason} {count}" for reason, count in sorted(result.refusals.items()))
    console.print(f"refused taps: {refused or 'none'}; times that no card was left: {result.cards_awaited}")
    console.print(
        f"{result.scans} scans, {result.skipped} left out, {result.wall_s:.1f} s on this machine"
    )
    console.print(HELD)
    console.print(f"trace: {result.trace}")


def _of(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"

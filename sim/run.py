"""A seeded day as a command: run it, show how it goes, tell what came of it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from firmware.config import Config
from hal.clock import Millis
from sim.day import DAY_MS, PROMISE_MS, Day
from sim.result import DayResult

STAGES = {
    "waited": "ticket to call",
    "counter": "at the counter",
    "to_entry": "ticket to seat",
    "inside": "inside",
    "whole": "ticket to card returned",
}
"""Stage of a visit, as its last fact names it -> what a reader calls it."""


def run_day(
    config: Config, *, seed: int, visitors: int = 220, counters: int | None = None,
    on_progress: Callable[[int, int], None] | None = None, skip: bool = True, day_ms: Millis = DAY_MS,
    journal_dir: Path | None = None, trace_file: TextIO | None = None,
) -> DayResult:  # fmt: skip
    """One seeded day; its state directory is written to `journal_dir`.

    Raises Violation when something does not hold, WireError when a driver breaks its device's protocol.
    """
    day = Day(
        config, seed=seed, visitors=visitors, counters=counters, skip=skip, day_ms=day_ms, trace_file=trace_file
    )
    result = day.run(on_progress)
    if journal_dir is not None:
        day.dump(journal_dir)
    return result


def main_day(
    config: Config, seed: int = 1, visitors: int = 220, counters: int | None = None, faults: str = "none",
    report: Path | None = None, journal: Path | None = None, trace: Path | None = None,
) -> int:  # fmt: skip
    """`besuk sim day`: the exit code. 0 when all held, 1 with seed and story when not, 2 for what is not there."""
    console = Console(stderr=True)
    for wanted, what in ((faults != "none", "faults are"), (report is not None, "the report is")):
        if wanted:
            console.print(f"besuk sim day: {what} not built yet")
            return 2
    file = trace.open("w", encoding="utf-8") if trace is not None else None
    try:
        day = Day(config, seed=seed, visitors=visitors, counters=counters, trace_file=file)
        columns = (TextColumn("visitors gone home"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("day", total=visitors)
            result = day.run(lambda done, total: bar.update(task, completed=done, total=total))
        if journal is not None:
            day.dump(journal)
    except AssertionError as violation:
        console.print(f"seed {seed}: {violation}", markup=False, highlight=False)
        console.print(day.trace.story, markup=False, highlight=False, soft_wrap=True)
        return 1
    finally:
        if file is not None:
            file.close()
    show(result)
    return 0


def show(result: DayResult, file: TextIO | None = None) -> None:
    """The summary, and the trace hash in its last line."""
    console = Console(file=file or sys.stdout, highlight=False, soft_wrap=True)
    console.print(
        f"seed {result.seed}: {result.served} of {result.visitors} visitors served in "
        f"{_clock(result.lasted_ms)}, {result.inside_peak} inside at most, {result.events} events"
    )
    times = Table("minutes:seconds", "median", "p90", "max")
    for stage, name in STAGES.items():
        if span := result.stages.get(stage):
            times.add_row(name, _clock(span.median), _clock(span.p90), _clock(span.most))
    console.print(times)
    share = 100 * result.promise_kept // max(1, result.served)
    console.print(f"ticket to seat within {_clock(PROMISE_MS)}: {result.promise_kept} visits, {share} %")
    refused = ", ".join(f"{reason} {count}" for reason, count in sorted(result.refusals.items()))
    console.print(f"refused taps: {refused or 'none'}; times that no card was left: {result.cards_awaited}")
    console.print(
        f"{result.scans} scans, {result.skipped} left out, {result.wall_s:.1f} s on this machine"
    )
    console.print(f"trace: {result.trace}")


def _clock(ms: Millis) -> str:
    """`1:27`, or `7:05:00`."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"

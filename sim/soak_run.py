"""`besuk sim soak`: many days, how it goes, what they met, and the first violation shrunk to its story."""

import os
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from firmware.config import Config
from sim.case import save_case
from sim.everything import never_met
from sim.kept import wrong_with_file
from sim.people.habits import STAFF, VISITORS
from sim.run import HELD
from sim.setting import Setting, setting_of, spelled_out
from sim.shrink import shrunk
from sim.soak import Lived, live, live_and_again, settings_from, soak
from sim.strokes import KINDS, Weather

CASE = "besuk-case.json"
"""Where the shrunk day is kept, for `besuk sim day --case`."""
SHRINK_S = 600.0
"""So long smaller days are tried; then what is left must do. A day that does not end takes a minute each time."""


def main_soak(
    config_file: Path, config: Config, *, seeds: tuple[int, int] | None = None, minutes: float | None = None,
    weather: Weather = "storm", jobs: int | None = None, complete: bool = False, case: Path = Path(CASE),
) -> int:  # fmt: skip
    """The exit code: 0 when all held (and, if it must be `complete`, everything was met), 1 when not, 2 for a user's
    mistake. Ctrl-C ends it with what it has found by then, and 130."""
    console = Console(stderr=True, highlight=False)
    if wrong := wrong_with_file(case):
        console.print(f"besuk sim soak: {wrong}", markup=False, soft_wrap=True)
        return 2
    jobs = jobs or os.cpu_count() or 1
    first, last = seeds or (1, None)
    settings: Iterable[Setting] = settings_from(first, weather)
    if last is not None:
        settings = (setting_of(seed, weather) for seed in range(first, last + 1))
    ends_at = None if minutes is None else time.monotonic() + 60 * minutes
    columns = (
        SpinnerColumn(), TextColumn("days"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )  # fmt: skip
    lived: list[Lived] = []
    days = soak(config_file, settings, jobs, until=lambda: ends_at is not None and time.monotonic() >= ends_at)
    interrupted = False
    try:
        with Progress(*columns, console=console, transient=True) as bar, closing(days):
            task = bar.add_task("soak", total=None if last is None else last - first + 1, told="")
            for one in days:
                lived.append(replace(one, seen=Counter(one.seen)))
                bar.update(task, advance=1, told=f"{sum(day.events for day in lived)} events")
                if one.violation:
                    break
    except KeyboardInterrupt:
        interrupted = True
    broken = next((one for one in lived if one.violation), None)
    seen = sum((one.seen for one in lived), Counter[str]())
    show(lived, seen)
    missing = never_met(seen, KINDS, (*VISITORS, *STAFF))
    if missing:
        console.print(f"never met: {', '.join(missing)}", soft_wrap=True)
    if broken is not None:
        tell(broken, config_file, config, case, console)
        return 1
    if lived:
        Console(highlight=False, soft_wrap=True).print(f"{HELD}, on {len(lived)} day{'s' * (len(lived) != 1)}")
    if interrupted:
        console.print("besuk sim soak: interrupted")
        return 130
    return 1 if complete and missing else 0


def tell(broken: Lived, config_file: Path, config: Config, case: Path, console: Console) -> None:
    """The violation, the fewest people and strokes that show it, and how to see it again."""
    console.print(f"seed {broken.setting.seed}: {broken.violation}", markup=False, soft_wrap=True)
    if not broken.story:  # it ended with its process: living it here again would end, or hang, this one too
        return
    setting = spelled_out(config, broken.setting)
    run: Callable[[Config, Setting], Lived] = live if broken.number else live_and_again
    until = time.monotonic() + SHRINK_S

    def breaks(one: Setting) -> bool:
        if time.monotonic() >= until:
            return False
        again = run(config, one)
        return bool(again.violation) and again.number == broken.number

    with console.status("looking for the fewest people and strokes that show it"):
        small = shrunk(setting, breaks) if breaks(setting) else setting
        story = run(config, small)
    save_case(case, small)
    console.print(f"with visitors {list(small.only or ())} and", markup=False)
    for stroke in small.strokes or ("no trouble at all",):
        console.print(f"  {stroke}", markup=False, soft_wrap=True)
    console.print(story.story or broken.story, markup=False, soft_wrap=True)
    console.print(story.violation or broken.violation, markup=False, soft_wrap=True)
    again = shlex.join(["besuk", "sim", "day", "--config", str(config_file), "--case", str(case)])
    console.print(f"again: {again}", markup=False, soft_wrap=True)


def show(lived: list[Lived], seen: Counter[str]) -> None:
    """What was run, and what it met."""
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    groups: dict[str, list[str]] = {}
    for key in sorted(seen):
        kind, _, name = key.partition(" ")
        groups.setdefault(kind, []).append(f"{name} {seen[key]}")
    table = Table("met", "how often", box=None, padding=(0, 2, 0, 0))
    for kind, names in groups.items():
        table.add_row(kind, ", ".join(names))
    console.print(table)
    hours = sum(one.hours for one in lived)
    most = max((one.memory_kib for one in lived), default=0) // 1024
    faults = sum(times for key, times in seen.items() if key.startswith("fault "))
    console.print(
        f"{len(lived)} day{'s' * (len(lived) != 1)}, {hours:.0f} h of hall time, "
        f"{sum(one.visitors for one in lived)} visitors, "
        f"{sum(one.events for one in lived)} events, {faults} faults; "
        f"{sum(one.wall_s for one in lived):.0f} s of work, {most} MiB at most in a process"
    )

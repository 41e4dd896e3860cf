"""Many days, side by side in as many processes as there are cores, until all seeds are through or time is up.

What a day is made of follows from its seed: how many come, for how long, on what kind of site, in what weather. One
seed in ten is lived twice, and every other of these without leaving out a scan: the traces must be the same. The first
day on which something did not hold is shrunk to the fewest people and strokes that still show it.
"""

import faulthandler
import multiprocessing
import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from firmware.config import Config, load
from sim import pi
from sim.clock import WireError
from sim.coverage import Coverage
from sim.judge import Violation
from sim.setting import Setting, day_of, setting_of
from sim.strokes import Weather
from sim.workers import workers

TWICE = 10
"""One seed in so many is lived twice."""
UNSKIPPED = 20
"""One in so many is, the second time, lived with every scan."""
LIMIT_S = 1_200.0
"""A day that takes longer than this will not end; the longest takes a minute or two, on a busy machine some more."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of a day."""

    setting: Setting
    trace: str = ""
    seen: Counter[str] = field(default_factory=Counter)
    visitors: int = 0
    events: int = 0
    hours: float = 0.0
    """Of virtual time."""
    wall_s: float = 0.0
    memory_kib: int = 0
    """The most that the process has ever used."""
    violation: str = ""
    number: int = 0
    """The invariant's, when one did not hold."""
    story: str = ""


def live(config: Config, setting: Setting) -> Lived:
    """One day, and what came of it."""
    begun = time.perf_counter()
    day = day_of(config, setting)
    coverage = Coverage()
    day.machine.listeners.append(coverage)
    violation, number, story, trace = "", 0, "", ""
    try:
        trace = day.run().trace
    except AssertionError as broken:
        violation, story = str(broken) or traceback.format_exc(limit=-3), day.trace.story
        number = broken.number if isinstance(broken, Violation) else 0
        if isinstance(broken, WireError):
            violation = f"a driver broke its device's protocol: {violation}"
        if broken.__cause__ is not None:
            story += "".join(traceback.format_exception(broken.__cause__, limit=-6))
    seen = coverage.seen
    seen.update({f"fault {kind}": times for kind, times in day.storm.seen.items()})
    seen.update({f"habit {habit}": times for habit, times in day.people.seen_habits.items()})
    return Lived(
        setting, trace, seen, day.people.figures.came, day.daemon.controller.ledger.journal.last_seq,
        day.clock.now() / 3_600_000, time.perf_counter() - begun,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, violation, number, story,
    )  # fmt: skip


def live_and_again(config: Config, setting: Setting) -> Lived:
    """One day; twice, where its seed says so, and then with the same trace."""
    lived = live(config, setting)
    if lived.violation or setting.seed % TWICE:
        return lived
    again = live(config, replace(setting, skip=setting.seed % UNSKIPPED != 0))
    if again.violation or again.trace != lived.trace:
        how = "with every scan" if not again.setting.skip else "once more"
        other = f"lived {how}, the day was another: trace {lived.trace[:16]}, then {again.trace[:16]}"
        told = again.violation or other
        return replace(lived, violation=told, story=again.story)
    return replace(lived, wall_s=lived.wall_s + again.wall_s)


# -- in many processes

_config: Config


def _prepare(config: Path) -> None:
    global _config  # one for each process, for a configuration takes longer to read than a task to send
    pi.install()
    _config = load(config)


def _work(setting: Setting, limit_s: float) -> Lived:
    faulthandler.dump_traceback_later(limit_s, exit=True)
    try:
        return live_and_again(_config, setting)
    finally:
        faulthandler.cancel_dump_traceback_later()


def soak(
    config: Path, settings: Iterable[Setting], jobs: int, *,
    until: Callable[[], bool] = lambda: False, limit_s: float = LIMIT_S,
) -> Generator[Lived, None, None]:  # fmt: skip
    """Each setting's day as it ends, in any order; no new one is begun once `until` says so.

    A process that dies, or would not end, writes where it stood to stderr, and breaks all the days under way with it.
    """
    coming = iter(settings)
    fresh = multiprocessing.get_context("forkserver")  # not a copy of whatever the asking process has in memory
    with workers(jobs, _prepare, config, fresh) as pool:
        running: dict[Future[Lived], Setting] = {}
        while True:
            while len(running) < jobs and not until() and (setting := next(coming, None)) is not None:
                running[pool.submit(_work, setting, limit_s)] = setting
            if not running:
                return
            for one in wait(running, return_when=FIRST_COMPLETED).done:
                setting = running.pop(one)
                try:
                    lived = one.result()
                except BrokenProcessPool:
                    seeds = sorted({setting.seed, *(other.seed for other in running.values())})
                    died = f"a process died, or took over {limit_s:g} s, with seeds {seeds}"
                    yield Lived(setting, violation=died)
                    return
                yield lived


def settings_from(first: int, weather: Weather) -> Iterator[Setting]:
    """The days of all seeds from `first` on."""
    return (setting_of(seed, weather) for seed in count(first))

"""`besuk sim counters`: the question of the head of a rutan as a command."""

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from firmware.config import Config, load
from firmware.report.figures import PROMISE_MS
from hal.clock import Millis
from sim import pi
from sim.counters import BINDS, SHARE, Hands, Hunt, Outcome, hall_of, try_day
from sim.durations import DAY_MS, clock_text
from sim.hall import stock_of_cards
from sim.workers import workers

_config: Config


def _prepare(config: Path) -> None:
    global _config  # one for each process
    pi.install()
    _config = load(config)


def _work(hands: Hands) -> Outcome:
    return try_day(_config, hands)


def main_counters(
    config_file: Path, config: Config, *, visitors: Sequence[int] = (220, 500, 1200),
    counters: tuple[int, int] = (1, 12), searchers: int = 2, lanes: int | None = None,
    capacity: int | None = None,
    lockers: int | None = None, cards: int | None = None, seed: int = 1, share: int = SHARE, every: bool = False,
    jobs: int | None = None, as_json: bool = False, day_ms: Millis = DAY_MS,
) -> int:  # fmt: skip
    """The exit code: 0 answered, 1 a day on which something did not hold, 2 a hall that cannot be built."""
    console = Console(stderr=True, highlight=False)
    low, high = counters
    hunts = [
        Hunt(Hands(number, low, searchers, lanes, capacity, lockers, cards, seed, day_ms), low, high, share, every)
        for number in visitors
    ]
    try:
        fewer_than_wired(config, hunts[0].hands)
        hall_of(config, hunts[0].hands)
    except ValueError as error:
        console.print(f"besuk sim counters: {error}", soft_wrap=True)
        return 2
    try:
        _run(hunts, config_file, jobs or os.cpu_count() or 1, console)
    except AssertionError as violation:
        console.print(f"seed {seed}: {violation}", markup=False, soft_wrap=True)
        return 1
    if as_json:
        json.dump(told(hunts), sys.stdout)
        sys.stdout.write("\n")
    else:
        show(hunts, config)
    return 0


def fewer_than_wired(config: Config, hands: Hands) -> None:
    """A hall can be tried larger than it is wired, not smaller. Raises ValueError."""
    wired = sum(len(bank.numbers) for bank in config.lockers.banks.values())
    for name, wanted, there in (("lockers", hands.lockers, wired), ("lanes", hands.lanes, len(config.gate.lanes))):
        if wanted is not None and wanted < there:
            raise ValueError(f"--{name} {wanted} is not possible: the site has {there}; name a --config with fewer")


def _run(hunts: Sequence[Hunt], config_file: Path, jobs: int, console: Console) -> None:
    """Live the days, as many at a time as there are jobs, until every hunt has its answer."""
    columns = (
        SpinnerColumn(), TextColumn("days"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )  # fmt: skip
    with (
        workers(jobs, _prepare, config_file) as pool,
        Progress(*columns, console=console, transient=True) as bar,
    ):
        task = bar.add_task("days", total=None, told="")
        under_way: dict[Future[Outcome], Hunt] = {}

        def go_on(hunt: Hunt) -> None:
            for hands in hunt.todo():
                under_way[pool.submit(_work, hands)] = hunt

        for hunt in reversed(hunts):  # the longest days first
            go_on(hunt)
        while under_way:
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for one in done:
                hunt, came = under_way.pop(one), one.result()
                hunt.take(came)
                last = f"{came.hands.visitors} visitors, {came.hands.counters} counters: {came.percent} %"
                bar.update(task, advance=1, told=last)
                if not hunt.every:
                    go_on(hunt)


def told(hunts: Sequence[Hunt]) -> dict[str, object]:
    """What was found, for a program."""
    return {
        "promise_ms": PROMISE_MS,
        "share": hunts[0].share,
        "days": [
            {**asdict(one), "percent": one.percent, "holds": one.holds(hunt.share)}
            for hunt in hunts for one in hunt.rows
        ],
        "answers": [
            {"visitors": hunt.hands.visitors, "holds": hunt.answer.holds(hunt.share),
             "counters": hunt.answer.hands.counters, "binds": hunt.answer.binds, "sentence": hunt.sentence}
            for hunt in hunts
        ],
    }  # fmt: skip


def show(hunts: Sequence[Hunt], config: Config) -> None:
    """A table of the days, and a sentence for each number of visitors."""
    console = Console(highlight=False, soft_wrap=True)
    within = f"within {clock_text(PROMISE_MS)}"
    table = Table("visitors", "counters", within, "at best", "gave up", "median", "p90", "last home", "what binds")
    for hunt in hunts:
        for one in hunt.rows:
            binds = "" if one.holds(hunt.share) else BINDS[one.binds].partition(",")[0]
            table.add_row(
                str(one.hands.visitors), str(one.hands.counters), f"{one.percent} %", f"{one.best} %",
                str(one.hands.visitors - one.seated), clock_text(one.median), clock_text(one.p90),
                clock_text(one.lasted_ms), binds,
            )  # fmt: skip
        table.add_section()
    console.print(table)
    hands = hunts[0].hands
    hall = hall_of(config, hands)
    lockers = sum(len(bank.numbers) for bank in hall.lockers.banks.values())
    had = (
        _of(hands.searchers, "searcher"), _of(len(hall.gate.lanes), "lane"), f"{hall.capacity} places",
        _of(lockers, "locker"), _of(hands.cards or len(stock_of_cards(hands.seed)), "card"), f"seed {hands.seed}",
    )  # fmt: skip
    console.print(
        f"{', '.join(had)}; the promise holds when {hunts[0].share} % of visitors are seated {within} of their ticket"
    )
    for hunt in hunts:
        console.print(hunt.sentence)


def _of(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"

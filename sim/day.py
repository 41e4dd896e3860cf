"""A seeded day: eight hours of visitors in virtual time, on the hall's own program from cards down to registers.

One thread, one clock, one seed: everything that happens follows from these, and the trace hash tells whether it did.
What the program says is held against the world: the count against who is inside, the central server's books against the
journal, the journal against its own hashes, and the hall's state against the fold of the journal.
"""

import random
import time
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from firmware.boot import JOURNAL, assemble, broker_settings
from firmware.codec import fact_of
from firmware.config import Config
from firmware.core import facts as f
from firmware.core.evolve import evolve, fit_to_site, new_hall
from firmware.core.state import Hall
from firmware.ledger import Told
from hal.clock import Millis
from services.requests import Answer, Request, refusal
from services.segments import verify
from sim.broker import VirtualBroker
from sim.clock import VirtualClock, VirtualWallClock
from sim.disk import VirtualDisk, VirtualWriter
from sim.hall import VirtualHall
from sim.officers import begin_work, close_hall, open_hall
from sim.pace import Pace
from sim.people import MINUTE, SECOND, People, arrival_ms, somebody
from sim.receiver import Receiver, receive_in_virtual_time, subscriptions
from sim.trace import Trace
from sim.visitors import visit
from sim.world import VirtualWorld

DAY_MS: Millis = 8 * 60 * MINUTE
DOORS_MS: Millis = 1 * MINUTE
"""The first visitor comes so long after the officers."""
LAST_MS: Millis = 70 * MINUTE
"""Nobody comes later than so long before the end of the day; half of it later, closing begins."""
LONGEST_MS: Millis = 24 * 60 * MINUTE
START_UTC_MS = 1_767_571_200_000
"""2026-01-05T00:00:00Z, 08:00 in Makassar, a Monday."""
PROMISE_MS = 120 * SECOND
COUNTED_US = 1_000_000
"""So long after the arm has moved, the program has counted who passed."""
SETTLE_MS = 5 * SECOND
"""After the hall has closed: the last events reach the central server, and its word comes back."""


class Violation(AssertionError):
    """Something that must always hold did not."""


@dataclass(frozen=True, slots=True)
class Span:
    """How long something took, over all visits, in milliseconds."""

    median: Millis
    p90: Millis
    most: Millis

    @classmethod
    def of(cls, values: Sequence[Millis]) -> "Span":
        ordered = sorted(values) or [0]
        return cls(ordered[len(ordered) // 2], ordered[len(ordered) * 9 // 10], ordered[-1])


@dataclass(slots=True)
class DayResult:
    """One day in figures."""

    seed: int
    visitors: int
    served: int = 0
    stages: dict[str, Span] = field(default_factory=dict)
    """`waited`, `counter`, `to_entry`, `inside`: as the visits' last facts say."""
    promise_kept: int = 0
    """Visits from ticket to seat within two minutes."""
    inside_peak: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    """By reason."""
    cards_awaited: int = 0
    events: int = 0
    scans: int = 0
    skipped: int = 0
    lasted_ms: Millis = 0
    """Of virtual time, from the officers' first action to the central server's last word."""
    wall_s: float = 0.0
    trace: str = ""


class Day:
    """One day in one hall, ready to run."""

    def __init__(
        self, config: Config, *, seed: int, visitors: int, counters: int | None = None, skip: bool = True,
        day_ms: Millis = DAY_MS, trace_file: TextIO | None = None,
    ) -> None:  # fmt: skip
        self.config = config = with_counters(config, counters)
        self.seed = seed
        self.visitors = visitors
        self.trace = Trace(trace_file)
        self.clock = VirtualClock()
        self.hall = VirtualHall(config, self.clock, seed)
        self.disk = VirtualDisk(self.clock)
        self.broker = VirtualBroker(self.clock, random.Random(f"broker {seed}"))
        wall = VirtualWallClock(self.clock, START_UTC_MS)
        world = VirtualWorld(
            self.hall, wall, self.disk, VirtualWriter(self.clock, self.disk), VirtualWriter(self.clock, self.disk),
            lambda mqtt, will: self.broker.transport(mqtt.client_id, mqtt.subscriptions, will), seed,
        )  # fmt: skip
        root = f"besuk/v1/{config.site}/{config.hall}/"
        central = self.broker.transport("central", subscriptions(root))
        self.receiver = Receiver(central, root)
        receive_in_virtual_time(self.receiver, central, self.clock)
        self.daemon = assemble(config, world, broker_settings(config))
        self.daemon.stopwatch_ns = lambda: self.clock.now_us * 1000
        self.daemon.controller.tell = self._told
        self.people = People(self.hall, self._ask, seed=seed, config=config)
        self.pace = Pace(self.clock, self.daemon, self._look, skip=skip)
        self.hall.on_change = self._changed
        self.closed = False
        self._stages: dict[str, list[Millis]] = {}
        self._refusals: Tally[str] = Tally()
        self._counted_at_us: int | None = None
        """When the arm will have rested for long enough that the program must know what passed."""
        self._ending = False
        self._over = False
        self._plan(day_ms)

    def _plan(self, day_ms: Millis) -> None:
        people, agents = self.people, self.people.agents
        arrivals_ms = max(0, day_ms - LAST_MS) or day_ms
        crowd = [somebody(self.seed, number, self.config, people.habits) for number in range(1, self.visitors + 1)]
        people.expected = len(crowd)
        agents.begin(open_hall(people, self.hall.stock, [who for who in crowd if who.booking]))
        for who in crowd:
            agents.begin(visit(people, who), DOORS_MS + arrival_ms(self.seed, who.number, arrivals_ms))
        agents.begin(close_hall(people), DOORS_MS + (arrivals_ms + day_ms) // 2)
        begin_work(people)

    # -- running

    def run(self, on_progress: Callable[[int, int], None] | None = None) -> DayResult:
        """The day, up to the central server's last word. Raises Violation, WireError."""
        begun = time.perf_counter()
        told = 0
        while not self._over:
            self.pace.round()
            if self._counted_at_us is not None and self.clock.now_us >= self._counted_at_us:
                self._counted_at_us = None
                self.check_count()
            if on_progress is not None and self.people.figures.went != told:
                told = self.people.figures.went
                on_progress(told, self.visitors)
            if self.clock.now() > LONGEST_MS:
                raise Violation(f"after {LONGEST_MS // MINUTE} minutes the day has not ended")
        self.daemon.stop()
        self.check_end()
        return self._result(time.perf_counter() - begun)

    def _look(self) -> None:
        self.people.look()
        if self.closed and self.people.all_home and not self._ending:
            self._ending = True
            self.clock.after(SETTLE_MS * 1000, self._end)

    def _end(self) -> None:
        self._over = True

    def _ask(self, action: str, args: Any, actor: str) -> "Future[Answer]":
        self.pace.asked()
        request = Request(action, args, actor)
        if not self.daemon.controller.requests.put(request):
            request.answer(refusal("busy", "too much is being asked at once; try again"))
        return request.future

    def _changed(self, what: str) -> None:
        self.trace.note(self.clock.now_us, what)
        self.pace.moved(what)
        if what.startswith("arm"):
            self._counted_at_us = self.clock.now_us + COUNTED_US

    def _told(self, told: Sequence[Told]) -> None:
        at_us = self.clock.now_us
        for one in told:
            fact = one.fact
            self.trace.note(at_us, repr(fact))
            match fact:
                case f.VisitEnded():
                    for stage, took_ms in fact.stages.items():
                        self._stages.setdefault(stage, []).append(took_ms)
                case f.CardRefused() | f.LockerRefused() | f.GateRefused():
                    self._refusals[fact.reason or ""] += fact.count
                case f.HallClosed():
                    self.closed = True
        self.trace.note(at_us, f"journal {self.daemon.controller.ledger.journal.last.hash}")
        self.people.told([one.fact for one in told])

    # -- what must hold

    def check_count(self) -> None:
        """At a quiet moment: the count is who is inside, and never more than may be."""
        told, inside = self.daemon.controller.hall.inside, self.hall.inside
        if told != inside:
            raise Violation(f"{inside} are inside, and the program says {told}")
        if inside > self.config.capacity:
            raise Violation(f"{inside} are inside, where {self.config.capacity} may be")

    def check_end(self) -> None:
        """After closing: all is resolved, and all that was told adds up."""
        self.check_count()
        hall, journal = self.daemon.controller.hall, self.daemon.controller.ledger.journal
        owned = [locker.locker for locker in hall.lockers.values() if not locker.free]
        issued = [card.number for card in hall.cards.values() if card.state != "stock"]
        live = [visit.visit for visit in hall.visits.values() if visit.ended_at is None]
        full = [number for number, locker in self.hall.lockers.items() if locker.content or locker.door == "open"]
        if self.hall.inside or owned or issued or live or full or hall.tasks:
            raise Violation(f"at the end: {self.hall.inside} inside, {owned=} {issued=} {live=} {full=} {hall.tasks=}")
        if self.receiver.violations or self.receiver.stored != journal.last_seq:
            heard = f"{self.receiver.stored} of {journal.last_seq} events; {self.receiver.violations}"
            raise Violation(f"the central server has {heard}")
        report = verify(self.disk, JOURNAL)
        if report.damage or report.torn or report.last_hash != journal.last.hash:
            raise Violation(f"the journal does not verify: {report}")
        if self.folded() != hall:
            raise Violation("the hall is not the fold of its journal")

    def folded(self) -> Hall:
        """The hall as its journal tells it."""
        site = self.config.as_site()
        hall = new_hall(site)
        fit_to_site(hall, site)
        for line in self.daemon.controller.ledger.journal.lines():
            fact = fact_of(line.event)
            boot_at = fact.epoch_ms if isinstance(fact, f.HallBooted) else hall.boot_at
            evolve(hall, fact, boot_at + int(line.event["bootms"]), site)
        return hall

    def _result(self, wall_s: float) -> DayResult:
        figures = self.people.figures
        to_entry = self._stages.get("to_entry", [])
        return DayResult(
            seed=self.seed, visitors=self.visitors, served=figures.went,
            stages={stage: Span.of(values) for stage, values in self._stages.items()},
            promise_kept=sum(took_ms <= PROMISE_MS for took_ms in to_entry), inside_peak=figures.inside_peak,
            refusals=dict(self._refusals), cards_awaited=figures.cards_awaited,
            events=self.daemon.controller.ledger.journal.last_seq, scans=self.pace.scans, skipped=self.pace.skipped,
            lasted_ms=self.clock.now(), wall_s=wall_s, trace=self.trace.hash,
        )  # fmt: skip

    def dump(self, folder: Path) -> None:
        """Write the state directory to a real one, as a daemon would have left it."""
        for name in self.disk.names(""):
            _dump(self.disk, name, folder)


def _dump(disk: VirtualDisk, path: str, folder: Path) -> None:
    target = folder / path
    try:
        inside = disk.names(path)
    except OSError:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(disk.read(path))
        return
    target.mkdir(parents=True, exist_ok=True)
    for name in inside:
        _dump(disk, f"{path}/{name}", folder)


def with_counters(config: Config, counters: int | None) -> Config:
    """The same hall with so many counters, named 1, 2, 3 and so on."""
    if counters is None or counters == len(config.queue.counters):
        return config
    names = tuple(str(number) for number in range(1, counters + 1))
    return config.model_copy(update={"queue": config.queue.model_copy(update={"counters": names})})

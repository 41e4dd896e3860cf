"""A seeded day: eight hours of visitors in virtual time, on the hall's own program from cards down to registers.

One thread, one clock, one seed: everything that happens follows from these, and the trace hash tells whether it did.
What the program says is held against the world: the count against who is inside, the central server's books against the
journal, the journal against its own hashes, and the hall's state against the fold of the journal.
"""

import time
from collections import Counter as Tally
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TextIO

from firmware.boot import JOURNAL
from firmware.config import Config
from firmware.core import facts as f
from firmware.daemon import Daemon
from firmware.fold import folded
from firmware.ledger import Told
from firmware.report.figures import PROMISE_MS, Quantiles
from hal.clock import Millis
from services.requests import Answer
from services.segments import verify
from sim.clock import VirtualClock, WireError
from sim.durations import DAY_MS, MINUTE, SECOND
from sim.hall import VirtualHall
from sim.judge import Invariant, Judge, Scene, Violation
from sim.machine import End, Listener, Machine
from sim.pace import Pace
from sim.people.arrivals import fill
from sim.people.everybody import People
from sim.people.habits import POLITE, Habits
from sim.result import DayResult
from sim.storm import Storm
from sim.strokes import Stroke
from sim.trace import Trace

LONGEST_MS: Millis = 24 * 60 * MINUTE
COUNTED_US = 1_000_000
"""So long after the arm has moved, the program has counted who passed."""
SETTLE_MS = 5 * SECOND
"""After the hall has closed: the last events reach the central server, and its word comes back."""


class Day(Listener):
    """One day in one hall, ready to run."""

    def __init__(
        self, config: Config, *, seed: int, visitors: int, skip: bool = True,
        day_ms: Millis = DAY_MS, trace_file: TextIO | None = None,
        invariants: Sequence[type[Invariant]] = (), habits: Habits | None = None, strokes: Sequence[Stroke] = (),
        only: Collection[int] | None = None,
    ) -> None:  # fmt: skip
        """`strokes`: the trouble of the day. Without any, and among polite people, more must hold: see `check_end`."""
        self.config = config
        self.seed = seed
        self.visitors = visitors
        self.trace = Trace(trace_file)
        self.clock = VirtualClock()
        self.hall = VirtualHall(config, self.clock, seed)
        self.machine = Machine(config, self.hall, seed=seed)
        self.disk = self.machine.disk
        self.broker = self.machine.broker
        self.receiver = self.machine.receiver
        self.people = People(self.hall, self._ask, seed=seed, habits=habits)
        self.scene = Scene(self.machine, seed, self.people)
        self.judge = Judge(self.scene, invariants)
        self.people.well_for_ms = self._well_for_ms
        self.people.on_unmet = self._unmet
        self.machine.listeners.append(self)
        self.receiver.on_stored = self._stored
        self.storm = Storm(self.machine, strokes, self._noted)
        self.quiet = not strokes and habits in (None, POLITE)
        """Nothing goes wrong, and everybody is polite."""
        self.hall.on_change = self._changed
        self.pace = Pace(self.machine, self._look, wake=self.judge.next_us, skip=skip)
        self.daemon: Daemon
        """The present one, or the last."""
        self._stages: dict[str, list[Millis]] = {}
        self._visits = 0
        self._refusals: Tally[str] = Tally()
        self._counted_at_us: int | None = None
        """When the arm will have rested for long enough that the program must know what passed."""
        self._ending = False
        self._over = False
        self.machine.start()
        self.storm.begin()
        fill(self.people, visitors, day_ms, only)

    # -- running

    def run(self, on_progress: Callable[[int, int], None] | None = None) -> DayResult:
        """The day, up to the central server's last word. Raises Violation, WireError."""
        begun = time.perf_counter()
        told = 0
        try:
            while not self._over:
                self._round()
                if on_progress is not None and self.people.figures.went != told:
                    told = self.people.figures.went
                    on_progress(told, self.visitors)
            self.machine.stop()
            self.judge.ended()
            if self.quiet:
                self.check_end()
        except (Violation, WireError):
            raise
        except Exception as error:
            raise self._violation(f"{type(error).__name__}: {error}", 28, "no input raises") from error
        return self._result(time.perf_counter() - begun)

    def _round(self) -> None:
        self.pace.round()
        if self.clock.now() > LONGEST_MS:
            raise self._violation(f"after {LONGEST_MS // MINUTE} minutes the day has not ended")

    def _look(self) -> None:
        self.people.look()
        self.judge.stepped()
        if self.quiet and self._counted_at_us is not None and self.clock.now_us >= self._counted_at_us:
            self._counted_at_us = None
            self.check_count()
        if not self._ending and self._all_done:
            self._ending = True
            self.clock.after(SETTLE_MS * 1000, self._end)

    @property
    def _all_done(self) -> bool:
        """Everybody is home, the hall is closed, trouble is over, and the central server has all. Over a journal that
        was hurt nothing can be closed or told any more."""
        opinion = self.scene.opinion
        if opinion is None or not self.people.all_home or not self.people.closing:
            return False
        if not self.storm.over or self.machine.hung:
            return False
        ledger = self.daemon.controller.ledger
        if ledger.journal.damage is not None:
            return True
        if opinion.session != "closed" or ledger.busy or ledger.waiting:
            return False
        duty_done = self.config.mqtt.delivery == "broker"  # by the broker's word, whatever becomes of it there
        return duty_done or self.receiver.stored == ledger.journal.last_seq

    def _end(self) -> None:
        self._ending = False
        self._over = self._all_done

    def _ask(self, action: str, args: Any, actor: str) -> "Future[Answer]":
        self.pace.rouse()
        return self.machine.ask(action, args, actor)

    def _well_for_ms(self, *devices: str) -> Millis:
        """As the judge knows it. Over a journal that was hurt nothing is well: deposits and entries are refused."""
        if self.daemon.controller.ledger.journal.damage is not None:
            return 0
        return self.scene.well_for_ms(*devices)

    def _stored(self) -> None:
        if self.people.all_home:
            self.pace.rouse()  # it may have been the last one

    def _changed(self, what: str) -> None:
        self.trace.note(self.clock.now_us, what)
        self.pace.moved(what)
        self.judge.changed(what)
        if what.startswith("arm"):
            self._counted_at_us = self.clock.now_us + COUNTED_US

    def _noted(self, line: str) -> None:
        self.trace.note(self.clock.now_us, line)
        self.pace.rouse()

    # -- what becomes of the daemon

    def told(self, told: Sequence[Told]) -> None:
        at_us = self.clock.now_us
        for one in told:
            fact = one.fact
            self.trace.note(at_us, repr(fact))
            match fact:
                case f.VisitEnded():
                    self._visits += 1
                    for stage, took_ms in fact.stages.items():
                        self._stages.setdefault(stage, []).append(took_ms)
                case f.CardRefused() | f.LockerRefused() | f.GateRefused():
                    self._refusals[fact.reason or ""] += fact.count
        self.trace.note(at_us, f"journal {self.daemon.controller.ledger.journal.last.hash}")
        self.people.told([one.fact for one in told])

    def started(self) -> None:
        assert self.machine.daemon is not None
        self.daemon = self.machine.daemon
        if self.machine.starts > 1:
            self.trace.note(self.clock.now_us, f"daemon started for the {self.machine.starts}. time")

    def stopped(self, how: End) -> None:
        self.trace.note(self.clock.now_us, f"daemon ended: {how}")

    # -- what must hold
    def check_count(self) -> None:
        """At a quiet moment: the count is who is inside, and never more than may be."""
        told, inside = self.daemon.controller.hall.inside, self.hall.inside
        if told != inside:
            raise self._violation(f"{inside} are inside, and the program says {told}")
        if inside > self.config.capacity:
            raise self._violation(f"{inside} are inside, where {self.config.capacity} may be")

    def check_end(self) -> None:
        """After closing: all is resolved, and all that was told adds up."""
        self.check_count()
        hall, journal = self.daemon.controller.hall, self.daemon.controller.ledger.journal
        owned = [locker.locker for locker in hall.lockers.values() if not locker.free]
        issued = [card.number for card in hall.cards.values() if card.state != "stock"]
        live = [visit.visit for visit in hall.visits.values() if visit.ended_at is None]
        full = [number for number, locker in self.hall.lockers.items() if locker.content or locker.door == "open"]
        if self.hall.inside or owned or issued or live or full or hall.tasks:
            left = f"{self.hall.inside} inside, {owned=} {issued=} {live=} {full=} {hall.tasks=}"
            raise self._violation(f"at the end: {left}")
        if self.receiver.violations or self.receiver.stored != journal.last_seq:
            heard = f"{self.receiver.stored} of {journal.last_seq} events; {self.receiver.violations}"
            raise self._violation(f"the central server has {heard}")
        report = verify(self.disk, JOURNAL)
        if report.damage or report.torn or report.last_hash != journal.last.hash:
            raise self._violation(f"the journal does not verify: {report}")
        if folded((line.event for line in journal.lines()), self.config.as_site()) != hall:
            raise self._violation("the hall is not the fold of its journal")

    def _unmet(self, sentence: str) -> None:
        raise self._violation(sentence, 31, "what a person may expect")

    def _violation(self, what: str, number: int = 0, name: str = "") -> Violation:
        return Violation(what, number=number, name=name, seed=self.seed, at_us=self.clock.now_us)

    def _result(self, wall_s: float) -> DayResult:
        figures = self.people.figures
        to_entry = self._stages.get("to_entry", [])
        return DayResult(
            seed=self.seed, visitors=self.visitors, served=figures.went, visits=self._visits,
            stages={stage: Quantiles.of(values) for stage, values in self._stages.items()},
            promise_kept=sum(took_ms <= PROMISE_MS for took_ms in to_entry), inside_peak=figures.inside_peak,
            refusals=dict(self._refusals), cards_awaited=figures.cards_awaited,
            events=self.daemon.controller.ledger.journal.last_seq, scans=self.pace.scans, skipped=self.pace.skipped,
            lasted_ms=self.clock.now(), wall_s=wall_s, trace=self.trace.hash,
        )  # fmt: skip

    def dump(self, folder: Path) -> None:
        """Write the state directory to a real one, as a daemon would have left it, whatever ails the virtual disk."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.disk.files():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

"""Where a story is performed: a whole virtual hall with a machine in it, and somebody who looks on and tells.

What is told after each step, in the order in which it happened: facts when they became durable; what a person in the
hall sees change (doors, arms, signs, how many are inside); answers; the end and the start of the program. Facts that
were durable though the dying program could not tell them are told at its next start. Silence is told by no line.

Time passes in `wait` alone, and while an officer waits for an answer, scan by scan on the program's own grid.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import groupby
from typing import Any

from firmware.audit.told import fact_line
from firmware.codec import data_of, fact_of
from firmware.config import Config
from firmware.core.facts import CardEnrolled, Fact
from firmware.core.valid import wrong_with
from firmware.daemon import SCAN_MS
from firmware.fold import folded
from firmware.ledger import Told
from hal.clock import Millis
from services.requests import Answer
from sim.clock import VirtualClock
from sim.hall import ARM_WORDS, VirtualHall
from sim.machine import End, Listener, Machine
from sim.other_faults import OtherFaults
from sim.pace import Pace

SCAN_US = SCAN_MS * 1000
ANSWER_MS: Millis = 20_000
"""So long an officer waits for an answer."""
CENTRAL_MS: Millis = 180_000
"""So long after a story the central server has everything."""
ALIKE = 3
"""Of more facts of one type in a row only the first is told, and how many followed."""
ENDS: Mapping[End, str] = {"kill": "is killed", "power": "has no power", "stop": "ends"}


class Stage(Listener):
    """One hall and one machine, from the first step of a story to its last."""

    def __init__(self, config: Config, *, skip: bool = True) -> None:
        """`skip`: leave out scans that hold nothing; a story must be the same without."""
        self.config = config
        self.clock = VirtualClock()
        self.hall = VirtualHall(config, self.clock)
        self.machine = Machine(config, self.hall)
        self.machine.listeners.append(self)
        self.hall.other_faults = OtherFaults(self.machine).put
        self.numbers: dict[str, str] = {}
        """Hash of a card -> its printed number, or the UID of one that has none."""
        self.uids = dict(self.hall.stock)
        """Printed number -> UID."""
        self.lines: list[str] = []
        """What is to be told of the present step."""
        self._wake_us = 0
        self._pace = Pace(self.machine, self._look, wake=lambda: self._wake_us, skip=skip)
        self.hall.on_change = self._pace.moved
        self._seen: dict[str, str] = {}
        self._told_seq = 0
        self._look()
        self.lines.clear()

    def what_followed(self) -> list[str]:
        """What was heard and seen since the last time, a line each."""
        self._look()
        lines, self.lines = self.lines, []
        return list(_counted(lines))

    def prove(self) -> None:
        """What must hold when any story is over, unless the program is down by then or cannot write. Raises
        AssertionError."""
        daemon = self.machine.daemon
        if daemon is None or daemon.controller.ledger.dead:
            return
        journal, receiver = daemon.controller.ledger.journal, self.machine.receiver
        reached = not {"broker", "central"} & self.hall.faults.keys() and journal.damage is None
        self.run(CENTRAL_MS if reached else ANSWER_MS, lambda: reached and receiver.stored == journal.last_seq)
        if reached:
            assert receiver.stored == journal.last_seq, "the central server has not heard everything"
            assert not receiver.violations, receiver.violations
        hall, site, journal = daemon.controller.hall, daemon.controller.site, daemon.controller.ledger.journal
        assert not wrong_with(hall, site), wrong_with(hall, site)
        if journal.damage is None:
            told = folded((line.event for line in journal.lines()), site)
            assert told == hall, "the hall is not the fold of its journal"

    # -- what is heard

    def told(self, told: Sequence[Told]) -> None:
        assert self.machine.daemon is not None
        self._told_seq = self.machine.daemon.controller.ledger.journal.last_seq
        for one in told:
            self._tell_fact(one.fact)

    def started(self) -> None:
        assert self.machine.daemon is not None
        self.lines.append("program is up")
        journal = self.machine.daemon.controller.ledger.journal
        for line in journal.lines(self._told_seq):
            self._tell_fact(fact_of(line.event), "found in the journal: ")
        self._told_seq = journal.last_seq

    def stopped(self, how: End) -> None:
        self.lines.append(f"program {ENDS[how]}")

    def _tell_fact(self, fact: Fact, prefix: str = "") -> None:
        if isinstance(fact, CardEnrolled):
            self.numbers[fact.card] = fact.number
        self.lines.append(prefix + fact_line(fact.type_name(), data_of(fact), self.numbers))

    # -- what is seen

    def _look(self) -> None:
        """Tell whatever looks otherwise than at the last look."""
        for name, seen in self._sights():
            if self._seen.get(name) != seen:
                self._seen[name] = seen
                self.lines.append(f"{name}: {seen}")

    def _sights(self) -> Iterator[tuple[str, str]]:
        yield from ((f"door {number}", locker.door) for number, locker in self.hall.lockers.items())
        for name, arm in self.hall.arms.items():
            yield f"arm {name}", ARM_WORDS[arm.turnstile.state].replace("_", " ")
        yield from ((f"sign {name}", sign.reads or "dark") for name, sign in self.hall.signs.items())
        yield "people inside", str(self.hall.inside)

    # -- time

    def run(self, ms: Millis, until: Callable[[], bool] | None = None) -> None:
        """Scans stay on their grid, whether or not the end falls onto it. While somebody waits for something, to go on
        right behind it, none is left out.
        """
        clock = self.clock
        end_us = clock.now_us + ms * 1000
        last_us = end_us // SCAN_US * SCAN_US
        self._wake_us = last_us if until is None else 0
        over = until or (lambda: False)
        clock.advance_to(min(end_us, -(-clock.now_us // SCAN_US) * SCAN_US))
        while clock.now_us < last_us and not over():
            self._pace.round()
        if clock.now_us < end_us and not over():
            self._pace.scan()
            clock.advance_to(end_us)

    def ask(self, action: str, arguments: Mapping[str, Any], actor: str) -> Answer | None:
        """The answer; None when none came."""
        self._pace.rouse()
        future: Future[Answer] = self.machine.ask(action, arguments, actor)
        self.run(ANSWER_MS, future.done)
        return future.result() if future.done() else None

def _counted(lines: Sequence[str]) -> Iterator[str]:
    """Facts that are alike are told once, with how many followed."""
    for kind, same in groupby(lines, key=lambda line: line.split(" ", 1)[0]):
        alike = list(same)
        if len(alike) > ALIKE and "." in kind:
            yield alike[0]
            yield f"... and {len(alike) - 1} more {kind}"
        else:
            yield from alike

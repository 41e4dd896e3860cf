"""What must be so whenever the hall of a crash story has come to rest, however it came there.

Everything is held against what a power cut at this very moment would leave on the medium, against what doors, locks
and arm have done since the hall was built, and against the central server's books; never against the program's word.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from firmware.boot import CACHE, JOURNAL, recover
from firmware.codec import fact_of
from firmware.core.facts import (
    EmergencyRaised,
    Fact,
    GateExpired,
    GateGranted,
    GatePassed,
    HallBooted,
    LockerOpened,
    LockerPulsed,
)
from firmware.core.state import Hall
from firmware.core.valid import wrong_with
from firmware.ledger import Told
from services.records import recognise
from services.requests import Answer, Request
from sim.crashes.hall import CrashHall
from sim.disk import VirtualDisk
from sim.invariants.fold import differences
from sim.machine import End, Listener

PROOF: Mapping[str, str] = {
    "ticket": "ticket.issued", "call": "ticket.called", "bind": "visit.bound", "issue": "card.issued",
    "search": "search.passed", "return": "card.returned", "release": "locker.released", "enrol": "card.enrolled",
    "recount": "hall.recount_recorded", "close": "hall.closing", "open": "hall.opened", "lockdown": "override.used",
}  # fmt: skip
"""The fact that must be durable before an action is answered with a yes."""
ABOUT = ("ticket", "visit", "locker", "counter")
"""What an action, its answer and that fact may name alike."""
PULSED_US = 4_000_000
"""What has not moved so soon after it could is not moved any more."""
IN_FLIGHT_US = 50_000
"""A command that the dying daemon had put on the wire arrives all the same."""


class Wrong(AssertionError):
    """Something is not as it must be."""


@dataclass(slots=True)
class Right:
    """What a durable fact of this start allows: so many moves, and the next one only when a person has passed."""

    moves: int
    until_us: int | None = None
    """When it is over by itself."""
    grant: int | None = None
    passed: int = 0
    moved: int = 0

    @property
    def usable(self) -> bool:
        return self.moved < min(self.moves, self.passed + 1)


class Books(Listener):
    """Matches each move with the durable fact behind it, each answer with its record, over all starts of a daemon."""

    def __init__(self, hall: CrashHall) -> None:
        self._hall = hall
        self._site = hall.config.as_site()
        self._moved: Counter[str] = Counter()
        """`latch 7`, `door 7`, `unlock_in`, `unlock_out` -> how often, since the hall was built."""
        self._rights: dict[str, list[Right]] = {}
        """The same -> what durable facts of this start allow, oldest first."""
        self._noted: list[Fact] = []
        """Every fact that is durable."""
        self._unseen: set[int] = set()
        """Lockers that have opened, and were not told to have since."""
        self._ended_us: int | None = None
        """When the daemon ended; None while one lives."""
        self._seq, self._hash = 0, ""
        """The last record that was surely on the medium when somebody looked."""
        self._wrong = ""
        self._still: Counter[str] | None = None
        hall.hears.append(self._changed)
        hall.looks.append(self._look)
        hall.machine.listeners.append(self)
        for lane in hall.config.gate.lanes.values():
            for pin, name in ((lane.unlock_in, "unlock_in"), (lane.unlock_out, "unlock_out")):
                hall.world.pins.watch(pin, partial(self._unlocked, name))

    # -- hearing

    def _changed(self, what: str) -> None:
        word, _, rest = what.partition(" ")
        number, _, rest = rest.partition(" ")
        if word == "locker" and rest == "latch released":
            self._moves(f"latch {number}")
        elif word == "locker" and rest == "door open":
            self._moved[f"door {number}"] += 1
            self._unseen.add(int(number))

    def _unlocked(self, name: str, high: bool) -> None:
        if high:
            self._moves(name)

    def _moves(self, what: str) -> None:
        self._moved[what] += 1
        self._read()
        now_us, ended_us = self._hall.clock.now_us, self._ended_us
        right = next(
            (one for one in self._rights.get(what, []) if one.usable and now_us <= (one.until_us or now_us)), None
        )
        if ended_us is not None and now_us - ended_us > IN_FLIGHT_US:
            self._wrong = f"{what} moves, and no daemon lives"
        elif right is None:
            self._wrong = f"{what} moves, the {self._moved[what]}. time; no durable fact of this start allows it"
        else:
            right.moved += 1

    def started(self) -> None:
        self._read()
        self._rights.clear()  # whatever the one before had recorded and not done is not done any more
        self._ended_us = None

    def stopped(self, how: End) -> None:
        self._read()
        self._ended_us = self._hall.clock.now_us

    def told(self, told: Sequence[Told]) -> None:
        journal = self._hall.daemon.controller.ledger.journal
        self._read()
        if self._seq < journal.last.seq:
            self._wrong = f"record {journal.last.seq} counts as durable, and {self._seq} is the last on the medium"

    def asked(self, request: Request) -> None:
        self._read()
        request.future.add_done_callback(partial(self._answered, request, len(self._noted)))

    def _answered(self, request: Request, known: int, future: Future[Answer]) -> None:
        """`known`: how many facts were, when it was asked."""
        answer = future.result()
        if not answer["ok"] or request.action not in PROOF:
            return
        self._read()
        kind, named = PROOF[request.action], {**request.args, **answer["result"], "actor": request.actor}
        about = {key: str(named[key]) for key in (*ABOUT, "actor") if key in named}
        for fact in self._noted[known:]:
            told = {key: getattr(fact, key, None) for key in about}
            if fact.type_name() == kind and all(
                value is None or str(value) == about[key] for key, value in told.items()
            ):
                return
        self._wrong = f"{request.action} is answered with a yes, and {kind} is not durable"

    def _look(self) -> None:
        if self._wrong:
            raise Wrong(self._wrong)

    # -- what is durable

    def _read(self) -> None:
        """Go on reading the journal, as far as it is surely on the medium."""
        disk = self._hall.machine.disk
        names = [name for name in disk.sure_names(JOURNAL) if name.endswith(".jsonl")]
        for name, after in zip(names, [*names[1:], ""], strict=False):
            if after and int(after[:12]) <= self._seq + 1:
                continue
            for raw in disk.sure_bytes(f"{JOURNAL}/{name}").split(b"\n")[:-1]:
                record = recognise(raw)
                if record is None or record.line.seq < self._seq:
                    continue
                if record.line.seq == self._seq:
                    if record.line.hash != self._hash:
                        self._wrong = f"record {self._seq} is not what it was"
                    continue
                self._seq, self._hash = record.line.seq, record.line.hash
                self._note(fact_of(record.line.event))

    def _note(self, fact: Fact) -> None:
        self._noted.append(fact)
        match fact:
            case HallBooted():
                self._rights.clear()
            case LockerPulsed():
                self._allow(f"latch {fact.locker}", Right(1, until_us=self._hall.clock.now_us + PULSED_US))
            case GateGranted():
                self._allow(f"unlock_{fact.direction}", Right(fact.persons, grant=fact.grant))
            case GatePassed():
                for right in self._rights.get(f"unlock_{fact.direction}", []):
                    right.passed += right.grant == fact.grant
            case GateExpired():
                what = f"unlock_{fact.direction}"
                self._rights[what] = [one for one in self._rights.get(what, []) if one.grant != fact.grant]
            case EmergencyRaised():
                self._rights.pop("unlock_in", None)
                self._rights.pop("unlock_out", None)
            case LockerOpened():
                if fact.locker not in self._unseen:
                    self._wrong = f"locker {fact.locker} was told to have opened more often than its door did"
                self._unseen.discard(fact.locker)

    def _allow(self, what: str, right: Right) -> None:
        self._rights.setdefault(what, []).append(right)

    # -- looking

    def stand_still(self) -> None:
        """From here on, until `check`, nobody acts."""
        self._still = self._moved.copy()

    def check(self) -> None:
        """At rest, everything. Raises Wrong."""
        self._look()
        for what in self._moved - self._still if self._still is not None else ():
            if not what.startswith("door"):  # a door opens a moment after its latch
                raise Wrong(f"by itself moved: {what}")
        self._still = None
        hall, disk, journal = self._hall.hall, self._hall.machine.disk, self._hall.daemon.controller.ledger.journal
        known = self._seq, self._hash
        self._read()
        if journal.hash_of(known[0]) not in (known[1], None) or journal.last.seq < known[0]:
            raise Wrong(f"record {known[0]} was durable, and is not there any more")
        for sentence in wrong_with(hall, self._site):
            raise Wrong(sentence)
        self._check_people(hall)
        self._check_fold(hall, disk)
        receiver = self._hall.machine.receiver
        if receiver.violations or (receiver.stored != journal.last_seq and self._hall.machine.broker.running):
            raise Wrong(f"the central server has {receiver.stored} of {journal.last_seq}: {receiver.violations}")

    def _check_people(self, hall: Hall) -> None:
        inside = sum(family.inside for family in self._hall.families.values())
        assert inside == self._hall.world.inside
        if hall.inside != inside and hall.suspect is None:
            raise Wrong(f"{inside} are inside; the count says {hall.inside}, and does not doubt it")
        for family in self._hall.families.values():
            if family.locker and hall.lockers[family.locker].visit != family.visit:
                raise Wrong(f"the bag of {family.name} lies in locker {family.locker}, which is no longer theirs")

    def _check_fold(self, hall: Hall, disk: VirtualDisk) -> None:
        """State = fold of what is surely on the medium, with the checkpoint and without."""
        if self._hall.daemon.controller.ledger.dead or self._hall.daemon.controller.ledger.waiting:
            return  # then it is more than that, and says so
        for without in ((), (CACHE, f"{CACHE}.last")):
            medium = disk.copy()
            medium.power_cut(Nothing())
            for path in without:
                if medium.exists(path):
                    medium.remove(path)
            found = recover(
                medium, self._site, self._hall.machine.wall, self._hall.clock, simulated=True, new_id=lambda: "0" * 32,
                segment_bytes=self._hall.config.storage.segment,
            )  # fmt: skip
            if found.journal.damage or found.journal.torn:
                raise Wrong(f"the journal: {found.journal.damage or found.journal.torn}")
            if found.hall != hall:
                whose = "the journal's" if without else "the journal's and the checkpoint's"
                raise Wrong(f"{whose} fold is another hall: {differences(found.hall, hall)}")


class Nothing(random.Random):
    """A power cut that spares nothing which was not flushed."""

    def random(self) -> float:
        return 0.99

    def randint(self, a: int, b: int) -> int:
        return a


def ending(hall: CrashHall) -> dict[str, Any]:
    """How the story has ended, for people: times and doubts aside. However it was interrupted, it ends so; only tasks
    there may be more."""
    opinion, world = hall.hall, hall.world
    return {
        "lockers": {
            str(n): [
                one.visit, one.card, one.fault, one.overdue, world.lockers[n].door, world.lockers[n].content,
                one.door, one.content, one.opened_at is None, one.collected_at is None,
            ]
            for n, one in opinion.lockers.items()
        },
        "visits": {
            v.visit: [v.inside, v.out, v.search, v.card, v.started_at is None, v.left_at is None, v.warned]
            for v in opinion.visits.values()
        },
        "ended": {v.visit: [v.card, v.ended_at is None] for v in opinion.visits_ended.values()},
        "cards": {card.number: [card.state, card.visit, card.reason] for card in opinion.cards.values()},
        "totals": [opinion.serving, opinion.unattributed, opinion.capacity, opinion.issued, opinion.calls],
        "tickets": {ticket.ticket: [ticket.state, ticket.counter] for ticket in opinion.tickets.values()},
        "session": [opinion.session, opinion.mode, opinion.lockdown, opinion.emergency],
        "inside": world.inside,
        "tasks": {
            " ".join(map(str, (task.reason, task.locker, task.visit, task.card, task.lane, task.device))): "to do"
            for task in opinion.tasks.values()
        },
        "families": {one.name: [one.inside, one.locker, one.going_out] for one in hall.families.values()},
    }

"""The judge's own books: what follows from the facts for people, cards, lockers, rights of way and the mode.

Kept from the facts alone and apart from the program's own folding, so that one mistake cannot stand on both sides. Only
as much is kept as the invariants ask for. The sum of people inside is a plain sum of passages and corrections, whoever
they are put down to; beside it stands, for each visit, who of it is inside.
"""

from dataclasses import dataclass, field

from firmware.config import Config
from firmware.core import facts as f
from hal.clock import Millis
from sim.invariants.line import Line


@dataclass(slots=True)
class Party:
    """A visit that goes on."""

    walkers: int
    carried: int
    card: str = ""
    inside: int = 0
    infants: int = 0
    """Carried ones who are inside."""
    out: bool = False
    """All came out, and no search was passed since."""
    searched: bool = False
    started_at: Millis | None = None
    warned_at: Millis | None = None
    overstays: int = 0

    @property
    def persons_inside(self) -> int:
        return self.inside + self.infants


@dataclass(slots=True)
class HeldCard:
    number: str
    state: str = "stock"
    visit: str = ""


@dataclass(slots=True)
class Right:
    """A right of way at a lane."""

    grant: int
    direction: str
    persons: int
    carried: int
    card: str
    visit: str
    until: Millis
    passed: int = 0

    @property
    def reserves(self) -> int:
        """Places that it holds, if it leads in."""
        return self.persons - self.passed + (0 if self.passed else self.carried)


@dataclass(slots=True)
class Way:
    """A lane: rights of way in their order, the one that was withdrawn with somebody perhaps half-way, and counts."""

    rights: list[Right] = field(default_factory=list)
    late: Right | None = None
    voided: list[Right] = field(default_factory=list)
    """What an emergency broke off, until that is told."""
    net: int = 0
    """Walkers in less walkers out, as told."""


class Account:
    """The hall as the facts tell it."""

    def __init__(self, config: Config) -> None:
        self.window_ms = config.gate.passage + config.gate.push
        self.capacity = config.capacity
        self.boot_at: Millis = 0
        self.total = 0
        """Persons inside: passages in less passages out, infants with them, and what guards corrected."""
        self.parties: dict[str, Party] = {}
        self.cards: dict[str, HeldCard] = {}
        self.owners: dict[int, tuple[str, str]] = {}
        """Locker -> its owner's visit and card."""
        self.ways: dict[str, Way] = {}
        self.suspect = ""
        """Why the count may be wrong."""
        self.tasks: dict[str, f.TaskRaised] = {}
        self.line = Line(config.queue)
        self.session = "closed"
        self.emergency = self.fire = self.lockdown = self.degraded = False

    @property
    def mode(self) -> str:
        """The strongest that holds."""
        for holds, name in (
            (self.emergency, "emergency"), (self.lockdown, "lockdown"), (self.degraded, "degraded"),
            (self.session != "open", "closed"),
        ):  # fmt: skip
            if holds:
                return name
        return "open"

    @property
    def reserved(self) -> int:
        """Places that ways in hold that are granted and not spent."""
        return sum(one.reserves for way in self.ways.values() for one in way.rights if one.direction == "in")

    def way(self, lane: str) -> Way:
        return self.ways.setdefault(lane, Way())

    def has_task(self, *reasons: str, lane: str | None = None, card: str | None = None) -> bool:
        return any(
            task.reason in reasons and (lane is None or task.lane == lane) and (card is None or task.card == card)
            for task in self.tasks.values()
        )

    def take(self, fact: f.Fact, at: Millis) -> None:
        """One more fact."""
        self.line.take(fact)
        match fact:
            case f.GateRefused():
                pass
            case f.GateFact():
                self._gate(fact, at)
            case f.LockerAssigned():
                self.owners[fact.locker] = (fact.visit or "", fact.card or "")
            case f.LockerReleased():
                self.owners.pop(fact.locker, None)
            case f.VisitBound() | f.VisitStarted() | f.VisitWarned() | f.VisitOverstayed() | f.VisitEnded():
                self._visit(fact, at)
            case f.SearchPassed() | f.SearchRefused():
                self._search(fact)
            case f.CardEnrolled():
                self.cards[fact.card] = HeldCard(fact.number)
            case f.CardIssued():
                self.cards[fact.card] = HeldCard(fact.number, "issued", fact.visit)
                if party := self.parties.get(fact.visit):
                    party.card = fact.card
            case f.CardReturned() | f.CardLost() | f.CardQuarantined() | f.CardCleared() | f.CardRetired():
                self._card(fact)
            case f.HallRecountRecorded():
                self._recount(fact, at)
            case f.HallCountConfirmed():
                self.suspect = ""
            case f.HallOccupancySuspect():
                self.suspect = fact.reason
            case f.HallCapacityChanged():
                self.capacity = fact.capacity
            case f.TaskRaised():
                self.tasks[fact.task] = fact
            case f.TaskResolved():
                self.tasks.pop(fact.task, None)
            case _:
                self._whole(fact)

    def _whole(self, fact: f.Fact) -> None:
        match fact:
            case f.HallBooted():
                self.boot_at, self.degraded = fact.epoch_ms, False
                for way in self.ways.values():
                    way.rights.clear()
                    way.late = None
            case f.HallOpened():
                self.session = "open"
            case f.HallClosing():
                self.session = "closing"
            case f.HallClosed():
                self.session = "closed"
            case f.HallLockedDown() | f.HallLockdownLifted():
                self.lockdown = isinstance(fact, f.HallLockedDown)
            case f.StorageDegraded() | f.StorageRestored():
                self.degraded = isinstance(fact, f.StorageDegraded)
            case f.EmergencyRaised():
                self.emergency, self.fire = True, fact.reason == "fire"
                for way in self.ways.values():
                    way.voided, way.rights, way.late = way.rights, [], None
            case f.EmergencyCleared():
                self.fire = False
            case f.EmergencyReset():
                self.emergency = False
            case _:
                pass

    def _gate(self, fact: f.GateFact, at: Millis) -> None:
        way = self.way(fact.lane)
        step = 1 if fact.direction == "in" else -1
        match fact:
            case f.GateGranted():
                if fact.direction == "in":
                    way.late = None
                way.rights.append(Right(
                    fact.grant, fact.direction, fact.persons, fact.carried, fact.card or "", fact.visit or "",
                    at + self.window_ms,
                ))  # fmt: skip
            case f.GateExpired():
                for right in [one for one in way.rights if one.grant == fact.grant]:
                    way.rights.remove(right)
                    way.late = None if fact.reason == "not_taken" else right
                    self._next_window(way, at)
            case f.GatePassed():
                way.net += step * fact.persons
                self.total += step * (fact.persons + fact.carried)
                party = self.parties.get(fact.visit or "")
                if party and 0 <= party.inside + step <= party.walkers:
                    party.inside += step
                    party.infants += step * fact.carried
                    if not party.inside and step < 0:
                        party.out, party.searched = True, False
                self._spend(way, fact.grant)
                self._next_window(way, at)
            case f.GateForced() | f.GateReversed() | f.GateTailgated():
                way.net += step * fact.persons
                self.total += step * fact.persons

    def _spend(self, way: Way, grant: int | None) -> None:
        if way.late and way.late.grant == grant:
            way.late = None
        for right in [one for one in way.rights if one.grant == grant]:
            right.passed += 1
            if right.passed >= right.persons:
                way.rights.remove(right)

    def _next_window(self, way: Way, at: Millis) -> None:
        if way.rights:
            way.rights[0].until = at + self.window_ms

    def _visit(
        self, fact: f.VisitBound | f.VisitStarted | f.VisitWarned | f.VisitOverstayed | f.VisitEnded, at: Millis
    ) -> None:
        if isinstance(fact, f.VisitBound):
            self.parties[fact.visit] = Party(fact.adults + fact.children, fact.carried)
            return
        party = self.parties.get(fact.visit)
        if party is None:
            return
        match fact:
            case f.VisitStarted():
                party.started_at = at
            case f.VisitWarned():
                party.warned_at = at
            case f.VisitOverstayed():
                party.overstays += 1
            case f.VisitEnded():
                del self.parties[fact.visit]

    def _search(self, fact: f.SearchPassed | f.SearchRefused) -> None:
        if party := self.parties.get(fact.visit):
            party.searched = isinstance(fact, f.SearchPassed)
            party.out = party.out and not party.searched

    def _card(
        self, fact: f.CardReturned | f.CardLost | f.CardQuarantined | f.CardCleared | f.CardRetired
    ) -> None:
        if card := self.cards.get(fact.card):
            match fact:
                case f.CardReturned() | f.CardCleared():
                    card.state, card.visit = "stock", ""
                case f.CardLost():
                    card.state = "lost"
                case f.CardQuarantined():
                    card.state = "quarantined"
                case f.CardRetired():
                    card.state, card.visit = "retired", ""

    def _recount(self, fact: f.HallRecountRecorded, at: Millis) -> None:
        self.suspect, self.total = "", fact.after
        for visit, party in self.parties.items():
            persons, was_inside = fact.present.get(visit, 0), party.persons_inside > 0
            party.inside = min(persons, party.walkers)
            party.infants = persons - party.inside
            if persons:
                party.out = False
                party.started_at = at if party.started_at is None else party.started_at
            elif was_inside:
                party.out, party.searched = True, False

"""The judge's own book of the lockers, kept from the facts, and what invariants about lockers have in common.

What is heard while the daemon is down was stored in the moment of death and moved nothing; it is entered in the book
and judged by nobody. After each start the book is drawn up again from what is durable.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from firmware.core import facts as f
from firmware.core.site import ReaderPlace
from hal.clock import Millis
from services.requests import Request
from sim.invariants.chronicle import Reckoner
from sim.invariants.hands import Hands
from sim.judge import Scene
from sim.machine import End

BY_CARD = frozenset({"deposit", "reopen", "collect"})
"""What a card's owner has opened; the rest is done by guards."""
BY_GUARD = frozenset({"inspect", "release"})
SLACK_US = 16_000_000
"""A tap is decided within 3 s of a slow commit, or when a loop goes on that stood still for less than 12 s."""
LONG_SLACK_US = 60_000_000
"""While the disk is in trouble what was seen may wait for many commits."""
SENSED_MS: Millis = 5_000
"""Two rounds of polls, the commit, and plenty: so soon is known what a healthy door does."""


@dataclass(slots=True)
class Opening:
    """A pulse that was told, and has not come to anything yet."""

    purpose: str
    attempt: int
    first_at: Millis
    """Hall time of its first attempt."""
    blind: bool


@dataclass(slots=True)
class Known:
    """What the facts say of one locker."""

    bank: str
    card: str = ""
    visit: str = ""
    door: str = "unknown"
    content: bool | None = None
    fault: str = ""
    purpose: str = ""
    """Why it was last pulsed, while that can still explain an open door."""
    opening: Opening | None = None
    read: bool = False
    """Its door was told of since the last start."""


class LockerBook(dict[int, Known]):
    """Locker -> what is known of it."""

    def __init__(self, lockers: Iterable[tuple[int, str]]) -> None:
        super().__init__({number: Known(bank) for number, bank in lockers})

    def take(self, fact: f.Fact, at: Millis) -> None:
        """One more fact."""
        if isinstance(fact, f.HallBooted):
            for known in self.values():  # why it was pulsed explains an open door until it is looked at
                known.opening, known.read = None, False
        elif isinstance(fact, f.LockerFact):
            self._take(self.setdefault(fact.locker, Known(fact.bank)), fact, at)

    def _take(self, known: Known, fact: f.LockerFact, at: Millis) -> None:
        match fact:
            case f.LockerAssigned():
                known.card, known.visit = fact.card or "", fact.visit or ""
            case f.LockerReleased():
                known.card = known.visit = ""
            case f.LockerPulsed():
                going_on = known.opening if fact.attempt > 1 else None
                first_at = going_on.first_at if going_on else at
                known.opening = Opening(fact.purpose, fact.attempt, first_at, fact.door == "unknown")
                known.purpose = fact.purpose
            case f.LockerOpened():
                known.door, known.content, known.purpose = "open", fact.content, fact.purpose
                known.opening, known.read = None, True
            case f.LockerClosed():
                known.door, known.content, known.purpose = "closed", fact.content, ""
                known.opening, known.read = None, True
            case f.LockerReadable():
                known.door, known.content, known.read = fact.door, fact.content, True
                if known.opening is None and fact.door == "closed":
                    known.purpose = "release" if (known.purpose, fact.content) == ("release", None) else ""
            case f.LockerUnreadable():
                known.door, known.content = "unknown", None
                if known.opening:
                    known.opening.blind = True
            case f.LockerUnseen():
                known.opening = None
                known.purpose = "" if known.door == "closed" else known.purpose
            case _:
                self._trouble(known, fact)

    def _trouble(self, known: Known, fact: f.LockerFact) -> None:
        match fact:
            case f.LockerJammed():
                known.fault, known.purpose, known.opening = "jammed", "", None
            case f.LockerForced():
                known.fault, known.door, known.purpose, known.opening = "forced", "open", "", None
                known.read = True
            case f.LockerOutOfService():
                known.fault, known.purpose, known.opening = "out_of_service", "", None
            case f.LockerInService():
                known.fault = ""
            case _:
                pass


class LockerInvariant(Reckoner):
    """Base: hears facts about lockers, with the book as it was before each, and knows what hands did."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.hands = Hands(scene)
        self.book = self._new_book()
        self.up = False
        """A daemon lives; what is heard while none does was stored as it died, and moved nothing."""
        self.started_us = 0
        readers = self.scene.config.readers.items()
        self.readers_of = {
            bank: [name for name, one in readers if one.place is ReaderPlace.LOCKER and one.bank == bank]
            for bank in self.scene.config.lockers.banks
        }

    def judged(self, fact: f.Fact, at: Millis) -> None:
        """This has become true, and the book is as it was before."""

    def moved(self, locker: int, what: str) -> None:
        """A locker did something: `latch released`, `door open`..."""

    # -- what is heard

    def heard(self, fact: f.Fact, at: Millis) -> None:
        if self.up:
            self.judged(fact, at)
            self.book.take(fact, at)

    def started(self) -> None:
        self.up = True
        self.started_us = self.scene.machine.started_us
        self.book = self._new_book()
        for fact, at in self.chronicle.durable:
            self.book.take(fact, at)

    def stopped(self, how: End) -> None:
        self.up = False

    def changed(self, what: str) -> None:
        if what.startswith("locker "):
            _, number, rest = what.split(" ", 2)
            self.moved(int(number), rest)
        else:
            self.hands.changed(what)

    def asked(self, request: Request) -> None:
        self.hands.asked(request)

    # -- what is known

    def decided_us(self, at: Millis) -> int:
        """The moment of virtual time at which the present daemon decided what became true at hall time `at`."""
        return self.started_us + (at - self.account.boot_at) * 1000

    def slack_us(self) -> int:
        """How long what was seen may have waited until it was decided."""
        mended_us = self.scene.troubled_us.get("disk", -LONG_SLACK_US)
        lately = "disk" in self.scene.hall.faults or self.scene.clock.now_us - mended_us < LONG_SLACK_US
        return LONG_SLACK_US if lately or self.ledger_waits else SLACK_US

    @property
    def ledger_waits(self) -> bool:
        """Nothing can be written, or what happened meanwhile still has to be."""
        daemon = self.scene.machine.daemon
        return daemon is not None and (daemon.controller.ledger.dead or daemon.controller.ledger.waiting > 0)

    def sees_well(self, locker: int) -> Millis:
        """For how long this locker's switch, and the board that reads it, have been without trouble."""
        return self.scene.well_for_ms(f"locker-{locker}", self.bank(locker))

    def bank(self, locker: int) -> str:
        return self.book[locker].bank

    def _new_book(self) -> LockerBook:
        return LockerBook(self.scene.site.lockers.items())

"""What can become true: every fact of the hall on one screen. Journaled, folded, published; never changed.

A type on the wire follows from the name: `LockerLeftOpen` is `locker.left_open`. Fields that are None are left out
there. Fields are named alike everywhere: `card` (keyed hash), `ticket`, `visit`, `locker`, `bank`, `lane`, `reader`,
`counter`, `direction`, `persons`, `carried`, `reason` (a code), `actor` (a staff id), `device`, `task`.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, TypeVar, dataclass_transform


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Base of all facts."""

    TYPES: ClassVar[dict[str, type["Fact"]]] = {}

    @classmethod
    def type_name(cls) -> str:
        """`LockerLeftOpen` -> `locker.left_open`."""
        subject, rest = re.fullmatch(r"([A-Z][a-z]+)(\w+)", cls.__name__).groups()  # type: ignore[union-attr]
        return f"{subject.lower()}.{re.sub(r'(?<!^)(?=[A-Z])', '_', rest).lower()}"


T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def _fact(cls: type[T]) -> type[T]:
    return dataclass(frozen=True, kw_only=True)(cls)  # no slots: they would leave a twin of every class behind


# -- the hall


@_fact
class HallBooted(Fact):
    format: int | None = None
    version: str
    epoch_ms: int
    off_ms: int
    gap_s: int | None = None
    trusted: bool


@_fact
class HallOpened(Fact):
    day: str
    actor: str


@_fact
class HallClosing(Fact):
    actor: str


@_fact
class HallClosed(Fact):
    actor: str | None = None
    exception: str | None = None
    unresolved: tuple[str, ...] = ()


@_fact
class HallModeChanged(Fact):
    mode: str
    previous: str


@_fact
class HallLockedDown(Fact):
    reason: str
    actor: str


@_fact
class HallLockdownLifted(Fact):
    reason: str
    actor: str


@_fact
class HallCapacityChanged(Fact):
    capacity: int
    actor: str


@_fact
class HallOccupancySuspect(Fact):
    reason: str
    inside: int
    gap_s: int | None = None
    lane: str | None = None


@_fact
class HallRecountRecorded(Fact):
    present: dict[str, int]
    unattributed: int
    before: int
    after: int
    difference: int
    reason: str
    actor: str


@_fact
class HallCountConfirmed(Fact):
    inside: int
    actor: str


# -- the queue


@_fact
class TicketIssued(Fact):
    ticket: str
    letter: str
    booking: str | None = None
    actor: str | None = None


@_fact
class TicketCalled(Fact):
    ticket: str
    counter: str
    actor: str
    reason: str | None = None
    jumped: bool = False
    """Out of order: a public queue jump."""


@_fact
class TicketRecalled(Fact):
    ticket: str
    counter: str
    actor: str
    recalls: int


@_fact
class TicketParked(Fact):
    ticket: str
    actor: str


@_fact
class TicketServed(Fact):
    ticket: str
    counter: str | None = None
    visit: str | None = None
    actor: str


@_fact
class TicketMissed(Fact):
    ticket: str
    counter: str
    actor: str


@_fact
class TicketTransferred(Fact):
    ticket: str
    counter: str
    actor: str


@_fact
class BookingReceived(Fact):
    code: str
    date: str
    session: str
    letter: str
    adults: int
    children: int
    ref: str | None = None
    actor: str


@_fact
class BookingCancelled(Fact):
    code: str
    actor: str


# -- visits, cards, search


@_fact
class VisitBound(Fact):
    visit: str
    ticket: str | None = None
    booking: str | None = None
    adults: int
    children: int
    carried: int
    actor: str


@_fact
class VisitStarted(Fact):
    visit: str
    card: str | None = None


@_fact
class VisitWarned(Fact):
    visit: str
    card: str | None = None
    left_ms: int


@_fact
class VisitOverstayed(Fact):
    visit: str
    card: str | None = None
    over_ms: int


@_fact
class VisitEnded(Fact):
    visit: str
    card: str | None = None
    reason: str | None = None
    stages: dict[str, int]
    """Milliseconds: `waited`, `counter`, `to_entry` (ticket to seat), `inside`, `whole`; those that are known."""
    untimed: bool | None = None
    """True when the power failed during the visit for a time that no trusted clock measured; it counts as zero."""


@_fact
class CardEnrolled(Fact):
    card: str
    number: str
    actor: str


@_fact
class CardIssued(Fact):
    card: str
    number: str
    visit: str
    actor: str


@_fact
class CardReturned(Fact):
    card: str
    number: str
    visit: str | None = None
    collected: bool
    actor: str


@_fact
class CardLost(Fact):
    card: str
    visit: str | None = None
    reason: str
    actor: str


@_fact
class CardQuarantined(Fact):
    card: str
    visit: str | None = None
    reason: str
    actor: str | None = None


@_fact
class CardCleared(Fact):
    card: str
    reason: str
    actor: str | None = None


@_fact
class CardRetired(Fact):
    card: str
    reason: str
    actor: str


@_fact
class CardRefused(Fact):
    card: str | None = None
    visit: str | None = None
    reader: str
    reason: str
    count: int = 1
    """Taps that this fact speaks for: itself, and repeats that the fact before it left untold."""


@_fact
class SearchPassed(Fact):
    visit: str
    card: str | None = None
    actor: str


@_fact
class SearchRefused(Fact):
    visit: str
    card: str | None = None
    reason: str
    actor: str


# -- lockers


@_fact
class LockerFact(Fact):
    bank: str
    locker: int
    card: str | None = None
    visit: str | None = None


@_fact
class LockerAssigned(LockerFact):
    reason: str | None = None


@_fact
class LockerPulsed(LockerFact):
    purpose: str
    """`deposit`, `reopen`, `collect`, `inspect` or `release`."""
    attempt: int
    door: str
    """What the sensor shows before the pulse; `unknown` is opened all the same, and said."""
    actor: str | None = None


@_fact
class LockerOpened(LockerFact):
    purpose: str
    content: bool | None = None


@_fact
class LockerClosed(LockerFact):
    content: bool | None = None


@_fact
class LockerUnreadable(LockerFact):
    pass


@_fact
class LockerReadable(LockerFact):
    """A door that could not be read shows itself again, as it was left, or its content sensor tells something new."""

    door: str
    content: bool | None = None


@_fact
class LockerUnseen(LockerFact):
    """Pulsed while its door could not be read, and not seen to open: nobody knows whether it did. Not pulsed again."""

    purpose: str


@_fact
class LockerReleased(LockerFact):
    reason: str
    actor: str | None = None


@_fact
class LockerKept(LockerFact):
    """Collected and shut, yet something is seen inside: it stays its owner's until a guard has looked."""

    reason: str


@_fact
class LockerOverdue(LockerFact):
    """Its visit ended long ago, and it is still owned."""


@_fact
class LockerRefused(Fact):
    card: str | None = None
    visit: str | None = None
    reader: str
    bank: str | None = None
    locker: int | None = None
    reason: str
    count: int = 1


@_fact
class LockerJammed(LockerFact):
    purpose: str


@_fact
class LockerForced(LockerFact):
    reason: str


@_fact
class LockerLeftOpen(LockerFact):
    open_ms: int


@_fact
class LockerInspected(LockerFact):
    reason: str
    actor: str
    second: str | None = None


@_fact
class LockerOutOfService(LockerFact):
    reason: str
    actor: str


@_fact
class LockerInService(LockerFact):
    reason: str
    actor: str


# -- the gate


@_fact
class GateFact(Fact):
    lane: str
    direction: str
    persons: int
    card: str | None = None
    visit: str | None = None
    reason: str | None = None


@_fact
class GateGranted(GateFact):
    grant: int
    carried: int = 0


@_fact
class GateRefused(GateFact):
    reader: str
    count: int = 1


@_fact
class GatePassed(GateFact):
    """One person through the arm (`persons` is 1), and the infants carried with them."""

    carried: int = 0
    grant: int | None = None


@_fact
class GateExpired(GateFact):
    """The arm's window ended: `persons` did not pass."""

    grant: int


@_fact
class GateForced(GateFact):
    pass


@_fact
class GateReversed(GateFact):
    pass


@_fact
class GateTailgated(GateFact):
    pass


# -- emergency, overrides, machine, tasks


@_fact
class EmergencyRaised(Fact):
    reason: str


@_fact
class EmergencyCleared(Fact):
    """The contact is at rest again; the arm stays free until the reset."""


@_fact
class EmergencyReset(Fact):
    actor: str


@_fact
class OverrideUsed(Fact):
    action: str
    reason: str
    actor: str
    second: str | None = None
    locker: int | None = None
    ticket: str | None = None
    visit: str | None = None


@_fact
class DeviceFell(Fact):
    device: str
    health: str
    detail: str


@_fact
class DeviceRose(Fact):
    device: str
    was: str


@_fact
class ClockSynced(Fact):
    pass


@_fact
class ClockLost(Fact):
    """The wall clock lost its source: labels are labels only, until it is synced again."""


@_fact
class ClockStepped(Fact):
    by_ms: int


@_fact
class StorageDegraded(Fact):
    reason: str
    detail: str | None = None
    """For the technician: which record, and what is wrong with it."""


@_fact
class StorageRestored(Fact):
    lost: int


@_fact
class TaskRaised(Fact):
    task: str
    reason: str
    locker: int | None = None
    bank: str | None = None
    visit: str | None = None
    card: str | None = None
    lane: str | None = None
    device: str | None = None


@_fact
class TaskResolved(Fact):
    task: str
    reason: str
    actor: str


def _leaves(base: type[Fact]) -> list[type[Fact]]:
    return [leaf for sub in base.__subclasses__() for leaf in (_leaves(sub) or [sub])]


Fact.TYPES.update({leaf.type_name(): leaf for leaf in _leaves(Fact)})

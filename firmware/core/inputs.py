"""What can happen: every input of the hall on one screen. The panel and the desk make them; `decide` answers them.

The first half is what devices saw; the second is what an officer, a guard or the machine's own housekeeping asks.
Cards are always the keyed hash of a UID (16 hex digits), never the UID. Staff appear as ids, never as names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["in", "out"]
DoorState = Literal["open", "closed", "unknown"]
Outcome = Literal["passed", "refused"]

# -- seen at the devices


@dataclass(frozen=True, slots=True)
class CardTapped:
    reader: str
    card: str


@dataclass(frozen=True, slots=True)
class CardsCollided:
    """Two cards or more in one field."""

    reader: str


@dataclass(frozen=True, slots=True)
class DoorSeen:
    locker: int
    door: DoorState
    content: bool | None
    first: bool
    """The first reading since the start: the door may have moved while nobody watched."""


@dataclass(frozen=True, slots=True)
class PassageSeen:
    """One person went through the arm."""

    lane: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class ArmMoving:
    """The arm's passage contact left its rest, or is back."""

    lane: str
    moving: bool


@dataclass(frozen=True, slots=True)
class ContactChanged:
    contact: str
    active: bool


@dataclass(frozen=True, slots=True)
class HealthSeen:
    """A device's health is not what it was; `detail` tells the technician where to look."""

    device: str
    health: str
    detail: str


# -- seen by the machine itself


@dataclass(frozen=True, slots=True)
class Started:
    """The daemon starts. `first` at the very first record of a journal."""

    version: str
    epoch_ms: int
    """Hall time of this start; later facts of this boot happen at `epoch_ms + bootms`."""
    off_ms: int
    """How much of the time without power counts on visits (0 unless both clocks were trusted)."""
    gap_s: int | None
    """How long nobody watched, by the labels; None if they cannot say."""
    trusted: bool
    first: bool
    damage: str = ""
    """What is wrong with the journal; the hall starts degraded."""


@dataclass(frozen=True, slots=True)
class MinuteStruck:
    """A minute of the site's day began while the wall clock is trusted."""

    day: str
    minute: int


@dataclass(frozen=True, slots=True)
class ClockSynced:
    pass


@dataclass(frozen=True, slots=True)
class ClockLost:
    """The wall clock is no longer disciplined by its source."""


@dataclass(frozen=True, slots=True)
class EmergencyRemembered:
    """An emergency stood when the program ended, though the journal does not tell of it."""


@dataclass(frozen=True, slots=True)
class ClockStepped:
    by_ms: int


@dataclass(frozen=True, slots=True)
class StorageFailed:
    reason: str


@dataclass(frozen=True, slots=True)
class StorageBack:
    lost: int
    """Facts that did not fit the buffer while nothing could be written."""


# -- asked by an officer, a guard, or a supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Base of what a person asks for; it is answered, or refused with a reason."""

    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTicket(Request):
    letter: str = ""
    booking: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTicket(Request):
    counter: str
    ticket: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallTicket(Request):
    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeTicket(Request):
    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkTicket(Request):
    ticket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissTicket(Request):
    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTicket(Request):
    ticket: str
    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBooking(Request):
    code: str
    date: str
    session: str
    letter: str
    adults: int
    children: int
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelBooking(Request):
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BindVisit(Request):
    ticket: str = ""
    booking: str = ""
    adults: int
    children: int = 0
    carried: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSearch(Request):
    visit: str
    result: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolCard(Request):
    card: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireCard(Request):
    card: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCard(Request):
    visit: str
    card: str
    """A card's hash or its printed number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCard(Request):
    card: str
    collected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseCard(Request):
    visit: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineCard(Request):
    card: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearCard(Request):
    card: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession(Request):
    day: str
    """The site's calendar day, `2026-11-21`; empty while the wall clock is not trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSession(Request):
    exception: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCapacity(Request):
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount(Request):
    present: Mapping[str, int] = field(default_factory=dict)
    unattributed: int = 0
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmCount(Request):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectLocker(Request):
    locker: int
    reason: str
    second: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLocker(Request):
    locker: int
    reason: str
    second: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLocker(Request):
    locker: int
    into: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLockdown(Request):
    on: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetEmergency(Request):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveTask(Request):
    task: str
    reason: str


Seen = CardTapped | CardsCollided | DoorSeen | PassageSeen | ArmMoving | ContactChanged | HealthSeen
Housekeeping = (
    Started | MinuteStruck | ClockSynced | ClockLost | ClockStepped | EmergencyRemembered | StorageFailed | StorageBack
)
Input = Seen | Housekeeping | Request

"""What drivers report, every type on one screen: a device's health, and what was seen at the wires.

Drivers return these from `poll`, in the order in which they were seen. The panel turns them into the hall's inputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from hal.clock import Millis


class Health(StrEnum):
    """Few kinds of trouble, each telling the technician where to look."""

    OK = "ok"
    SILENT = "silent"  # nothing answers in time: cable, power, dead chip
    GARBLED = "garbled"  # something answers, but the bytes do not add up: noise, wrong settings, wrong chip
    REFUSED = "refused"  # the device understood, and said no
    GONE = "gone"  # the bus itself is missing: no device node


class Door(StrEnum):
    """A door as its switch shows it. `unknown` when the switch cannot be read; it is never guessed."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


Side = Literal["a", "b"]
"""A turnstile's two directions, as its maker names them; which of them is 'in' is the site's wiring."""


@dataclass(frozen=True, slots=True)
class CardArrived:
    """A card came into a reader's field, alone."""

    uid: bytes
    """4, 7 or 10 bytes, in the order in which the card sends them."""


@dataclass(frozen=True, slots=True)
class CardLeft:
    """The card that had arrived is no longer there."""

    uid: bytes


@dataclass(frozen=True, slots=True)
class CardsCollided:
    """Two or more cards are in the field at once; reported once until the field is empty or holds one."""


@dataclass(frozen=True, slots=True)
class DoorSeen:
    """A locker's door or content sensor reads differently from before (or is read for the first time)."""

    channel: int
    """The driver's own channel number, from 1."""
    door: Door
    content: bool | None = None
    """What the content sensor sees; None where there is none, or it cannot be read."""


@dataclass(frozen=True, slots=True)
class PassageSeen:
    """A person went through the arm: its passage contact opened and is back at rest."""

    side: Side
    at: Millis


@dataclass(frozen=True, slots=True)
class ReadyChanged:
    """The arm's ready contact: False on forced rotation, an arm not home, a sensor fault, or no power."""

    ready: bool
    at: Millis


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """A debounced contact became active or inactive."""

    active: bool
    at: Millis


SCAN_MS: Millis = 20
"""Drivers are polled so often. What a driver asks again and again it asks in slots of a whole number of scans, counted
from 0 of its clock, and begins in the first scan of a slot: so when it asks follows from the time alone."""

CardSeen = CardArrived | CardLeft | CardsCollided
Seen = CardSeen | DoorSeen | PassageSeen | ReadyChanged | ContactChanged


NOTHING_MOVED: Millis = -1


class Driver(Protocol):
    """What every driver is to the scan."""

    @property
    def health(self) -> Health: ...

    @property
    def detail(self) -> str:
        """For the technician: which part and which cable the health speaks of; empty while all is well."""
        ...

    def poll(self, now: Millis) -> Sequence[Seen]:
        """Advance the state machine by one scan. Never blocks, never raises for what a device does."""
        ...

    def due(self, now: Millis, moved: Millis = NOTHING_MOVED) -> Millis:
        """When this driver next does more than repeat a poll that shows nothing new, should the wires stay as they are.

        `now`: when it was last polled; that is also the answer where the very next scan matters. `moved`: when the
        device last moved. Edges and bytes are heard anyway; a driver that has to ask has seen nothing of it before it
        has asked anew. Scans before the moment that is given may be left out without any difference (but see `Asking`).
        """
        ...

    def close(self) -> None:
        """Leave every output at rest and give the bus back."""
        ...


@runtime_checkable
class Asking(Driver, Protocol):
    """A driver that has to ask its device, again and again: a scan may find it in the middle of that."""

    def under_way(self, at: Millis) -> Millis | None:
        """When the repeated question would have been begun that would be under way in a scan at `at`, or begin in it;
        None where there would be none. Whoever left it out has to take it up from there.
        """
        ...

    def passed_over(self, last: Millis) -> None:
        """Scans were left out, up to one at `last`, for what they would have asked is known: it is not asked late."""
        ...

"""The site: what there is in this hall, and every limit that the rules use. Plain values; `firmware.config` fills them.

The defaults are those of the rules; a site changes them in `config.yaml`, never in code. Times are milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SECOND = 1_000
MINUTE = 60 * SECOND


class ReaderPlace(StrEnum):
    """Where a card reader stands, which decides what a tap there asks for."""

    DESK = "desk"
    LOCKER = "locker"
    ENTRY = "entry"
    EXIT = "exit"


class ContactUse(StrEnum):
    """What a contact means to the hall."""

    FIRE = "fire"
    FIRE_RESET = "fire_reset"
    TICKET = "ticket"
    EXIT_BUTTON = "exit_button"
    SIDE_GATE = "side_gate"


@dataclass(frozen=True, slots=True)
class Reader:
    """A card reader and the bank or lane it belongs to (`""` where it belongs to none)."""

    name: str
    place: ReaderPlace
    bank: str = ""
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact: the class of its ticket button, or the lane of its exit button or side gate."""

    name: str
    use: ContactUse
    ticket_class: str = ""
    lane: str = ""
    direction: str = "out"
    """The way of a side gate: `in` or `out`."""


@dataclass(frozen=True, slots=True)
class TicketClass:
    """A class of ticket; the letter is its prefix: `A` gives `A-001`."""

    letter: str
    priority: bool = False


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank of lockers, by number; numbers are unique in the hall."""

    name: str
    lockers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VisitHours:
    """A session of the day in minutes after midnight of the site, used only while the wall clock is trusted."""

    opens_minute: int
    closes_minute: int


@dataclass(frozen=True, slots=True)
class Site:
    """One hall under one controller."""

    site: str = "rutan-contoh"
    hall: str = "kunjungan"
    language: str = "id"

    readers: Mapping[str, Reader] = field(default_factory=dict)
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    lanes: tuple[str, ...] = ("main",)
    banks: Mapping[str, Bank] = field(default_factory=dict)
    signs: tuple[str, ...] = ("hall",)
    sign_texts: Mapping[str, str] = field(default_factory=dict)
    """Code of a message (`firmware.core.signage.TEXTS`) -> its text here; what is absent is said in English."""
    counters: tuple[str, ...] = ("1", "2")
    classes: Mapping[str, TicketClass] = field(default_factory=dict)
    hours: tuple[VisitHours, ...] = ()
    """Empty: officers open and close by hand only."""

    # the hall
    capacity: int = 60
    reasons_two_people: tuple[str, ...] = ("inspect", "release")
    """Overrides that need a second person."""

    # queue
    priority_in_a_row: int = 2
    recalls: int = 3
    late_tolerance: int = 5
    call_hold_ms: int = 4 * SECOND
    notice_hold_ms: int = 2 * SECOND

    # cards
    repeat_ms: int = 10 * SECOND
    """The same card refused for the same reason within this time is one fact with a count."""
    far_apart: tuple[frozenset[str], ...] = ()
    far_apart_ms: int = 3 * SECOND

    # search and lockers
    search_before_locker: bool = True
    reopen_while_inside: bool = False
    lockers_per_card: int = 1
    not_open_ms: int = 10 * SECOND
    lock_pulses: int = 3
    left_open_ms: int = 30 * SECOND
    left_open_task_ms: int = 120 * SECOND
    collect_again_ms: int = 60 * SECOND
    still_owned_ms: int = 30 * MINUTE

    # gate
    locker_shut_for_entry: bool = True
    deposit_for_entry: bool = False
    passage_ms: int = 5 * SECOND
    """The arm's own window for one passage."""
    push_ms: int = 1_500
    """A push begun in the window's last moment shows at the passage contact this much later, at most."""
    settle_ms: int = 3 * SECOND
    """A passage this soon after a grant's last one followed in its wake: tailgated."""
    free_on_dead_daemon: bool = True

    # visit
    visit_ms: int = 30 * MINUTE
    warn_ms: int = 5 * MINUTE
    overstay_repeat_ms: int = 5 * MINUTE
    party_most: int = 5

    def prefers(self, letter: str) -> bool:
        """Whether a class is called first. One that the site has no more, since its ticket was issued, is regular."""
        kind = self.classes.get(letter)
        return kind is not None and kind.priority

    @property
    def lockers(self) -> Mapping[int, str]:
        """Locker number -> name of its bank."""
        return {number: bank.name for bank in self.banks.values() for number in bank.lockers}

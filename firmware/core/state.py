"""The hall: all that is true now, as plain tables. It changes only through `evolve`.

Every number and flag here follows from the journal: folding any prefix of it gives this same state again. Nothing here
knows how to decide; the small properties only name what the tables already say. Times are hall time in milliseconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Mode = Literal["emergency", "lockdown", "degraded", "closed", "open"]
TicketState = Literal["waiting", "called", "parked", "served", "missed"]
CardState = Literal["stock", "issued", "lost", "quarantined", "retired"]
SearchState = Literal["needed", "passed", "refused"]


@dataclass(slots=True)
class Ticket:
    ticket: str
    letter: str
    place: int
    """Order within the day; smaller is called earlier."""
    issued_at: int
    state: TicketState = "waiting"
    counter: str = ""
    """Where it is called, or the only counter that may call it after a transfer."""
    booking: str = ""
    recalls: int = 0
    called_at: int | None = None
    missed_at_call: int = 0
    """How many calls its class had had when it was missed."""


@dataclass(slots=True)
class Booking:
    code: str
    date: str
    session: str
    letter: str
    adults: int
    children: int
    ref: str = ""
    ticket: str = ""
    visit: str = ""


@dataclass(slots=True)
class Card:
    card: str
    number: str
    state: CardState = "stock"
    visit: str = ""
    reason: str = ""
    """Why it is lost, quarantined or retired."""


@dataclass(slots=True)
class Visit:
    visit: str
    adults: int
    children: int
    carried: int
    bound_at: int
    ticket: str = ""
    booking: str = ""
    card: str = ""
    search: SearchState = "needed"
    issued_at: int | None = None
    """When its ticket was issued."""
    called_at: int | None = None
    inside: int = 0
    """Walkers inside, 0 to `walkers`."""
    carried_inside: int = 0
    out: bool = False
    """Everybody came out again, and no new search was recorded since: bags are in hands."""
    started_at: int | None = None
    left_at: int | None = None
    ended_at: int | None = None
    warned: bool = False
    overstays: int = 0
    untimed: bool = False
    """Somebody was inside while the power was off for a time that no trusted clock measured; it counts as zero."""

    @property
    def walkers(self) -> int:
        return self.adults + self.children

    @property
    def persons_inside(self) -> int:
        return self.inside + self.carried_inside


@dataclass(slots=True)
class Opening:
    """A lock that was pulsed and has not been seen open yet."""

    purpose: str
    since: int
    attempts: int
    pulsed_at: int
    pulse: int
    """Number of the pulse, unique in the hall's life, so that each moves the lock once."""
    blind: bool = False
    """The door could not be read when the pulse was given, or at some time since: it may have opened unseen."""
    stirred: bool = False
    """What lies behind the door came or went, or did so the last time; so it may open whatever its switch tells."""


@dataclass(slots=True)
class Locker:
    locker: int
    bank: str
    card: str = ""
    visit: str = ""
    door: str = "closed"
    content: bool | None = None
    fault: Literal["", "jammed", "forced", "out_of_service"] = ""
    opening: Opening | None = None
    purpose: str = ""
    """Why the last pulse was given; it explains a door that is found open after nobody watched it."""
    seen: bool = False
    """Its door could be read at least once; before that, a door that stands open was not forced under our eyes."""
    doubted: bool = False
    """Its switch called a door shut that had been open, and was not seen to move since."""
    opened_at: int | None = None
    """When it was seen to open, until it is seen closed; a sensor that fails meanwhile does not change that."""
    left_open_told: int = 0
    """How often its being left open was told: first to visitors, then to guards."""
    collected_at: int | None = None
    """Closed again after collecting: from here the reopening window runs."""
    uses: int = 0
    used_at: int = 0
    inspected: bool = False
    overdue: bool = False
    """It was told that its visit ended long ago."""

    @property
    def free(self) -> bool:
        """May be given to somebody: nobody's, nothing seen in it, whole, last seen closed, not still to be emptied."""
        quiet = not self.opening and self.purpose != "release"
        return quiet and not self.visit and not self.fault and self.door == "closed" and not self.content


@dataclass(slots=True)
class Grant:
    """A right of way at one lane: so many persons, one direction, one at a time."""

    grant: int
    direction: Literal["in", "out"]
    persons: int
    card: str = ""
    visit: str = ""
    carried: int = 0
    reason: str = ""
    passed: int = 0
    until: int = 0
    """When the arm's present window ends, if it begins at once (see `gate.window_end`)."""

    @property
    def unspent(self) -> int:
        return self.persons - self.passed


@dataclass(slots=True)
class Lane:
    lane: str
    grants: list[Grant] = field(default_factory=list)
    """Served in order. Only ways out are ever added behind another."""
    late: Grant | None = None
    """An entry that was withdrawn while its window stood open: one person may be half-way, and counts by its right."""
    spent_at: int | None = None
    """When the last grant's last person had passed, to tell who followed in its wake."""
    spent_direction: str = ""


@dataclass(slots=True)
class Task:
    task: str
    reason: str
    at: int
    locker: int | None = None
    bank: str = ""
    visit: str = ""
    card: str = ""
    lane: str = ""
    device: str = ""


@dataclass(slots=True)
class Message:
    """One thing on the sign: from when to when, a code and what it speaks of."""

    start: int
    end: int
    kind: Literal["call", "notice"]
    code: str
    ticket: str = ""
    counter: str = ""
    locker: int | None = None
    about: str = ""
    """Whom it concerns: a card, or the reader where one could not be told."""
    asked_at: int = 0


@dataclass(slots=True)
class Suspicion:
    """Why the count may be wrong, and since when."""

    reason: str
    at: int
    gap_s: int | None = None


@dataclass(slots=True)
class Unwritten:
    """The little that is noted without a fact: it follows from no journal, and a restart forgets it."""

    moving: set[str] = field(default_factory=set)
    """Lanes in whose arm somebody is at this moment."""
    freed: dict[str, int] = field(default_factory=dict)
    """Lane -> when its arm was last freed for a person, which is when the arm's own window began."""
    repeats: dict[str, int] = field(default_factory=dict)
    """`card reason` -> refused taps since that was last told."""
    taps: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Card -> reader and time of its last tap."""
    sign: list[Message] = field(default_factory=list)
    """What the sign has to say, in order of time."""


@dataclass(slots=True)
class Hall:
    """Everything. `boot_at` is the hall time of the present start."""

    boot_at: int = 0
    day: str = ""
    """The site's day of the last opening; empty when no clock could tell."""
    numbered_day: str = ""
    """The day for which ticket numbers began again; they never do so twice for a day, whatever the clock says."""
    opened_by: str = ""
    session: Literal["closed", "open", "closing"] = "closed"
    emergency: bool = False
    fire_active: bool = False
    lockdown: bool = False
    degraded: bool = False
    mode_told: Mode = "closed"
    capacity: int = 0
    capacity_ordered: bool = False
    """Somebody set it; otherwise it is the site's."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    issued: dict[str, int] = field(default_factory=dict)
    """Class letter -> tickets issued today."""
    calls: dict[str, int] = field(default_factory=dict)
    """Class letter -> calls today."""
    places: int = 0
    priority_run: int = 0
    jumps: int = 0
    """Calls out of order today; public."""
    serving: dict[str, str] = field(default_factory=dict)
    """Counter -> the ticket that is called there."""
    last_calls: list[tuple[str, str]] = field(default_factory=list)
    """The last five (ticket, counter), newest first."""
    bookings: dict[str, Booking] = field(default_factory=dict)

    cards: dict[str, Card] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    """Visits that have not ended."""
    visits_ended: dict[str, Visit] = field(default_factory=dict)
    """Visits that ended today, or earlier with a locker still their own. Nobody of them is inside."""
    visits_bound: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    """`card reason` -> when that was last told."""

    lockers: dict[int, Locker] = field(default_factory=dict)
    pulses: int = 0

    lanes: dict[str, Lane] = field(default_factory=dict)
    grants: int = 0
    unattributed: int = 0
    """Persons inside whom no card speaks for; below zero when more went out than their cards brought in."""
    suspect: Suspicion | None = None
    confirmed_at: int = 0

    devices: dict[str, str] = field(default_factory=dict)
    """Devices in trouble -> their health."""
    tasks: dict[str, Task] = field(default_factory=dict)
    tasks_raised: int = 0
    clock_synced: bool = False
    unwritten: Unwritten = field(default_factory=Unwritten, compare=False)

    @property
    def mode(self) -> Mode:
        """The strongest that holds."""
        if self.emergency:
            return "emergency"
        if self.lockdown:
            return "lockdown"
        if self.degraded:
            return "degraded"
        return "open" if self.session == "open" else "closed"

    @property
    def inside(self) -> int:
        """Persons inside, carried ones too. Never clamped: below zero the count is plainly wrong, and suspect."""
        return sum(visit.persons_inside for visit in self.visits.values()) + self.unattributed

    @property
    def full(self) -> bool:
        """No place is left that is not taken, or granted to somebody on the way in."""
        return self.inside + self.reserved >= self.capacity

    @property
    def waiting(self) -> int:
        return sum(ticket.state in ("waiting", "called", "parked") for ticket in self.tickets.values())

    def lockers_of(self, visit: str) -> list[Locker]:
        return [locker for locker in self.lockers.values() if locker.visit == visit] if visit else []

    def lockers_on(self, card: str) -> list[Locker]:
        """Those that hang on a card, whether or not its visit goes on."""
        return [locker for locker in self.lockers.values() if locker.visit and locker.card == card]

    def visit_of(self, card: str) -> Visit | None:
        held = self.cards.get(card)
        return self.visits.get(held.visit) if held and held.visit else None

    def grants_in(self) -> Iterator[tuple[Lane, Grant]]:
        """Ways in that are granted and not yet spent, over all lanes."""
        return ((lane, grant) for lane in self.lanes.values() for grant in lane.grants if grant.direction == "in")

    @property
    def reserved(self) -> int:
        """Places that grants in flight hold: walkers still to pass, and infants to be carried in with the first."""
        return sum(grant.unspent + (0 if grant.passed else grant.carried) for _, grant in self.grants_in())

"""A day in plain figures: what the pictures draw and the sentences say. Nothing here knows of events, SVG or language.

Points of time are `Moment`s, milliseconds since 1970; durations are milliseconds of hall time, which no jump of the
wall clock changes. No card, no name: a visit is known by its ticket.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from firmware.report.times import Moment
from hal.clock import Millis

PROMISE_MS: Millis = 120_000
"""From the ticket to the seat: what visitors are promised."""
QUARTER_MS: Millis = 15 * 60_000
HALF_HOUR_MS: Millis = 2 * QUARTER_MS

STAGES = ("waited", "counter", "to_entry", "inside", "whole")
"""Ticket to call, at the counter, ticket to seat, inside, ticket to card returned: as `visit.ended` names them."""
STEPS = ("waited", "counter", "search", "entry")
"""The way from ticket to seat: until the call, until the card is given, until the search has passed, until the seat."""

Curve = list[tuple[Millis, int]]
"""A number that holds from a point of time until the next."""

Row = Literal["mode", "away", "storage", "clock", "count", "device", "task"]


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of some durations, by nearest rank."""

    count: int
    p10: Millis
    p25: Millis
    median: Millis
    p75: Millis
    p90: Millis
    most: Millis

    @classmethod
    def of(cls, values: Sequence[Millis]) -> "Quantiles":
        """Raises ValueError where there is none."""
        if not values:
            raise ValueError("no value, no quantile")
        ordered = sorted(values)

        def rank(percent: int) -> Millis:
            return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]

        return cls(len(ordered), rank(10), rank(25), rank(50), rank(75), rank(90), ordered[-1])


@dataclass(slots=True)
class VisitTimes:
    """One visit, timed."""

    ticket: str
    at: Moment
    """When its number was taken; of a visit without one, when it was bound."""
    stages: dict[str, Millis] = field(default_factory=dict)
    """Those that took place, of `STAGES`."""
    steps: dict[str, Millis] = field(default_factory=dict)
    """All of `STEPS`, once somebody of it sat down and every step was recorded."""
    ended: bool = False
    untimed: bool = False
    """The power failed meanwhile, for a time that nothing measured: it counts as zero."""

    @property
    def to_seat(self) -> Millis | None:
        return self.stages.get("to_entry")


@dataclass(slots=True)
class Stretch:
    """Something that was so for a while."""

    row: Row
    what: str
    """Code: a mode, a reason; of a device its name."""
    begin: Moment
    end: Moment | None = None
    """None: it was still so after the last event of the day."""
    detail: str = ""
    """Of a device its health; of storage why."""


@dataclass(frozen=True, slots=True)
class Override:
    """Something that a person did against the rule, with a reason."""

    at: Moment
    action: str
    reason: str
    actor: str
    second: str = ""
    about: str = ""
    """The ticket or visit; of a locker its number."""

    @property
    def by(self) -> str:
        """Staff ids of one or two."""
        return f"{self.actor} + {self.second}" if self.second else self.actor


@dataclass(frozen=True, slots=True)
class Oddity:
    """A passage that the rules did not foresee, a door that opened by itself, a clock that jumped."""

    at: Moment
    what: str


@dataclass(frozen=True, slots=True)
class Start:
    """A start of the program while the hall was open, or somebody inside."""

    at: Moment
    away_ms: Millis | None
    """How long nobody watched, at most; None if no clock can tell."""


@dataclass(slots=True)
class Bank:
    """The lockers of a bank."""

    lockers: int
    owned: Curve = field(default_factory=list)
    out: Curve = field(default_factory=list)
    """Out of service: taken out by a guard, jammed, forced, or with a door that cannot be read."""


@dataclass(slots=True)
class Quarter:
    """Persons through the arm in a quarter of an hour, carried ones too."""

    came: int = 0
    left: int = 0
    odd_in: int = 0
    """Of those, without a right of way, or by an exit that matched no entry."""
    odd_out: int = 0


@dataclass(slots=True)
class Left:
    """What was not resolved after the last event of the day."""

    inside: int = 0
    suspect: str = ""
    """Why the count may be wrong; empty when it is trusted."""
    lockers: tuple[int, ...] = ()
    """Still somebody's."""
    cards: tuple[str, ...] = ()
    """Printed numbers of those that are still out or lost."""
    waiting: int = 0
    tasks: Counter[str] = field(default_factory=Counter)
    devices: dict[str, str] = field(default_factory=dict)
    """Device -> health."""
    session: str = "closed"
    mode: str = "closed"

    def __bool__(self) -> bool:
        return bool(
            self.inside or self.suspect or self.lockers or self.cards or self.waiting or self.tasks or self.devices
            or self.session != "closed" or self.mode in ("emergency", "lockdown", "degraded")
        )  # fmt: skip


@dataclass(slots=True)
class Figures:
    """Everything that the page tells."""

    source: str
    """`besuk/v1/<site>/<hall>`"""
    journal: str
    simulated: bool
    day: str
    midnight_ms: Millis
    """When the day began at the site."""
    first_seq: int
    last_seq: int
    begins_late: bool = False
    """What came before the journal's first record is not known."""
    begin_ms: Millis = 0
    """First and last sign of life of the hall, which bound the pictures."""
    end_ms: Millis = 0
    events: int = 0
    estimated: int = 0
    """Events whose time is an estimate."""

    tickets: Counter[str] = field(default_factory=Counter)
    """Issued, by class."""
    missed: int = 0
    jumps: int = 0
    visits: list[VisitTimes] = field(default_factory=list)
    persons: int = 0
    """Let in, carried ones too."""
    overstays: int = 0
    """Visits over their time."""
    refused: Counter[str] = field(default_factory=Counter)
    """Taps, by reason."""
    exception: str = ""
    """The reason with which the hall was closed over what was unresolved."""

    waiting: Curve = field(default_factory=list)
    inside: Curve = field(default_factory=list)
    capacity: Curve = field(default_factory=list)
    """Empty where the site's is not known."""
    banks: dict[str, Bank] = field(default_factory=dict)
    quarters: dict[Millis, Quarter] = field(default_factory=dict)
    """By when the quarter of an hour began."""

    stretches: list[Stretch] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    overrides: list[Override] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    left: Left = field(default_factory=Left)

    @property
    def seated(self) -> list[VisitTimes]:
        """Visits from whose ticket to whose seat the time is known."""
        return [visit for visit in self.visits if visit.to_seat is not None]

    def kept(self, promise_ms: Millis = PROMISE_MS) -> int:
        """Visits that sat down within the promise."""
        return sum(visit.to_seat <= promise_ms for visit in self.seated if visit.to_seat is not None)

    def stage(self, name: str) -> list[Millis]:
        return [visit.stages[name] for visit in self.visits if name in visit.stages]

    @property
    def axis_ms(self) -> tuple[Millis, Millis]:
        """What the time axes show: from the first sign of life to the last, to the half hour; an hour at least."""
        begin = (self.begin_ms - self.midnight_ms) // HALF_HOUR_MS * HALF_HOUR_MS
        end = -(-(self.end_ms - self.midnight_ms) // HALF_HOUR_MS) * HALF_HOUR_MS
        return self.midnight_ms + begin, self.midnight_ms + max(end, begin + 2 * HALF_HOUR_MS)

    def of(self, row: Row) -> list[Stretch]:
        return [stretch for stretch in self.stretches if stretch.row == row]


def within(ms: Millis) -> Millis:
    """The next whole second: what took a moment longer than the promise is never told as if it had kept it."""
    return -(-ms // 1000) * 1000


def lasted_ms(stretches: Sequence[Stretch], until_ms: Millis) -> Millis:
    """How long something was so altogether, overlaps counted once; what has no end lasts until `until_ms`."""
    total, covered = 0, 0
    for begin, end in sorted((one.begin.utc_ms, one.end.utc_ms if one.end else until_ms) for one in stretches):
        total += max(0, end - max(begin, covered))
        covered = max(covered, end)
    return total

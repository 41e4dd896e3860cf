"""Who comes to the hall, and what they find there: the people's side of the virtual hall.

Everybody acts with hands only (cards, doors, buttons, the arm) and learns by looking: at signs, doors, arms, at the
slip that the ticket button gives. Officers act through the same requests as `besuk desk`. Who somebody is and how long
they take is drawn from a generator of their own, so that it does not depend on who else does what when.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from firmware.config import Config
from firmware.core import facts as f
from firmware.core.site import ContactUse, ReaderPlace
from hal.clock import Millis
from services.requests import Answer
from sim.agents import Agents, Story, Turns, Wait
from sim.hall import SIDE, Direction, VirtualHall

Ask = Callable[[str, Mapping[str, Any], str], "Future[Answer]"]
"""Ask the hall for an action, with its arguments, as an officer: what `besuk desk` does."""

SECOND: Millis = 1_000
MINUTE: Millis = 60 * SECOND
ASK_AGAIN_MS: Millis = SECOND

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Habits:
    """How people are. Shares are in percent, times in milliseconds; all of these visitors are polite."""

    priority: int = 10
    """Elderly, pregnant, disabled, with infants: an officer gives them a ticket of that class."""
    booked: int = 30
    deposits: int = 90
    """The others came with empty hands."""
    walk_ms: Range = (2 * SECOND, 6 * SECOND)
    """From one station to the next."""
    identify_ms: Range = (15 * SECOND, 30 * SECOND)
    """Identity card and questions at the counter."""
    search_ms: Range = (12 * SECOND, 25 * SECOND)
    """Body and belongings, a person."""
    stow_ms: Range = (4 * SECOND, 9 * SECOND)
    """Bag in or out of an open locker."""
    react_ms: Range = (400, 1_200)
    """From seeing the arm free to pushing it."""
    through_ms: Range = (900, 1_500)
    """In the arm."""
    again_ms: Range = (8 * SECOND, 15 * SECOND)
    """Before trying again what was refused."""
    stay: Range = (45, 95)
    """Percent of the time that a visit may last."""


@dataclass(slots=True, eq=False)
class Visitor:
    """A party on one card: who they are, and what they hold in their hands."""

    number: int
    rng: random.Random
    adults: int
    children: int
    carried: int
    stay_ms: Millis
    letter: str
    booking: str = ""
    bag: bool = True
    ticket: str = ""
    visit: str = ""
    card: str = ""
    """UID; empty while they have none."""
    searched: bool = False
    locker: int | None = None

    @property
    def walkers(self) -> int:
        return self.adults + self.children

    def takes(self, span: Range) -> Millis:
        """How long something takes them this time."""
        return self.rng.randint(*span)


@dataclass(slots=True, eq=False)
class Counter:
    """A counter, and who stands at it."""

    name: str
    guest: Visitor | None = None


@dataclass(slots=True)
class Figures:
    """What was counted by looking, not by asking the program."""

    came: int = 0
    went: int = 0
    """Visitors who are through with everything and have gone home."""
    entered: int = 0
    inside_peak: int = 0
    cards_awaited: int = 0
    """Times that an officer had no card to give."""


@dataclass(slots=True)
class Stations:
    """The places of the hall that are used by one person at a time."""

    button: Turns = field(default_factory=Turns)
    desk_reader: Turns = field(default_factory=Turns)
    locker_reader: Turns = field(default_factory=Turns)
    entrance: Turns = field(default_factory=Turns)
    """Those who want in stand here in line before they stand at the arm."""
    arm: Turns = field(default_factory=Turns)
    returns: deque[Visitor] = field(default_factory=deque)
    """Those who wait at the return desk."""
    search: deque[Visitor] = field(default_factory=deque)
    """Those who wait to be searched."""


class People:
    """Everybody, and what they share."""

    def __init__(
        self, hall: VirtualHall, ask: Ask, *, seed: int, config: Config | None = None, habits: Habits | None = None
    ) -> None:
        """`config` where the counters are not those of the hall's own configuration."""
        self.hall = hall
        self.config = config or hall.config
        self.habits = habits or Habits()
        self.seed = seed
        self.agents = Agents(hall.clock)
        self.figures = Figures()
        self.stations = Stations()
        self.counters = {name: Counter(name) for name in self.config.queue.counters}
        self.tray: deque[tuple[str, str]] = deque()
        """Number and UID of the cards at the desk."""
        self.expected = 0
        """Visitors who are still to come."""
        self.queued = 0
        """Tickets that have been given out so far."""
        self.closing = False
        """The officers go home when the last visitor has."""
        self._ask = ask
        self._slips: deque[str] = deque()
        self._signs = tuple(hall.signs.values())
        self._frames = -1
        self._reads: tuple[str, ...] = ()
        self.button = self._contact(ContactUse.TICKET)
        self.desk_reader = self._reader(ReaderPlace.DESK)
        self.locker_reader = self._reader(ReaderPlace.LOCKER)
        self.entry = self._reader(ReaderPlace.ENTRY)
        self.exit = self._reader(ReaderPlace.EXIT)
        self.lane = self.config.readers[self.entry].lane or ""

    def _contact(self, use: ContactUse) -> str:
        return next(name for name, contact in self.config.contacts.items() if contact.use is use)

    def _reader(self, place: ReaderPlace) -> str:
        return next(name for name, reader in self.config.readers.items() if reader.place is place)

    # -- the run's face

    def look(self) -> None:
        """Everybody opens their eyes. Call it after each scan."""
        self.agents.look()

    def told(self, facts: Sequence[f.Fact]) -> None:
        """What has become durable: the ticket button prints its slip."""
        for fact in facts:
            if isinstance(fact, f.TicketIssued):
                self.queued += 1
                if fact.actor == self.button:
                    self._slips.append(fact.ticket)

    @property
    def before_gate(self) -> int:
        """Visitors who have not sat down yet, and those who are still to come."""
        return self.expected + self.figures.came - self.figures.entered

    @property
    def all_home(self) -> bool:
        return not self.expected and self.figures.went == self.figures.came

    # -- what everybody can do

    def slip(self) -> str:
        """The slip that lies in the ticket button's tray; empty when there is none."""
        return self._slips.popleft() if self._slips else ""

    @property
    def slip_waits(self) -> bool:
        return bool(self._slips)

    def more_tickets_than(self, known: int) -> Callable[[], bool]:
        """Whether more tickets have been given out: to look for."""
        return lambda: self.queued > known

    def signs_read(self) -> tuple[str, ...]:
        """What is to be read on the signs now."""
        frames = sum(sign.frames for sign in self._signs)
        if frames != self._frames:
            self._frames = frames
            self._reads = tuple(sign.reads for sign in self._signs)
        return self._reads

    def arm_free(self, direction: Direction) -> bool:
        """Whether the arm would yield to a push, and nobody is in it."""
        arm = self.hall.arms[self.lane].turnstile
        return not arm.busy and arm.state in (f"free_{SIDE[direction]}", "free_both")

    def ask(self, action: str, actor: str, **args: Any) -> Story[Answer]:
        """Ask the hall for something and wait for its answer; again while it is too busy to listen."""
        while True:
            future = self._ask(action, args, actor)
            yield Wait(seen=future.done)
            answer = future.result()
            if answer["ok"] or answer["error"]["code"] not in ("busy", "no_answer"):
                return answer
            yield Wait(ASK_AGAIN_MS)

    def must(self, action: str, actor: str, **args: Any) -> Story[Mapping[str, Any]]:
        """Ask for what cannot rightly be refused; the result."""
        answer = yield from self.ask(action, actor, **args)
        if not answer["ok"]:
            raise AssertionError(f"{action} {args} by {actor} was refused: {answer['error']}")
        result: Mapping[str, Any] = answer["result"]
        return result


def somebody(seed: int, number: int, config: Config, habits: Habits) -> Visitor:
    """Who comes as the `number`-th, and with whom."""
    rng = random.Random(f"visitor {number} of {seed}")
    classes = {one.priority: letter for letter, one in reversed(config.queue.classes.items())}
    priority = rng.randrange(100) < habits.priority
    most = config.visits.party_most
    adults = min(most, rng.choices((1, 2, 3), (50, 38, 12))[0])
    children = min(most - adults, rng.choices((0, 1, 2), (60, 28, 12))[0])
    carried = min(most - adults - children, int(rng.randrange(100) < (40 if priority else 8)))
    stay_ms = config.visits.length * rng.randint(*habits.stay) // 100
    letter = classes.get(priority, next(iter(config.queue.classes)))
    booking = f"B{number:05d}" if rng.randrange(100) < habits.booked else ""
    bag = rng.randrange(100) < habits.deposits
    return Visitor(number, rng, adults, children, carried, stay_ms, letter, booking, bag)


def arrival_ms(seed: int, number: int, day_ms: Millis) -> Millis:
    """When the `number`-th visitor of a day comes: a peak in the morning, a smaller one after noon, some in between."""
    rng = random.Random(f"arrival {number} of {seed}")
    kind = rng.randrange(100)
    if kind < 45:
        at = rng.gauss(0.18, 0.08)
    elif kind < 80:
        at = rng.gauss(0.62, 0.09)
    else:
        at = rng.random()
    return int(min(max(at, 0.0), 1.0) * day_ms)

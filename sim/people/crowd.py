"""Who comes to the hall, and when: parties on one card, drawn from a seed and their number alone.

Who somebody is does not depend on who else comes, nor on when; so one visitor may be left out of a day, and all others
stay as they were.
"""

import random
from dataclasses import dataclass, field

from firmware.config import Config
from hal.clock import Millis
from sim.people.agents import Bell
from sim.people.habits import VISITORS, Habits, Range


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
    """UID of the card in their hands; empty while they have none."""
    searched: bool = False
    locker: int | None = None
    """Where their bag is."""
    unsure_of_locker: bool = False
    """Somebody else tapped, too, when it opened: it may have opened for them."""
    sprang_open: bool = False
    """They saw that locker spring open; otherwise somebody else may have forced its door."""

    patience_ms: Millis = 60 * 60_000
    whims: random.Random = field(default_factory=random.Random)
    """Draws what only those do who are not polite."""
    habits: frozenset[str] = frozenset()
    """Those of `habits.VISITORS` that they have."""
    taps: dict[str, list[str]] = field(default_factory=dict)
    """Station -> what they are still going to do wrong with the card there."""
    own_card: str = ""
    """The visit's card, whoever holds it."""
    inside: int = 0
    """How many of them are inside on their own feet, and how many are carried there: the truth."""
    carried_inside: int = 0
    told: str = ""
    """What an officer has said to them: `wait`, `home`."""
    put_off: int = 0
    """How often an officer has sent them back to wait, or begun again."""
    done: Bell = field(default_factory=Bell)
    """Rung when somebody has done something for them."""
    where: str = ""
    """The station at which they are, for those who look for them."""

    @property
    def walkers(self) -> int:
        return self.adults + self.children

    @property
    def persons_inside(self) -> int:
        return self.inside + self.carried_inside

    def takes(self, span: Range) -> Millis:
        """How long something takes them this time."""
        return self.rng.randint(*span)

    def hear(self, what: str) -> None:
        """An officer says it to them."""
        self.told = what
        self.done.ring()

    def is_one_who(self, habit: str) -> bool:
        return habit in self.habits


STATIONS = ("deposit", "entry", "exit", "collect")
TAPS = (
    "taps_twice", "hammers", "withdraws", "wrong_reader", "bank_card", "two_cards", "friends_card", "two_readers",
    "child_plays",
)  # fmt: skip


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
    me = Visitor(number, rng, adults, children, carried, stay_ms, letter, booking, bag)
    me.whims = random.Random(f"whims {number} of {seed}")
    me.patience_ms = me.whims.randint(*habits.patience_ms)
    me.habits = frozenset(name for name in VISITORS if _drawn(seed, number, name, habits))
    if me.is_one_who("overstays"):
        me.stay_ms = config.visits.length * me.whims.randint(105, 150) // 100
    stations = STATIONS if bag else ("entry", "exit")
    for name in TAPS:
        if me.is_one_who(name):
            me.taps.setdefault(me.whims.choice(_where(name, stations)), []).append(name)
    return me


def _drawn(seed: int, number: int, name: str, habits: Habits) -> bool:
    share: int = getattr(habits, name)
    return share > 0 and random.Random(f"{name} {number} of {seed}").randrange(100) < share


def _where(name: str, stations: tuple[str, ...]) -> tuple[str, ...]:
    """A friend's card is at hand only while its family waits outside."""
    return tuple(one for one in stations if one in ("deposit", "entry")) if name == "friends_card" else stations


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

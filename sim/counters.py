"""How many counters does a day of so many visitors need, for the promise to hold? And if none are enough, what binds?

The promise is two minutes from ticket to seat. It *holds* on a day on which nine of ten visitors were seated by then
(`share`): not all, for a family of five whom nobody keeps waiting already needs more than that for its search. Those
who gave up count as not seated.

**What binds.** The stations stand in a row: counter, card, search, locker, arm, place inside. A station that is too
slow fills those before it, so the longest queue is often not at the narrow place: in a full hall families keep their
cards while they wait at the arm, the counters run out of cards, and the queue grows at the counters. So each visit's
time is cut into steps, and from each the time is taken off that the quickest need for it. The rest was lost. Among
those who were late for that alone, what binds is the *last* station at which they lost much, a quarter of the promise
or half of the worst: to widen an earlier one would help them little. Whoever is late without having lost anything is
late by the work itself; `best` is the share that would be in time if nobody waited and all were as quick as those.

**The fewest** counters are found by bisection: more counters never make it worse, and as soon as something behind the
counters binds, more of them do not help.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

from firmware.config import Config
from firmware.report import figures_of
from firmware.report.figures import PROMISE_MS, STEPS, Figures, Quantiles
from hal.clock import Millis
from sim.day import Day
from sim.durations import DAY_MS
from sim.people.habits import Habits
from sim.scale import cards, with_capacity, with_counters, with_lanes, with_lockers

SHARE = 90
"""Percent of visitors who must be seated in time for the promise to hold."""
TELLING_MS: Millis = PROMISE_MS // 4
"""A station at which late visits lose so much on average is too slow, whatever they lose elsewhere."""
QUICKEST = 10
"""So many visits at most had nobody before them: the first of a crowded day."""
CROWDED = 20
"""One in so many late visits, refused for want of a place or locker, tells why one waits at arm and lockers."""

BINDS: Mapping[str, str] = {
    "nothing": "nothing",
    "counters": "the counters",
    "cards": "the stock of cards",
    "searchers": "the searchers",
    "lockers": "the lockers",
    "lanes": "the lanes",
    "capacity": "the places inside",
    "work": "the work itself, which takes large families longer than promised even where nobody waits",
}
"""What may bind, and what one says of it."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What a day is tried with."""

    visitors: int
    counters: int
    searchers: int = 2
    lanes: int | None = None
    """Turnstiles; None for the site's, like the next three."""
    capacity: int | None = None
    """Places inside."""
    lockers: int | None = None
    cards: int | None = None
    seed: int = 1
    day_ms: Millis = DAY_MS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    hands: Hands
    seated: int
    """Visits that sat down at some time; the other visitors gave up."""
    kept: int
    """Visits that sat down within the promise."""
    median: Millis
    p90: Millis
    best: int
    """Percent that would have been, had nobody waited anywhere."""
    lost: Mapping[str, Millis]
    """Station -> what those lost there on average whom waiting made late."""
    binds: str
    places_an_hour: int
    """Visits that the places inside can take in an hour, at the length and size that visits had."""
    lasted_ms: Millis

    @property
    def percent(self) -> int:
        """Of all who came, those who gave up included."""
        return 100 * self.kept // self.hands.visitors

    def holds(self, share: int) -> bool:
        return 100 * self.kept >= share * self.hands.visitors

    def decided(self, share: int) -> bool:
        """Whether more counters are not needed, or would not help."""
        return self.holds(share) or self.binds != "counters" or self.best < share


def hall_of(config: Config, hands: Hands) -> Config:
    """The hall with these hands. Raises ValueError for what cannot be built."""
    wider = with_lockers(with_lanes(config, hands.lanes or 1), hands.lockers)
    return with_capacity(with_counters(wider, hands.counters), hands.capacity)


def try_day(config: Config, hands: Hands) -> Outcome:
    """Live a day of polite visitors, and see. Raises sim.judge.Violation, WireError, ValueError."""
    site, habits = hall_of(config, hands), Habits(searchers=hands.searchers)
    day = Day(site, seed=hands.seed, visitors=hands.visitors, day_ms=hands.day_ms, habits=habits)
    if hands.cards is not None:
        day.hall.stock[:] = cards(hands.seed, list(day.hall.stock), hands.cards)
    result = day.run()
    events = [line.event for line in day.daemon.controller.ledger.journal.lines()]
    return outcome(hands, site, habits, figures_of(events, site.as_site()), events, result.lasted_ms)


def outcome(
    hands: Hands, config: Config, habits: Habits, figures: Figures, events: Sequence[Mapping[str, Any]],
    lasted_ms: Millis,
) -> Outcome:  # fmt: skip
    """Read a day's figures."""
    seated = [visit.to_seat for visit in figures.seated if visit.to_seat is not None]
    waits = waits_of(figures, habits, events)
    times = Quantiles.of(seated or [0])
    inside = figures.stage("inside")
    hours_inside = fmean(inside) / 3_600_000 if inside else 1.0
    persons = max(1.0, figures.persons / max(1, len(seated)))
    possible = sum(wait.to_seat - wait.lost_ms <= PROMISE_MS for wait in waits)
    made_late = [wait for wait in waits if wait.to_seat - wait.lost_ms <= PROMISE_MS < wait.to_seat]
    lost = {step: int(fmean(wait.lost[step] for wait in made_late)) for step in STEPS} if made_late else {}
    return Outcome(
        hands=hands, seated=len(seated), kept=figures.kept(), median=times.median, p90=times.p90,
        best=100 * possible // max(1, len(waits)), lost=lost,
        binds=what_binds(lost, crowded_by(made_late, events), all_in_time=figures.kept() == hands.visitors),
        places_an_hour=int(config.capacity / persons / hours_inside), lasted_ms=lasted_ms,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wait:
    """What a visit's way to the seat took, and how much of it was waiting."""

    visit: str
    to_seat: Millis
    lost: Mapping[str, Millis]
    """By step."""

    @property
    def lost_ms(self) -> Millis:
        return sum(self.lost.values())


def waits_of(figures: Figures, habits: Habits, events: Sequence[Mapping[str, Any]]) -> list[Wait]:
    """Each visit that sat down. The time that a step takes where nobody waits grows with the family at search and arm;
    beyond that, it is what the quickest tenth of all visits needed; or the quickest few, for on a crowded day the rest
    had people before them."""
    bound = {event["data"]["ticket"]: event["data"] for event in events if event["type"] == "besuk.visit.bound"}
    each = {"search": sum(habits.search_ms) // 2, "entry": sum(habits.react_ms) // 2 + sum(habits.through_ms) // 2}
    timed = [visit for visit in figures.seated if visit.steps and visit.ticket in bound]
    spare: dict[str, list[Millis]] = {}
    for step in STEPS:
        walkers = [bound[visit.ticket]["adults"] + bound[visit.ticket]["children"] for visit in timed]
        took = [visit.steps[step] - each.get(step, 0) * n for visit, n in zip(timed, walkers, strict=True)]
        usual = sorted(took)[min(len(took) // 10, QUICKEST - 1)] if took else 0
        spare[step] = [max(0, ms - usual) for ms in took]
    return [
        Wait(bound[visit.ticket]["visit"], visit.to_seat or 0, {step: spare[step][number] for step in STEPS})
        for number, visit in enumerate(timed)
    ]


def crowded_by(late: Sequence[Wait], events: Sequence[Mapping[str, Any]]) -> str:
    """Why one waits between search and seat: for a place inside, for a locker, or for the arm."""
    for kind, cause in (("besuk.gate.refused", "capacity"), ("besuk.locker.refused", "lockers")):
        told = (event["data"] for event in events if event["type"] == kind)
        refused = {data.get("visit") for data in told if data["reason"] == "full"}
        if CROWDED * len(refused) >= len(late) > 0:
            return cause
    return "lanes"


def what_binds(lost: Mapping[str, Millis], crowded: str, *, all_in_time: bool) -> str:
    """The last step at which those who were late lost much, by what is short there."""
    if all_in_time:
        return "nothing"
    causes = {"waited": "counters", "counter": "cards", "search": "searchers", "entry": crowded}
    much = min(TELLING_MS, max(lost.values(), default=0) // 2)
    return next((causes[step] for step in reversed(STEPS) if lost.get(step, 0) >= max(much, 1)), "work")


# -- the question


@dataclass(slots=True)
class Hunt:
    """Looks for the fewest counters, of `low` to `high`, for one number of visitors."""

    hands: Hands
    low: int
    high: int
    share: int = SHARE
    every: bool = False
    """Try each number, for the whole table."""
    tried: dict[int, Outcome] = field(default_factory=dict)

    def todo(self) -> list[Hands]:
        """What to try next; nothing once the question is answered."""
        if self.every:
            numbers = [number for number in range(self.low, self.high + 1) if number not in self.tried]
        else:
            low, high = self.low, self.high
            while low < high and (middle := (low + high) // 2) in self.tried:
                low, high = (low, middle) if self.tried[middle].decided(self.share) else (middle + 1, high)
            middle = (low + high) // 2
            numbers = [middle] if middle not in self.tried else []
        return [replace(self.hands, counters=number) for number in numbers]

    def take(self, outcome: Outcome) -> None:
        self.tried[outcome.hands.counters] = outcome

    @property
    def rows(self) -> Iterator[Outcome]:
        """What was tried, by number of counters."""
        return (self.tried[number] for number in sorted(self.tried))

    @property
    def answer(self) -> Outcome:
        """The fewest counters that keep the promise, or behind which something else binds; else the most tried."""
        decided = (one for one in self.rows if one.decided(self.share))
        return next(decided, self.tried[max(self.tried)])

    @property
    def sentence(self) -> str:
        """The answer in words."""
        one = self.answer
        hands, share = one.hands, f"{one.percent} % sat down in time"
        counters = f"{hands.counters} counter{'s' * (hands.counters != 1)}"
        if one.holds(self.share):
            told = f"{hands.visitors} visitors: {counters} {'is' if hands.counters == 1 else 'are'} enough; {share}"
            return told if hands.counters == 1 or self.low < hands.counters else f"{told}; fewer were not tried"
        if one.best < self.share:
            return (
                f"{hands.visitors} visitors: no number of counters is enough, for {BINDS['work']}; with {counters}, "
                f"{share}, and if nobody ever waited, {one.best} % would have"
            )
        if one.binds == "counters":
            return f"{hands.visitors} visitors: {counters} {'is' if hands.counters == 1 else 'are'} too few; {share}"
        if self.low == hands.counters > 1:
            told = f"{hands.visitors} visitors: {counters} are not enough, and what binds is "
        else:
            told = f"{hands.visitors} visitors: no number of counters is enough; from {counters} on, what binds is "
        told += f"{BINDS[one.binds]}; {share}"
        if one.binds == "capacity":
            told += f"; inside, there is room for about {one.places_an_hour} visits an hour"
        return told

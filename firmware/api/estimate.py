"""How long somebody who takes a number now may have to wait, as an honest range: a pure function of the hall.

A counter's turn is the time from one call to the next, where the next had been waiting; otherwise the officer may have
been idle. Pace and scatter follow from the turns of the last while. As many turns as there are people ahead are then
laid on the counters that are at work: at best only those who wait now are called first, at worst also those whom the
rules prefer and who will have come meanwhile, if they go on coming as they did. Where too little is known nothing is
said: too few turns, a hall that is not open, counters that stand still.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, sqrt
from statistics import fmean, stdev

from firmware.core.site import MINUTE, SECOND, Site
from firmware.core.state import Hall, Ticket
from firmware.core.tickets import in_order

WINDOW_MS = 30 * MINUTE
"""Turns and tickets are looked at so far back."""
TURNS_LEAST = 5
WAITED_MS = 30 * SECOND
"""Whoever was called after a longer wait had waited for a counter, not for an officer's glance."""
AT_WORK_TURNS = 3
AT_WORK_MS = 5 * MINUTE
"""A counter that has called nobody for so many turns, and for so long, is not counted on."""
SPREAD = 1.3
"""Standard deviations to either side."""
DRIFT = 0.1
"""By this share the pace itself may change meanwhile."""
STEP_MIN = 5
COARSE_MIN = 10
"""Steps of a range, and of one that goes beyond an hour."""


@dataclass(frozen=True, slots=True)
class Range:
    """Whole minutes, rounded outwards."""

    shortest: int
    longest: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Waits by class letter, and until when they may be shown if nothing happens meanwhile, in hall time."""

    waits: Mapping[str, Range]
    until: int


UNKNOWN = Estimate({}, 0)


def estimate(hall: Hall, site: Site, now: int) -> Estimate:
    """What a newcomer of each class may expect."""
    if hall.mode != "open":
        return UNKNOWN
    calls = [
        (ticket.counter, ticket.called_at, ticket.issued_at)
        for ticket in hall.tickets.values()
        if ticket.counter and ticket.called_at is not None and ticket.called_at > now - WINDOW_MS
    ]
    turns = list(_turns(calls))
    if len(turns) < TURNS_LEAST:
        return UNKNOWN
    pace, scatter = fmean(turns), stdev(turns)
    patience = max(AT_WORK_MS, int(AT_WORK_TURNS * pace))
    at_work = {counter for counter, called_at, _ in calls if called_at > now - patience}
    if not at_work:
        return UNKNOWN
    idle = not at_work <= hall.serving.keys()
    pace, scatter = pace / len(at_work), scatter / len(at_work)
    preferred = _preferred_per_ms(hall, site, now)
    waiting = [ticket for ticket in hall.tickets.values() if ticket.state == "waiting"]
    waits = {}
    for letter, kind in site.classes.items():
        ahead = _ahead(waiting, letter, hall, site)
        if not ahead and idle:
            waits[letter] = Range(0, STEP_MIN)
            continue
        least = ahead + 0.5  # who stands at the counter now is half-way, more or less
        most = least if kind.priority else least / max(1 - preferred * pace, 1 / (site.priority_in_a_row + 1))
        waits[letter] = _rounded(
            least * pace * (1 - DRIFT) - SPREAD * scatter * sqrt(least + least**2 / len(turns)),
            most * pace * (1 + DRIFT) + SPREAD * scatter * sqrt(most + most**2 / len(turns)),
        )
    return Estimate(waits, max(called_at for _, called_at, _ in calls) + patience)


def _turns(calls: Iterable[tuple[str, int, int]]) -> Iterator[int]:
    """How long turns took, from (counter, called at, issued at) of tickets."""
    by_counter: dict[str, list[tuple[int, int]]] = {}
    for counter, called_at, issued_at in calls:
        by_counter.setdefault(counter, []).append((called_at, issued_at))
    for called in by_counter.values():
        for (before, _), (called_at, issued_at) in pairwise(sorted(called)):
            if called_at - issued_at > WAITED_MS:
                yield called_at - before


def _preferred_per_ms(hall: Hall, site: Site, now: int) -> float:
    """How fast those come whom the rules prefer."""
    came = [ticket for ticket in hall.tickets.values() if ticket.issued_at > now - WINDOW_MS]
    since = min((ticket.issued_at for ticket in came), default=now)
    return sum(site.prefers(ticket.letter) for ticket in came) / max(now - since, MINUTE)


def _ahead(waiting: list[Ticket], letter: str, hall: Hall, site: Site) -> int:
    """How many the rules would call before somebody who came now."""
    newcomer = Ticket("", letter, hall.places + 1, 0)
    order = in_order([*waiting, newcomer], site, hall.priority_run)
    return next(place for place, ticket in enumerate(order) if ticket is newcomer)


def _rounded(shortest_ms: float, longest_ms: float) -> Range:
    step = STEP_MIN if longest_ms <= 60 * MINUTE else COARSE_MIN
    shortest = max(0, int(shortest_ms / MINUTE / step)) * step
    return Range(shortest, max(ceil(longest_ms / MINUTE / step) * step, shortest + step))

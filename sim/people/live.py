"""Visitors and officers of a live hall: they come by themselves, and put up with whoever else has a hand in it.

A seeded day may rely on everybody being polite. Here somebody may press the fire button, take the card from the desk or
close the session while an officer is busy. So an officer who is refused tries again, and one who is at a loss begins
anew. Whoever was in the hall when the program stopped goes home after a restart.
"""

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from firmware.core import facts as f
from firmware.core.state import Hall
from hal.clock import Millis
from sim.durations import DAY_MS, MINUTE, SECOND
from sim.hall import VirtualHall
from sim.people import card_desk, officers, visitors
from sim.people.agents import Story, Turns, Wait
from sim.people.crowd import Visitor, somebody
from sim.people.everybody import CALM_MS, Ask, People
from sim.people.habits import Habits
from sim.people.seen import seen

log = logging.getLogger(__name__)

LIVELY = Habits(
    booked=0, identify_ms=(8 * SECOND, 15 * SECOND), search_ms=(4 * SECOND, 8 * SECOND), stay=(3, 20), wheelchair=5
)
"""Of a hall that somebody has opened to watch: nobody takes long, and visits are short."""
LIVELY_PAUSE_MS = MINUTE
SOON_MS = 3 * SECOND
"""Whoever opens the page sees the first family come so soon, and the next one not much later."""
FIRST_STAY_MS = 15 * SECOND
"""The first family of a lively hall leaves while whoever watches is still there."""
LOSS_MS = 10 * SECOND


class LivePeople:
    """Everybody. `day` of them come in eight hours, and so on the next day; None is a lively hall."""

    def __init__(
        self, hall: VirtualHall, ask: Ask, desk: Hall, card_hash: Callable[[bytes], str], *, seed: int,
        day: int | None = None,
    ) -> None:  # fmt: skip
        """`desk` is what the desk's books say at the start; it is only read now. Raises LookupError for a site without
        ticket button, readers at desk, lockers and gate: nobody could find their way there."""
        self._people = People(hall, ask, seed=seed, habits=LIVELY if day is None else Habits(booked=0))
        self._people.on_unmet = lambda sentence: log.warning("somebody is at a loss: %s", sentence)
        self._inside: dict[int, Visitor] = {}
        self._cut_us = -CALM_MS * 1_000
        well_for_ms = self._people.well_for_ms
        self._people.well_for_ms = lambda *devices: min(
            well_for_ms(*devices), (hall.clock.now_us - self._cut_us) // 1_000
        )
        self._rng = random.Random(f"arrivals {seed} {hall.clock.now_us} {len(desk.visits)}")
        self._lively = day is None
        self._pause_ms = LIVELY_PAUSE_MS if day is None else DAY_MS // day
        cards = {card_hash(bytes.fromhex(uid)): (number, uid) for number, uid in hall.stock}
        for card, known in cards.items():
            if card in desk.cards and desk.cards[card].state == "stock":
                self._people.tray.append(known)
        for work in self._officers():
            self._people.agents.begin(self._keep_working(work))
        for me in self._guests(desk, {card: uid for card, (_, uid) in cards.items()}):
            self._people.agents.begin(self._come(me, visitors.go_home(self._people, me)), me.stay_ms)
        self._people.agents.begin(self._arrivals(seed))

    def look(self) -> None:
        """Everybody opens their eyes. Call it after each scan."""
        self._people.look()

    def told(self, facts: Sequence[f.Fact]) -> None:
        """What has become durable."""
        self._people.told(facts)

    def seen(self) -> list[dict[str, Any]]:
        """Who is in the house, where, and what they hold."""
        return [seen(self._people, me) for me in self._inside.values()]

    def cut_off(self) -> None:
        """The power has failed: for a while nobody may rely on what the hall promises."""
        self._cut_us = self._people.hall.clock.now_us

    def _officers(self) -> list[Callable[[], Story[None]]]:
        people = self._people
        searchers = [f"officer-search-{number + 1}" for number in range(people.habits.searchers)]
        return [
            *(partial(officers.serve, people, counter) for counter in people.counters.values()),
            *(partial(officers.search, people, actor) for actor in searchers),
            partial(card_desk.take_back, people),
        ]

    @staticmethod
    def _guests(desk: Hall, uids: Mapping[str, str]) -> list[Visitor]:
        """Those who have a card already; what is left of each party inside goes home within ten minutes."""
        guests: list[Visitor] = []
        for visit in desk.visits.values():
            if visit.card in uids:
                lockers = desk.lockers_of(visit.visit)
                rng = random.Random(visit.visit)
                guests.append(
                    Visitor(
                        -1 - len(guests), rng, adults=visit.inside, children=0, carried=visit.carried_inside,
                        stay_ms=rng.randrange(10 * MINUTE), letter="", ticket=visit.ticket, visit=visit.visit,
                        card=uids[visit.card], searched=True, locker=lockers[0].locker if lockers else None,
                        own_card=uids[visit.card], inside=visit.inside, carried_inside=visit.carried_inside,
                    )
                )  # fmt: skip
        return guests

    def _arrivals(self, seed: int) -> Story[None]:
        """One after the other, without end, and the first at once; who they are follows from the seed."""
        number = self._rng.randrange(1_000_000)
        yield Wait(SOON_MS)
        self._begin(seed, number, FIRST_STAY_MS if self._lively else None)
        if self._lively:
            number += 1
            yield Wait(4 * SOON_MS)
            self._begin(seed, number)
        while True:
            yield Wait(int(self._rng.expovariate(1 / self._pause_ms)) + 1)
            number += 1
            self._begin(seed, number)

    def _begin(self, seed: int, number: int, stay_ms: Millis | None = None) -> None:
        me = somebody(seed, number, self._people.config, self._people.habits)
        me.stay_ms = me.stay_ms if stay_ms is None else stay_ms
        self._people.expected += 1
        self._people.agents.begin(self._come(me, visitors.visit(self._people, me)))

    def _come(self, me: Visitor, story: Story[None]) -> Story[None]:
        self._inside[id(me)] = me
        try:
            yield from story
        finally:
            del self._inside[id(me)]

    def _keep_working(self, work: Callable[[], Story[None]]) -> Story[None]:
        """An officer at a loss leaves the desk reader to the next, takes a breath, and begins anew."""
        while True:
            try:
                yield from work()
            except AssertionError as loss:
                log.warning("an officer is at a loss: %s", loss)
                for desk in self._people.desk_readers:
                    desk.turns = Turns()
            yield Wait(LOSS_MS)

"""The guards' headcount: every face is looked at and ticked on the desk's list, while nobody passes an arm."""

import random

from hal.clock import Millis
from sim.durations import MINUTE, SECOND
from sim.people.agents import Story, Wait
from sim.people.everybody import People
from sim.people.places import LanePlaces

COUNT_MS: Millis = 500
"""To look at one face and tick it."""


class Headcount:
    """One at a time, whoever of the guards takes it."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._under_way = False

    def take(self, reason: str, guard: str, rng: random.Random) -> Story[None]:
        """Look at every face; wrong by one, now and then, and then once more. Nothing where a count is under way."""
        people = self._people
        if self._under_way or people.alarm:
            return
        self._under_way = True
        taken: list[LanePlaces] = []
        try:
            for lane in people.lanes.values():
                if not (yield from lane.arm.take(5 * MINUTE)):
                    return
                taken.append(lane)
            wrong = people.whim(rng, "miscounts")
            yield from self._tick(reason, guard, wrong_by=1 if wrong else 0)
            if wrong:
                people.did("miscounts")
                yield Wait(rng.randint(10 * SECOND, 40 * SECOND))
                yield from self._tick("counted_again", guard, wrong_by=0)
        finally:
            self._under_way = False
            for lane in taken:
                lane.arm.give()

    def _tick(self, reason: str, guard: str, *, wrong_by: int) -> Story[None]:
        people = self._people
        for _ in range(3):
            yield Wait(SECOND + COUNT_MS * people.hall.inside)
            here = people.hall.inside
            parties = {one["visit"]: one for one in (yield from people.show("visits", guard))}
            present = {
                visit: min(persons, parties[visit]["party"])
                for visit, persons in people.muster().items()
                if visit in parties
            }
            strangers = max(0, here - sum(present.values())) + wrong_by
            hall = yield from people.show("hall", guard)
            if hall["inside"] < 0:
                people.did("confirms_what_cannot_be")
                yield from people.ask_once("confirm_count", guard)
            agrees = all(one["inside"] == present.get(visit, 0) for visit, one in parties.items())
            if agrees and hall["unattributed"] == strangers:
                people.did("confirms_the_count")
                answer = yield from people.order("confirm_count", guard)
            else:
                people.did("recounts")
                answer = yield from people.order(
                    "recount", guard, present=present, unattributed=strangers, reason=f"recount_{reason}"
                )
            if answer["ok"] and people.hall.inside == here:
                people.counted(wrong_by)
                self._send_to_search([v for v, one in parties.items() if one["inside"] and not present.get(v)])
                return
            if people.alarm:
                return

    def _send_to_search(self, corrected: list[str]) -> None:
        """Whoever was counted as inside and is not has come out, as far as anybody knows: they are searched again."""
        for me in self._people.crowd.values():
            if me.visit in corrected and not me.inside:
                self._people.did("sends_somebody_to_be_searched_again")
                me.searched = False

"""A trainee at the desk, who asks for what cannot be, and runs errands that are right and that nobody else runs.

Places more for a while, a booking entered and cancelled, a worn card retired, a blocked one held to a reader. What a
trainee does is drawn from a generator of its own: the others come and go as they would without one.
"""

import random
from collections import Counter as Tally
from collections.abc import Mapping
from typing import Any

from sim.durations import MINUTE, SECOND
from sim.people.agents import Story, Wait
from sim.people.everybody import People
from sim.people.hands import STEP_ASIDE_MS, TAP_MS
from sim.people.mistakes import MISTAKES, NAME, SPARE_CARDS, Page

MORE_PLACES = 2
BOOKING = "TRAINEE"
ERRANDS_EVERY = 3
"""One turn in so many is an errand, the others are mistakes."""


def train(people: People, number: int) -> Story[None]:
    """From before the opening until the hall is closed, and was opened once more for nobody."""
    rng = random.Random(f"trainee {number} of {people.seed}")
    learner = Trainee(people, rng)
    yield from people.ask_once("close", NAME)  # nothing is open yet
    errands = (
        learner.book, learner.look_at_hinges, learner.retire, learner.try_spare_card, learner.more_places,
    )  # fmt: skip
    turns = 0
    while not people.closing:
        yield Wait(rng.randint(*people.habits.learn_ms), lambda: people.closing, (people.bells.closing,))
        turns += 1
        if turns % ERRANDS_EVERY:
            yield from learner.ask_wrongly()
        elif not people.closing:
            yield from errands[turns // ERRANDS_EVERY % len(errands)]()
        yield from learner.try_blocked_card()
        yield from learner.put_aside()
    yield from learner.open_again()


class Trainee:
    """One who learns."""

    def __init__(self, people: People, rng: random.Random) -> None:
        self.people = people
        self.rng = rng
        self._asked: Tally[str] = Tally()
        self._put_aside = False
        self._tried: set[str] = set()
        """Printed numbers of blocked cards that were held to a reader."""
        self._visits: dict[str, None] = {}
        """All that were ever seen, in that order."""

    def look(self) -> Story[Page]:
        """Read the desk's page; the hall's own state last, for it changes soonest."""
        show = self.people.show
        visits = yield from show("visits", NAME)
        cards, lockers = (yield from show("cards", NAME)), (yield from show("lockers", NAME))
        live = {visit["visit"] for visit in visits}
        ended = next((visit for visit in self._visits if visit not in live), "")
        self._visits |= dict.fromkeys(sorted(live))
        hall = yield from show("hall", NAME)
        return Page(self.people, hall, visits, cards, lockers, ended)

    def ask_wrongly(self) -> Story[None]:
        """Of all that would be wrong now, what was asked least often."""
        page = yield from self.look()
        wrong = {code: asked for code, mistake in MISTAKES.items() if (asked := mistake(page)) is not None}
        if not wrong or self.people.closing:
            return
        least = min(self._asked[code] for code in wrong)
        code = self.rng.choice([one for one in wrong if self._asked[one] == least])
        self._asked[code] += 1
        action, args = wrong[code]
        self.people.did("trainee")
        yield from self.people.ask_once(action, NAME, **args)

    # -- errands

    def more_places(self) -> Story[None]:
        """A few people more for some minutes, as the head has said."""
        usual = self.people.config.capacity
        yield from self.people.order("capacity", NAME, capacity=usual + MORE_PLACES)
        yield Wait(self.rng.randint(MINUTE, 3 * MINUTE))
        yield from self.people.order("capacity", NAME, capacity=usual)

    def book(self) -> Story[None]:
        """Somebody rings up for today, and cancels; and nobody books for a day that is over."""
        day = (yield from self.people.show("hall", NAME))["day"]
        if not day:
            return
        party: dict[str, Any] = {"class": next(iter(self.people.config.queue.classes)), "adults": 1, "children": 0}
        yield from self.people.ask_once("book", NAME, code=BOOKING, date="2000-01-01", **party)
        answer = yield from self.people.order("book", NAME, code=BOOKING, date=day, **party)
        if answer["ok"]:
            yield from self.people.ask_once("bind", NAME, booking=BOOKING, adults=1)  # it has no number yet
            yield Wait(self.rng.randint(10 * SECOND, MINUTE))
            yield from self.people.order("cancel_booking", NAME, code=BOOKING)

    def open_again(self) -> Story[None]:
        """When all is over somebody knocks; but that was the wind."""
        people = self.people
        yield Wait(None, lambda: people.visitors_home, (people.bells.home,))
        while (yield from people.show("hall", NAME))["session"] != "closed":
            if people.signed_off:
                return
            yield Wait(2 * SECOND)
        yield from people.ask_once("open", NAME)
        while (yield from people.show("hall", NAME))["session"] == "open":
            yield from people.order("close", NAME, exception="nobody_there")
            yield Wait(2 * SECOND)

    def put_aside(self) -> Story[None]:
        """Once a day, somebody who waits says that the papers will be there in a minute; they are called then."""
        if self._put_aside:
            return
        people = self.people
        counter = next(iter(people.counters.values()))
        serving = (yield from people.show("hall", NAME))["serving"]
        waiting = [me for me in people.crowd.values() if me.where == "waiting" and me.ticket]
        waiting = [me for me in waiting if me.ticket not in serving.values()]
        if len(waiting) > 1 or (waiting and len(serving) == len(people.counters)):
            answer = yield from people.ask_once("park", NAME, ticket=waiting[-1].ticket)
            if answer["ok"]:
                self._put_aside = True
                counter.parked.append((people.hall.clock.now() + MINUTE, waiting[-1].ticket))

    def look_at_hinges(self) -> Story[None]:
        """The locker of somebody who sits inside is out of service for a while; they may come too early."""
        people = self.people
        sitting = [me.locker for me in people.crowd.values() if me.where == "inside" and me.locker]
        if not sitting:
            return
        locker = self.rng.choice(sitting)
        people.notices.add(locker)
        out_of: dict[str, Any] = {"locker": locker, "reason": "hinges", "in": False}
        yield from people.order("service", NAME, **out_of)
        yield Wait(self.rng.randint(2 * MINUTE, 6 * MINUTE))
        yield from people.order("service", NAME, **out_of | {"in": True})
        people.notices.discard(locker)

    def retire(self) -> Story[None]:
        """A worn card is not given out again; and the trainee has to see that it opens nothing."""
        tray = self.people.tray
        if len(tray) < SPARE_CARDS or (yield from self._cards("retired")):
            return
        number, uid = tray.pop()

        def retired() -> Story[Mapping[str, Any] | None]:
            return {} if (yield from self._cards("retired")) else None

        answer = yield from self.people.order("retire", NAME, retired, card=number, reason="worn")
        yield from self._hold_to_lockers(uid)
        if not answer["ok"]:
            tray.append((number, uid))

    def try_blocked_card(self) -> Story[None]:
        """One of those that lie aside, once."""
        people = self.people
        cards = [*(yield from self._cards("lost")), *(yield from self._cards("quarantined"))]
        blocked = {one["number"] for one in cards} - self._tried
        card = next((one for one in people.odd_cards if one[0] in blocked), None)
        if card is not None:
            self._tried.add(card[0])
            people.odd_cards.remove(card)
            yield from self._hold_to_lockers(card[1])
            for visit in (yield from people.show("visits", NAME)):
                if visit.get("card"):  # so that it cannot become theirs
                    yield from people.ask_once("issue", NAME, visit=visit["visit"], card=card[0])
                    break
            people.odd_cards.append(card)

    def try_spare_card(self) -> Story[None]:
        """The last of the tray, which nobody has been given."""
        tray = self.people.tray
        if len(tray) >= SPARE_CARDS:
            card = tray.pop()
            yield from self._hold_to_lockers(card[1])
            tray.append(card)

    def _cards(self, state: str) -> Story[list[Mapping[str, Any]]]:
        rows: list[Mapping[str, Any]] = yield from self.people.show("cards", NAME, state=state)
        return rows

    def _hold_to_lockers(self, uid: str) -> Story[None]:
        bank = next(bank for bank in self.people.banks.values() if bank.readers)
        if (yield from bank.turns.take(2 * MINUTE)):
            self.people.did("holds_a_dead_card_to_the_lockers")
            self.people.hall.tap(bank.readers[0], uid, TAP_MS)
            yield Wait(TAP_MS + STEP_ASIDE_MS)
            bank.turns.give()

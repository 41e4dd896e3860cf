"""The officers who open the hall in the morning and close it in the evening.

Closing is for those who are still in the house: nobody new; then, when the last one has gone home, what is missing is
written off, what is locked is opened, and what is still unresolved is signed for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sim.durations import MINUTE, SECOND
from sim.people.agents import Story, Wait
from sim.people.crowd import Visitor
from sim.people.everybody import People

HEAD = "officer-head"
LAST_MS = 3 * 60 * MINUTE
"""So long the hall is kept open for those who still want in."""
SETTLE_MS = 2 * SECOND
WIND_UP_MS = 2 * MINUTE
WIND_UPS = 4
"""After so many rounds what is still unresolved is signed off."""
LAST_ROUNDS = 15
"""So many rounds the guards have for what is still to be done."""
OPENS_MS = 11 * SECOND
"""A locker that sticks is tried three times within ten seconds."""
HANDS_MS = 6 * SECOND
"""To take out of an open locker what is in it."""
LOOK_AGAIN_MS = MINUTE
"""Between two attempts at what has to be done."""


def open_hall(people: People, stock: Sequence[tuple[str, str]], booked: Sequence[Visitor]) -> Story[None]:
    """The session is opened, the bookings of the day are entered, new cards are enrolled."""

    def opened() -> Story[Mapping[str, Any] | None]:
        hall = yield from people.show("hall", HEAD)
        return hall if hall["session"] == "open" else None

    day = ""
    while not people.session:
        answer = yield from people.order("open", HEAD, opened)
        if answer["ok"] or answer["error"]["code"] == "is_open":
            day = (yield from people.show("hall", HEAD))["day"]
            people.session = True
        else:
            yield Wait(LOOK_AGAIN_MS)
    for who in booked:
        party: dict[str, Any] = {"class": who.letter, "adults": who.adults, "children": who.children}
        yield from people.order("book", HEAD, code=who.booking, date=day, **party)
    for number, uid in stock:
        answer = yield from people.order("enrol", HEAD, number=number, uid=uid)
        while not answer["ok"] and answer["error"]["code"] not in ("enrolled", "number_taken"):
            yield Wait(LOOK_AGAIN_MS)
            answer = yield from people.order("enrol", HEAD, number=number, uid=uid)
        people.tray.append((number, uid))
        people.bells.tray.ring()


def close_hall(people: People) -> Story[None]:
    """When everybody sits inside, or has given up: nobody new, and closed for good when the last one has left."""
    yield Wait(LAST_MS, lambda: people.before_gate == 0, (people.bells.home,))
    people.closing = True
    people.bells.closing.ring()

    def closing() -> Story[Mapping[str, Any] | None]:
        hall = yield from people.show("hall", HEAD)
        return hall if hall["session"] != "open" else None

    while True:
        answer = yield from people.order("close", HEAD, closing)
        if answer["ok"] or answer["error"]["code"] == "is_closed" or (yield from people.is_for_a_technician(HEAD)):
            break
        yield Wait(LOOK_AGAIN_MS)
    yield from _wind_up(people)


def _wind_up(people: People) -> Story[None]:
    """When the last visitor has gone home: what is missing is written off, what is locked is opened, and the rest is
    signed for."""
    yield Wait(None, lambda: people.visitors_home, (people.bells.home,))
    yield Wait(SETTLE_MS)
    rounds = 0
    while (yield from people.show("hall", HEAD))["session"] != "closed":
        rounds += 1
        for card in (yield from people.show("cards", HEAD, state="issued")):
            yield from _card_missing(people, card)
        for locker in (yield from people.show("lockers", HEAD)):
            if locker["visit"]:
                yield from _locker_owned(people, locker["locker"])
        if rounds > 1 and people.hall.inside == 0:
            people.did("recounts_at_the_end")
            yield from people.order("recount", HEAD, present={}, unattributed=0, reason="end_of_day")
            people.counted(0)
        if rounds >= WIND_UPS:
            people.did("closes_with_an_exception")
            answer = yield from people.order("close", HEAD, exception="left_over")
            if not answer["ok"] and (yield from people.is_for_a_technician(HEAD)):
                people.did("leaves_a_damaged_journal_to_a_technician")
                break
        yield Wait(WIND_UP_MS)
    for _ in range(LAST_ROUNDS if people.guards else 0):
        if not (yield from people.show("tasks", HEAD)):
            break
        yield Wait(WIND_UP_MS)
    people.signed_off = True


def _card_missing(people: People, card: Mapping[str, Any]) -> Story[None]:
    """A card that is not in the tray is lost; one that lies there after all comes back."""
    number = card["number"]
    here = [one for one in (*people.tray, *people.odd_cards) if one[0] == number]
    if here:
        people.did("finds_a_card")
        yield from people.order("return", HEAD, card=number, collected=True)
    elif card["visit"]:
        people.did("writes_a_card_off")
        answer = yield from people.order("lost", HEAD, visit=card["visit"], reason="not_returned")
        if not answer["ok"]:
            yield from people.order("return", HEAD, card=number, collected=False)


def _locker_owned(people: People, locker: int) -> Story[None]:
    """Nobody is left who could come for it: two open it, and keep what is in it."""
    people.did("releases_a_locker_at_the_end")
    yield from people.order("release", HEAD, locker=locker, reason="not_collected", second="officer-return")
    if not (yield Wait(OPENS_MS, lambda: people.hall.lockers[locker].door == "open")):
        people.did("opens_a_locker_with_the_key")
        people.hall.door(locker, "forced")
    yield Wait(HANDS_MS)
    people.hall.door(locker, "closed", content=False)
    people.bags.pop(locker, None)

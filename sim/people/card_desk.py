"""The officers' way with cards: out of the tray, over the desk reader, to a visitor, and back.

Cards are things. Where the desk reader is of no use, the number that is printed on the card is typed. What comes back
and cannot be given out as it is lies aside until it is in stock again.
"""

from collections.abc import Mapping
from typing import Any

from sim.durations import MINUTE, SECOND
from sim.people.agents import Story, Wait
from sim.people.crowd import Visitor
from sim.people.everybody import People
from sim.people.hands import TAP_MS
from sim.people.places import Counter

FORGET_MS = 1_500
"""After lifting a card from the desk reader: so long the hall may still take it for the next one's."""
READ_MS = 700
"""From laying a card on the desk reader to asking for it by that reader."""
LOOK_AGAIN_MS = MINUTE
"""Between two attempts at what has to be done."""


def give_card(people: People, counter: Counter, guest: Visitor, actor: str) -> Story[None]:
    """A card from the tray, laid on the desk reader; its number is typed where the reader is of no use."""

    def holds() -> Story[Mapping[str, Any] | None]:
        visits = yield from people.show("visits", actor, visit=guest.visit)
        return {"number": visits[0]["card"]} if visits and visits[0]["card"] else None

    number, uid = people.tray.popleft()
    wrong_card, wrong = None, False
    if people.tray and people.whim(counter.whims, "issues_wrong"):
        wrong_card = people.tray.popleft()
        wrong = yield from _issue_wrongly(people, guest, wrong_card[0], actor)
    desk = people.desk_reader()
    yield from desk.turns.take()
    people.hall.tap(desk.name, uid, TAP_MS)
    yield Wait(READ_MS)
    answer = yield from people.order("issue", actor, holds, visit=guest.visit, reader=desk.name)
    if not answer["ok"] and answer["error"]["code"] in ("no_card", "unknown_card"):
        people.did("types_the_number")
        answer = yield from people.order("issue", actor, holds, visit=guest.visit, card=number)
    if wrong_card:
        if wrong and not people.guards:
            yield from _clear(people, wrong_card[0], actor)
        people.odd_cards.append(wrong_card)  # until a guard clears it, or sees that it is in stock again
    yield Wait(FORGET_MS)
    desk.turns.give()
    if not answer["ok"]:
        people.did(f"refused_{answer['error']['code']}")
        people.expects(not people.calm(desk.name), f"card {number} could not be issued: {answer['error']}")
        people.odd_cards.append((number, uid))
        guest.hear("home")
        return
    people.expects(
        answer["result"]["number"] == number or not people.calm(desk.name),
        f"card {number} was laid down, card {answer['result']['number']} was issued",
    )
    if counter.guest is not guest or guest.told:
        people.odd_cards.append((number, uid))
        return
    guest.card = guest.own_card = uid
    guest.done.ring()


def _issue_wrongly(people: People, guest: Visitor, other: str, actor: str) -> Story[bool]:
    """The number of another card: it is called lost, or kept back, until the visit has the right one. Whether it was
    entered."""
    answer = yield from people.order("issue", actor, visit=guest.visit, card=other)
    if not answer["ok"]:
        return False
    people.did("issues_wrong")
    yield Wait(10 * SECOND)
    if guest.number % 2:
        yield from people.order("lost", actor, visit=guest.visit, reason="wrong_card")
    else:
        yield from people.order("quarantine", actor, card=other, reason="wrong_card")
    return True


def take_back(people: People) -> Story[None]:
    """The desk where cards come back."""
    actor, line = "officer-return", people.returns
    numbers = {uid: number for number, uid in people.hall.stock}
    while True:
        yield Wait(None, lambda: line.guests, (line.bell,))
        guest = line.guests.popleft()
        number, uid = numbers[guest.card], guest.card
        if (yield from _returned(people, guest, number, actor)):
            people.tray.append((number, uid))
            people.bells.tray.ring()
        else:
            people.odd_cards.append((number, uid))
        guest.card = ""
        guest.done.ring()


def _returned(people: People, guest: Visitor, number: str, actor: str) -> Story[bool]:
    """Whether the card is in stock again."""

    def back() -> Story[Mapping[str, Any] | None]:
        cards = yield from people.show("cards", actor, card=number)
        return {"lockers": []} if cards and cards[0]["state"] != "issued" else None

    collected = guest.locker is None
    desk = people.desk_reader()
    yield from desk.turns.take()
    people.hall.tap(desk.name, guest.card, TAP_MS)
    yield Wait(READ_MS)
    answer = yield from people.order("return", actor, back, reader=desk.name, collected=collected)
    yield Wait(FORGET_MS)
    desk.turns.give()
    tries = 0
    while not answer["ok"] and tries < 4:
        tries += 1
        match answer["error"]["code"]:
            case "no_card" | "unknown_card":
                people.did("types_the_number")
            case "still_inside":
                yield from people.call_guard(guest, "count", 5 * MINUTE)
            case "not_issued" | "bad_arguments":
                return (yield from _clear(people, number, actor))
            case _:
                yield Wait(LOOK_AGAIN_MS)
        answer = yield from people.order("return", actor, back, card=number, collected=collected)
    if answer["ok"]:
        left = answer["result"].get("lockers")
        if left:  # one that somebody broke open stays theirs until a guard has looked
            tasks = yield from people.show("tasks", actor)
            forced = {task.get("locker") for task in tasks if task["reason"] == "forced"}
            left = [locker for locker in left if locker not in forced]
        lockers = [f"locker-{number}" for bank in people.banks.values() for number in bank.lockers]
        mixed = people.odd or guest.card != guest.own_card or guest.habits or guest.number == 0
        people.expects(
            not left or mixed or not people.calm(*people.banks, *lockers),
            f"{guest.visit} left nothing behind, and was told of lockers {left}",
        )
    return (yield from _in_stock(people, number, actor))


def _in_stock(people: People, number: str, actor: str) -> Story[bool]:
    cards = yield from people.show("cards", actor, card=number)
    return bool(cards) and cards[0]["state"] == "stock"


def _clear(people: People, number: str, actor: str) -> Story[bool]:
    """A card that was lost or kept back has come to the desk."""
    people.did("clears_a_card")
    yield from people.order("clear", actor, card=number, reason="found")
    return (yield from _in_stock(people, number, actor))

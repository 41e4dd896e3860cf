"""The officers' part of a day: opening, counters, search, the desk where cards come back, closing.

They know what a real officer knows (who stands before them, what the desk's page answers), and do everything by asking
the hall as `besuk desk` does. Cards are things: an officer takes one from the tray and lays it on the desk reader.
Whoever is cut off in the middle of a request looks at the page before going on.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sim.agents import Story, Wait
from sim.crowd import Visitor
from sim.hands import TAP_MS
from sim.people import MINUTE, SECOND, Counter, People

HEAD = "officer-head"
COME_MS = 20 * SECOND
"""So long a counter waits for whom it has called."""
LOOK_AGAIN_MS = MINUTE
"""An officer with nobody to serve looks at the page so often, even when no new ticket was given."""
FORGET_MS = 1_500
"""After lifting a card from the desk reader: so long the hall may still take it for the next one's."""
READ_MS = 700
"""From laying a card on the desk reader to asking for it by that reader."""
CARD_MS = 5 * MINUTE
"""An officer without a card to give looks into the tray so often."""
LAST_MS = 3 * 60 * MINUTE
"""So long the hall is kept open for those who still want in."""
SETTLE_MS = 2 * SECOND
WIND_UP_MS = 2 * MINUTE
LAST_ROUNDS = 15
"""So many rounds the guards have for what is still to be done."""
OPENS_MS = 11 * SECOND
"""A locker that sticks is tried three times within ten seconds."""
HANDS_MS = 6 * SECOND
"""To take out of an open locker what is in it."""
PUT_OFFS = 2
"""So often a guest puts up with being sent back to wait."""
WIND_UPS = 4
"""After so many rounds what is still unresolved is signed off."""

Happened = Callable[[], Story[Mapping[str, Any] | None]]


def begin_work(people: People) -> None:
    """Everybody takes their place."""
    for counter in people.counters.values():
        people.agents.begin(serve(people, counter))
    for number in range(people.habits.searchers):
        people.agents.begin(search(people, f"officer-search-{number + 1}"))
    people.agents.begin(take_back(people))


# -- the day


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
        if answer["ok"] or answer["error"]["code"] == "is_closed":
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
            people.odd, people.miscount = False, 0
        if rounds >= WIND_UPS:
            people.did("closes_with_an_exception")
            yield from people.order("close", HEAD, exception="left_over")
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


# -- a counter


def serve(people: People, counter: Counter) -> Story[None]:
    """One counter: call, identify, bind, give a card; and the next one, please."""
    actor = f"officer-{counter.name}"
    while True:
        known = people.queued
        if people.whim(counter.whims, "asks_wrongly"):
            yield from _ask_wrongly(people, counter, actor)
        ticket = yield from _call(people, counter, actor)
        if ticket is None:
            more = people.more_tickets_than(known)
            yield Wait(
                None if people.closing and not counter.guest else LOOK_AGAIN_MS,
                lambda more=more: more() or counter.guest,  # type: ignore[misc]
                (people.bells.queue, counter.bell),
            )
            continue
        if (yield from _awaited(people, counter, ticket, actor)):
            guest = counter.guest
            assert guest is not None
            yield from _register(people, counter, guest, ticket, actor)
            counter.leave(guest)
        else:
            people.did("misses_a_number")
            yield from people.order("miss", actor, _not_serving(people, counter, ticket), counter=counter.name)
        people.voices.pop(ticket, None)


def _not_serving(people: People, counter: Counter, ticket: str) -> Happened:
    def happened() -> Story[Mapping[str, Any] | None]:
        serving = (yield from people.show("hall", f"officer-{counter.name}"))["serving"]
        return {} if serving.get(counter.name) != ticket else None

    return happened


def _call(people: People, counter: Counter, actor: str) -> Story[str | None]:
    """The next number: of whoever stands here and was missed, of whoever was put aside, or as the rules say."""

    def called() -> Story[Mapping[str, Any] | None]:
        ticket = (yield from people.show("hall", actor))["serving"].get(counter.name)
        return {"ticket": ticket} if ticket else None

    named: dict[str, Any] = {}
    guest = counter.guest
    if guest is not None:
        named = {"ticket": guest.ticket}
    elif counter.parked and counter.parked[0][0] <= people.hall.clock.now():
        named = {"ticket": counter.parked.popleft()[1]}
    elif people.whim(counter.whims, "calls_out_of_order"):
        waiting = yield from people.show("tickets", actor, state="waiting")
        if len(waiting) > 1:
            people.did("calls_out_of_order")
            named = {"ticket": counter.whims.choice(waiting[1:])["ticket"], "reason": "cannot_wait"}
    answer = yield from people.order("call", actor, called, counter=counter.name, **named)
    if not answer["ok"] and answer["error"]["code"] == "counter_busy":
        busy = yield from called()
        answer = {"ok": True, "result": busy} if busy else answer
    if answer["ok"]:
        ticket: str = answer["result"]["ticket"]
        return ticket
    if guest is not None:  # their number is not to be called now
        people.did("sends_somebody_back_to_wait")
        _tell(guest, "wait")
        counter.leave(guest)
    return None


def _awaited(people: People, counter: Counter, ticket: str, actor: str) -> Story[bool]:
    """Whether the one who was called comes; called again a few times, and in the end aloud."""

    def here() -> bool:
        return counter.guest is not None and counter.guest.ticket == ticket

    def somebody() -> bool:
        return counter.guest is not None

    for round_ in range(people.config.queue.recalls + 1):
        if round_ > 1:
            people.voices[ticket] = counter.name
            people.bells.voice.ring()
            people.did("calls_aloud")
        while (yield Wait(COME_MS, somebody, (counter.bell,))) and not here():
            assert counter.guest is not None
            _tell(counter.guest, "wait")  # it was somebody else's number
            counter.leave(counter.guest)
        if here():
            return True
        answer = yield from people.order("recall", actor, counter=counter.name)
        if not answer["ok"]:
            break
    return here()


def _tell(guest: Visitor, what: str) -> None:
    guest.told = what
    guest.done.ring()


def _register(people: People, counter: Counter, guest: Visitor, ticket: str, actor: str) -> Story[None]:
    yield Wait(guest.takes(people.habits.identify_ms))
    if (yield from _put_off(people, counter, guest, ticket, actor)):
        return
    bound = yield from _bind(people, counter, guest, ticket, actor)
    if not bound:
        _tell(guest, "wait")
        return
    guest.visit = bound
    while not people.tray:
        people.figures.cards_awaited += 1
        yield Wait(CARD_MS, lambda: people.tray or people.closing, (people.bells.tray, people.bells.closing))
        if people.closing:
            _tell(guest, "home")
            return
    yield from _give_card(people, counter, guest, actor)


def _put_off(people: People, counter: Counter, guest: Visitor, ticket: str, actor: str) -> Story[bool]:
    """Whether the guest is not to become a visit now: papers are missing, it is for another counter, or a question."""
    gone = _not_serving(people, counter, ticket)
    patient = guest.put_off < PUT_OFFS
    if guest.is_one_who("only_asks"):
        people.did("only_asks")
        yield from people.order("serve", actor, gone, counter=counter.name)
        _tell(guest, "home")
        return True
    if patient and people.whim(counter.whims, "parks"):
        people.did("parks")
        guest.put_off += 1
        answer = yield from people.order("park", actor, gone, ticket=ticket)
        if answer["ok"]:
            at = people.hall.clock.now() + counter.whims.randint(MINUTE, 3 * MINUTE)
            counter.parked.append((at, ticket))
            _tell(guest, "wait")
            return True
    others = [name for name in people.counters if name != counter.name]
    if patient and others and people.whim(counter.whims, "transfers"):
        people.did("transfers")
        guest.put_off += 1
        to = counter.whims.choice(others)
        answer = yield from people.order("transfer", actor, gone, ticket=ticket, counter=to)
        if answer["ok"]:
            people.queued += 1
            people.bells.queue.ring()  # they call it over to the other counter
            _tell(guest, "wait")
            return True
    return False


def _bind(people: People, counter: Counter, guest: Visitor, ticket: str, actor: str) -> Story[str]:
    """The guest's visit; empty when there is none to be had."""
    party: dict[str, Any] = {"adults": guest.adults, "children": guest.children, "carried": guest.carried}
    if guest.put_off < PUT_OFFS and people.whim(counter.whims, "binds_wrong"):
        people.did("binds_wrong")
        guest.put_off += 1
        alone = {"adults": 1, "children": 0, "carried": 0}
        wrong: dict[str, Any] = alone if guest.walkers > 1 else party | {"children": 1}
        answer = yield from people.order("bind", actor, _bound(people, ticket, actor), ticket=ticket, **wrong)
        if answer["ok"]:  # nothing takes that back: a new number, called at once and with the reason
            of_class: dict[str, Any] = {"class": guest.letter}
            again = yield from people.order("ticket", actor, **of_class)
            if not again["ok"]:
                return ""
            guest.ticket = ticket = again["result"]["ticket"]
            called = yield from people.order(
                "call", actor, counter=counter.name, ticket=ticket, reason="bound_wrongly"
            )
            if not called["ok"] and called["error"]["code"] != "counter_busy":
                return ""
    bound = yield from people.must("bind", actor, _bound(people, ticket, actor), ticket=ticket, **party)
    return bound["visit"] if bound else ""


def _bound(people: People, ticket: str, actor: str) -> Happened:
    def happened() -> Story[Mapping[str, Any] | None]:
        visits = yield from people.show("visits", actor, ticket=ticket)
        return {"visit": visits[0]["visit"]} if visits else None

    return happened


# -- cards


def _give_card(people: People, counter: Counter, guest: Visitor, actor: str) -> Story[None]:
    """A card from the tray, laid on the desk reader; its number is typed where the reader is of no use."""

    def holds() -> Story[Mapping[str, Any] | None]:
        visits = yield from people.show("visits", actor, visit=guest.visit)
        return {"number": visits[0]["card"]} if visits and visits[0]["card"] else None

    number, uid = people.tray.popleft()
    wrong = ""
    if people.tray and people.whim(counter.whims, "issues_wrong"):
        wrong_card = people.tray.popleft()
        people.odd_cards.append(wrong_card)  # until it is in stock again
        wrong = wrong_card[0] if (yield from _issue_wrongly(people, guest, wrong_card[0], actor)) else ""
    desk = people.desk_reader()
    yield from desk.turns.take()
    people.hall.tap(desk.name, uid, TAP_MS)
    yield Wait(READ_MS)
    answer = yield from people.order("issue", actor, holds, visit=guest.visit, reader=desk.name)
    if not answer["ok"] and answer["error"]["code"] in ("no_card", "unknown_card"):
        people.did("types_the_number")
        answer = yield from people.order("issue", actor, holds, visit=guest.visit, card=number)
    if wrong:
        yield from _clear(people, wrong, actor)
    yield Wait(FORGET_MS)
    desk.turns.give()
    if not answer["ok"]:
        people.did(f"refused_{answer['error']['code']}")
        people.expects(not people.calm(desk.name), f"card {number} could not be issued: {answer['error']}")
        people.odd_cards.append((number, uid))
        _tell(guest, "home")
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
    """The number of another card: it is called lost, until the visit has the right one. Whether it was entered."""
    answer = yield from people.order("issue", actor, visit=guest.visit, card=other)
    if not answer["ok"]:
        return False
    people.did("issues_wrong")
    yield Wait(10 * SECOND)
    yield from people.order("lost", actor, visit=guest.visit, reason="wrong_card")
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
        mixed = people.odd or guest.card != guest.own_card or guest.habits or guest.number == 0
        people.expects(
            not left or mixed or not people.calm(), f"{guest.visit} left nothing behind, and was told of lockers {left}"
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


# -- the search


def search(people: People, actor: str) -> Story[None]:
    """Body and belongings of whoever is next."""
    line = people.search

    def passed(guest: Visitor) -> Happened:
        def happened() -> Story[Mapping[str, Any] | None]:
            visits = yield from people.show("visits", actor, visit=guest.visit)
            return {} if visits and visits[0]["search"] == "passed" else None

        return happened

    while True:
        yield Wait(None, lambda: line.guests, (line.bell,))
        if not line.guests:
            continue
        guest = line.guests.popleft()
        for _ in range(guest.adults + guest.children):
            yield Wait(guest.takes(people.habits.search_ms))
        if people.whim(guest.whims, "search_refused"):
            people.did("search_refused")
            yield from people.order("search", actor, visit=guest.visit, result="refused", reason="phone_found")
            yield Wait(30 * SECOND)
        done = yield from people.must("search", actor, passed(guest), visit=guest.visit, result="passed")
        guest.searched = done is not None
        if not guest.searched:
            guest.told = "again"
        guest.done.ring()


# -- mistakes

NONSENSE: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("call", {"counter": "99"}),
    ("call", {}),
    ("bind", {"ticket": "Z-999", "adults": 1}),
    ("bind", {"ticket": "A-001", "adults": -1}),
    ("issue", {"visit": "V-999999", "card": "999"}),
    ("return", {"card": "999", "collected": "perhaps"}),
    ("search", {"visit": "V-000001", "result": "maybe"}),
    ("release", {"locker": 1000, "reason": "Because"}),
    ("recount", {"present": {"V-999999": 1}, "reason": "wrong_visit"}),
    ("open_sesame", {}),
)
"""What officers ask by mistake, and what nobody may be given."""


def _ask_wrongly(people: People, counter: Counter, actor: str) -> Story[None]:
    action, args = counter.whims.choice(NONSENSE)
    people.did("asks_wrongly")
    answer = yield from people.ask(action, actor, **args)
    people.expects(not answer["ok"], f"{action} {dict(args)} makes no sense, and was done: {answer}")

"""The officers' part of a day between opening and closing: counters, and the search.

They know what a real officer knows (who stands before them, what the desk's page answers), and do everything by asking
the hall as `besuk desk` does. Whoever is cut off in the middle of a request looks at the page before going on.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

from sim.durations import MINUTE, SECOND
from sim.people.agents import Story, Wait
from sim.people.card_desk import give_card, take_back
from sim.people.crowd import Visitor
from sim.people.everybody import People
from sim.people.places import Counter

COME_MS = 20 * SECOND
"""So long a counter waits for whom it has called."""
LOOK_AGAIN_MS = MINUTE
"""An officer with nobody to serve looks at the page so often, even when no new ticket was given."""
CARD_MS = 5 * MINUTE
"""An officer without a card to give looks into the tray so often."""
PUT_OFFS = 2
"""So often a guest puts up with being sent back to wait."""

Happened = Callable[[], Story[Mapping[str, Any] | None]]


def begin_work(people: People) -> None:
    """Everybody takes their place."""
    for counter in people.counters.values():
        people.agents.begin(serve(people, counter))
    for number in range(people.habits.searchers):
        people.agents.begin(search(people, f"officer-search-{number + 1}"))
    people.agents.begin(take_back(people))


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
            named = {"ticket": counter.whims.choice(waiting[1:])["ticket"]}
            answer = yield from people.ask_once("call", actor, counter=counter.name, **named)
            if answer["ok"]:  # they were the next by now
                return str(answer["result"]["ticket"])
            named["reason"] = "cannot_wait"
    answer = yield from people.order("call", actor, called, counter=counter.name, **named)
    if not answer["ok"] and answer["error"]["code"] == "counter_busy":
        busy = yield from called()
        answer = {"ok": True, "result": busy} if busy else answer
    if answer["ok"]:
        ticket: str = answer["result"]["ticket"]
        return ticket
    if guest is not None:  # their number is not to be called now
        people.did("sends_somebody_back_to_wait")
        guest.hear("wait")
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
            counter.guest.hear("wait")  # it was somebody else's number
            counter.leave(counter.guest)
        if here():
            return True
        answer = yield from people.order("recall", actor, counter=counter.name)
        if not answer["ok"]:
            break
    return here()


def _register(people: People, counter: Counter, guest: Visitor, ticket: str, actor: str) -> Story[None]:
    yield Wait(guest.takes(people.habits.identify_ms))
    if (yield from _put_off(people, counter, guest, ticket, actor)):
        return
    bound = yield from _bind(people, counter, guest, ticket, actor)
    if not bound:
        guest.hear("wait")
        return
    guest.visit = bound
    while not people.tray:
        people.figures.cards_awaited += 1
        yield Wait(CARD_MS, lambda: people.tray or people.closing, (people.bells.tray, people.bells.closing))
        if people.closing:
            guest.hear("home")
            return
    yield from give_card(people, counter, guest, actor)


def _put_off(people: People, counter: Counter, guest: Visitor, ticket: str, actor: str) -> Story[bool]:
    """Whether the guest is not to become a visit now: papers are missing, it is for another counter, or a question."""
    gone = _not_serving(people, counter, ticket)
    patient = guest.put_off < PUT_OFFS
    if guest.is_one_who("only_asks"):
        people.did("only_asks")
        yield from people.order("serve", actor, gone, counter=counter.name)
        guest.hear("home")
        return True
    if patient and people.whim(counter.whims, "parks"):
        people.did("parks")
        guest.put_off += 1
        answer = yield from people.order("park", actor, gone, ticket=ticket)
        if answer["ok"]:
            at = people.hall.clock.now() + counter.whims.randint(MINUTE, 3 * MINUTE)
            counter.parked.append((at, ticket))
            guest.hear("wait")
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
            guest.hear("wait")
            return True
    return False


def _bind(people: People, counter: Counter, guest: Visitor, ticket: str, actor: str) -> Story[str]:
    """The guest's visit; empty when there is none to be had."""
    party: dict[str, Any] = {"adults": guest.adults, "children": guest.children, "carried": guest.carried}
    if people.whim(random.Random(f"party {guest.number} of {people.seed}"), "asks_wrongly"):
        most = people.config.visits.party_most
        answer = yield from people.ask_once("bind", actor, ticket=ticket, adults=most + 1)
        people.expects(not answer["ok"], f"a party of {most + 1} makes no sense, and was bound: {answer}")
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
            if guest.is_one_who("tries_anyway"):
                guest.hear("refused")
                continue
            yield Wait(30 * SECOND)
        ask = people.must if guest.card == guest.own_card else people.order  # mixed-up cards may have ended their visit
        answer = yield from ask("search", actor, passed(guest), visit=guest.visit, result="passed")
        guest.searched = answer is not None and answer.get("ok", True)
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

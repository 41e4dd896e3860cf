"""The officers' part of a day: opening, counters, search, the desk where cards come back, closing.

They know what a real officer knows (who stands before them, what the desk's page answers), and do everything by asking
the hall as `besuk desk` does. Cards are things: an officer takes one from the tray and lays it on the desk reader.
"""

from collections.abc import Sequence

from sim.agents import Story, Wait
from sim.people import MINUTE, SECOND, Counter, People, Visitor
from sim.visitors import TAP_MS

HEAD = "officer-head"
SEARCHERS = 2
COME_MS = 20 * SECOND
"""So long a counter waits for whom it has called."""
LOOK_AGAIN_MS = MINUTE
"""An officer with nobody to serve looks at the page so often, even when no new ticket was given."""
FORGET_MS = 1_500
"""After lifting a card from the desk reader: so long the hall may still take it for the next one's."""
READ_MS = 700
"""From laying a card on the desk reader to asking for it by that reader."""


def begin_work(people: People) -> None:
    """Everybody takes their place."""
    for counter in people.counters.values():
        people.agents.begin(serve(people, counter))
    for number in range(SEARCHERS):
        people.agents.begin(search(people, f"officer-search-{number + 1}"))
    people.agents.begin(take_back(people))


def open_hall(people: People, stock: Sequence[tuple[str, str]], booked: Sequence[Visitor]) -> Story[None]:
    """The session is opened, the bookings of the day are entered, new cards are enrolled."""
    day = (yield from people.must("open", HEAD))["day"]
    for who in booked:
        party = {"class": who.letter, "adults": who.adults, "children": who.children}
        yield from people.must("book", HEAD, code=who.booking, date=day, **party)
    for number, uid in stock:
        yield from people.must("enrol", HEAD, number=number, uid=uid)
        people.tray.append((number, uid))


def close_hall(people: People) -> Story[None]:
    """When everybody sits inside: nobody new, and closed for good when the last one has left."""
    yield Wait(seen=lambda: people.before_gate == 0)
    people.closing = True
    yield from people.must("close", HEAD)


def serve(people: People, counter: Counter) -> Story[None]:
    """One counter: call, identify, bind, give a card; and the next one, please."""
    actor = f"officer-{counter.name}"
    while True:
        known = people.queued
        answer = yield from people.ask("call", actor, counter=counter.name)
        if not answer["ok"]:
            yield Wait(None if people.closing else LOOK_AGAIN_MS, people.more_tickets_than(known))
            continue
        ticket: str = answer["result"]["ticket"]
        if (yield from _awaited(people, counter, actor)):
            assert counter.guest is not None
            yield from _register(people, counter.guest, ticket, actor)
            counter.guest = None
        else:
            yield from people.must("miss", actor, counter=counter.name)


def _awaited(people: People, counter: Counter, actor: str) -> Story[bool]:
    """Whether the one who was called comes; called again a few times."""
    for _ in range(people.config.queue.recalls + 1):
        if (yield Wait(COME_MS, lambda: counter.guest)):
            return True
        answer = yield from people.ask("recall", actor, counter=counter.name)
        if not answer["ok"]:
            break
    return counter.guest is not None


def _register(people: People, guest: Visitor, ticket: str, actor: str) -> Story[None]:
    yield Wait(guest.takes(people.habits.identify_ms))
    party = {"adults": guest.adults, "children": guest.children, "carried": guest.carried}
    bound = yield from people.must("bind", actor, ticket=ticket, **party)
    guest.visit = bound["visit"]
    if not people.tray:
        people.figures.cards_awaited += 1
        yield Wait(seen=lambda: people.tray)
    number, uid = people.tray.popleft()
    yield from people.stations.desk_reader.take()
    people.hall.tap(people.desk_reader, uid, TAP_MS)
    yield Wait(READ_MS)
    issued = yield from people.must("issue", actor, visit=guest.visit, reader=people.desk_reader)
    assert issued["number"] == number, f"card {number} was laid down, card {issued['number']} was issued"
    yield Wait(FORGET_MS)
    people.stations.desk_reader.give()
    guest.card = uid


def search(people: People, actor: str) -> Story[None]:
    """Body and belongings of whoever is next."""
    line = people.stations.search
    while True:
        yield Wait(seen=lambda: line)
        guest = line.popleft()
        for _ in range(guest.adults + guest.children):
            yield Wait(guest.takes(people.habits.search_ms))
        yield from people.must("search", actor, visit=guest.visit, result="passed")
        guest.searched = True


def take_back(people: People) -> Story[None]:
    """The desk where cards come back."""
    actor, line = "officer-return", people.stations.returns
    numbers = {uid: number for number, uid in people.hall.stock}
    while True:
        yield Wait(seen=lambda: line)
        guest = line.popleft()
        yield from people.stations.desk_reader.take()
        people.hall.tap(people.desk_reader, guest.card, TAP_MS)
        yield Wait(READ_MS)
        returned = yield from people.must("return", actor, reader=people.desk_reader, collected=True)
        assert not returned["lockers"], f"{guest.visit} left something in {returned['lockers']}"
        yield Wait(FORGET_MS)
        people.stations.desk_reader.give()
        people.tray.append((numbers[guest.card], guest.card))
        guest.card = ""

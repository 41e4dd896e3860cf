"""The journey of a visitor, told from the visitor's side: what they see, and what they do with their hands.

Take a number, be called, be searched, put the bag away, pass the arm, visit, and all of it back again. Whoever is
refused reads the sign, steps aside, and tries again. The one thing nobody here does is to push in.
"""

from collections.abc import Callable

from sim.agents import Story, Wait
from sim.hall import Direction
from sim.people import SECOND, People, Visitor

PRESS_MS = 300
TAP_MS = 600
STEP_ASIDE_MS = 400
"""From lifting the card to making room for the next one: two cards in one field are served to nobody."""
SLIP_MS = 3 * SECOND
DOOR_MS = 11 * SECOND
"""A locker that sticks is tried three times within ten seconds; so long one waits before one asks again."""
ARM_MS = 4 * SECOND
"""From one passage to the next the arm needs less than a second; then one is refused, or has missed the window."""


def visit(people: People, me: Visitor) -> Story[None]:
    """The whole of it."""
    people.expected -= 1
    people.figures.came += 1
    yield from _take_number(people, me)
    yield from _be_registered(people, me)
    yield from _be_searched(people, me)
    if me.bag:
        yield from _deposit(people, me)
    yield from _pass_arm(people, me, "in")
    people.figures.entered += 1
    yield Wait(me.stay_ms)
    yield from go_home(people, me)


def go_home(people: People, me: Visitor) -> Story[None]:
    """From wherever one is, with a card in one's hand."""
    if me.walkers:
        yield from _pass_arm(people, me, "out")
    if me.locker is not None:
        yield from _collect(people, me)
    yield from _return_card(people, me)
    people.figures.went += 1


def _take_number(people: People, me: Visitor) -> Story[None]:
    """From the button; or, with a booking or a right to go first, from the officer at the door."""
    classes = people.config.queue.classes
    if me.booking or classes[me.letter].priority:
        wants = {"booking": me.booking} if me.booking else {"class": me.letter}
        while not me.ticket:
            answer = yield from people.ask("ticket", "officer-door", **wants)
            if answer["ok"]:
                me.ticket = answer["result"]["ticket"]
            else:
                yield Wait(me.takes(people.habits.again_ms))
        return
    yield from people.stations.button.take()
    while not me.ticket:
        people.hall.contact(people.button, True)
        yield Wait(PRESS_MS)
        people.hall.contact(people.button, False)
        if (yield Wait(SLIP_MS, lambda: people.slip_waits)):
            me.ticket = people.slip()
        else:
            yield Wait(me.takes(people.habits.again_ms))
    people.stations.button.give()


def _be_registered(people: People, me: Visitor) -> Story[None]:
    """Wait for the number on the sign, go where it says, and stay until there is a card."""
    call = me.ticket + " "

    def called() -> str:
        return next((text for text in people.signs_read() if text.startswith(call)), "")

    while not me.card:
        yield Wait(seen=called)
        counter = people.counters[called().rsplit(maxsplit=1)[-1]]
        yield Wait(me.takes(people.habits.walk_ms))
        if counter.guest is None:
            counter.guest = me
            yield Wait(seen=lambda: me.card)
        else:
            yield Wait(me.takes(people.habits.again_ms))


def _be_searched(people: People, me: Visitor) -> Story[None]:
    yield Wait(me.takes(people.habits.walk_ms))
    people.stations.search.append(me)
    yield Wait(seen=lambda: me.searched)
    yield Wait(me.takes(people.habits.walk_ms))


def _deposit(people: People, me: Visitor) -> Story[None]:
    """Tap at the lockers, and put the bag into the one that springs open."""
    hall = people.hall
    while me.locker is None:
        yield from people.stations.locker_reader.take()
        shut = [number for number, locker in hall.lockers.items() if locker.door == "closed"]

        def opened(shut: list[int] = shut) -> int | None:
            return next((number for number in shut if hall.lockers[number].door == "open"), None)

        yield from _tap(people, people.locker_reader, me)
        yield Wait(DOOR_MS, opened)
        me.locker = opened()
        people.stations.locker_reader.give()
        if me.locker is None:
            yield Wait(me.takes(people.habits.again_ms))
    yield Wait(me.takes(people.habits.stow_ms))
    hall.door(me.locker, "closed", content=True)
    yield Wait(me.takes(people.habits.walk_ms))


def _collect(people: People, me: Visitor) -> Story[None]:
    """Tap at the lockers, and take the bag out of one's own."""
    assert me.locker is not None
    mine = people.hall.lockers[me.locker]
    yield Wait(me.takes(people.habits.walk_ms))
    while mine.door == "closed":
        yield from people.stations.locker_reader.take()
        yield from _tap(people, people.locker_reader, me)
        yield Wait(DOOR_MS, lambda: mine.door == "open")
        people.stations.locker_reader.give()
        if mine.door == "closed":
            yield Wait(me.takes(people.habits.again_ms))
    yield Wait(me.takes(people.habits.stow_ms))
    people.hall.door(me.locker, "closed", content=False)


def _pass_arm(people: People, me: Visitor, direction: Direction) -> Story[None]:
    """Tap once for the whole party, then push one after the other; tap again for those who are left.

    There is one line of those who want in: whoever is refused stays its first, and watches who comes out.
    """
    stations = people.stations
    reader = people.entry if direction == "in" else people.exit
    left = me.walkers
    if direction == "in":
        yield from stations.entrance.take()
    while left:
        yield from stations.arm.take()
        yield from _tap(people, reader, me)
        while left and (yield Wait(ARM_MS, lambda: people.arm_free(direction))):
            yield Wait(me.takes(people.habits.react_ms))
            carrying = me.carried if left == (me.walkers if direction == "in" else 1) else 0
            left -= yield from _push(people, me, direction, carrying)
        stations.arm.give()
        if left:
            yield Wait(me.takes(people.habits.again_ms), _somebody_leaves(people))
    if direction == "in":
        stations.entrance.give()


def _somebody_leaves(people: People) -> Callable[[], bool]:
    """Whether fewer are inside than now: to look for."""
    inside = people.hall.inside
    return lambda: people.hall.inside < inside


def _push(people: People, me: Visitor, direction: Direction, carrying: int) -> Story[bool]:
    through: list[bool] = []
    people.hall.push(
        people.lane, direction, through.append, carrying=carrying, duration_ms=me.takes(people.habits.through_ms)
    )
    if not through:
        yield Wait(seen=lambda: through)
    inside = people.hall.inside
    people.figures.inside_peak = max(people.figures.inside_peak, inside)
    return through[0]


def _return_card(people: People, me: Visitor) -> Story[None]:
    yield Wait(me.takes(people.habits.walk_ms))
    people.stations.returns.append(me)
    yield Wait(seen=lambda: not me.card)


def _tap(people: People, reader: str, me: Visitor) -> Story[None]:
    people.hall.tap(reader, me.card, TAP_MS)
    yield Wait(TAP_MS + STEP_ASIDE_MS)

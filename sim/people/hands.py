"""What visitors do with their hands at readers, doors and arms, as they should and as they should not.

A tap that goes wrong is followed by a proper one, so that whoever is impolite gets through all the same.
"""

from contextlib import suppress

from hal.clock import Millis
from sim.durations import SECOND
from sim.hall import Direction, HandRefused
from sim.people.agents import Story, Wait
from sim.people.crowd import Visitor
from sim.people.everybody import People
from sim.people.places import LanePlaces

TAP_MS: Millis = 600
STEP_ASIDE_MS: Millis = 400
"""From lifting the card to making room for the next one: two cards in one field are served to nobody."""
OPENS_MS: Millis = 3 * SECOND
"""A door that is going to open has done so by then."""
HAMMERS = 20
OWN_CARDS = ("3B5A1C77", "04D2E31A5B6C80", "A1B2C3D4")
"""UIDs of cards that people carry: a bank's, an identity card, a bus card."""
TURN_BACK_MS: Millis = 250
"""So soon somebody turns back who does: before the arm takes them along."""


def tap(people: People, me: Visitor, reader: str, station: str) -> Story[None]:
    """Hold the card to a reader, after whatever this visitor does wrong at this station first."""
    for habit in me.taps.pop(station, ()):
        people.did(habit)
        yield from _tap_wrongly(people, me, reader, habit)
        yield from shut_own_door(people, me)
    if me.card:
        people.hall.tap(reader, me.card, TAP_MS)
    yield Wait(TAP_MS + STEP_ASIDE_MS)


def _tap_wrongly(people: People, me: Visitor, reader: str, habit: str) -> Story[None]:
    hall, whims, uid = people.hall, me.whims, me.card
    match habit:
        case "withdraws":
            hall.tap(reader, uid, whims.randint(30, 80))
        case "taps_twice":
            hall.tap(reader, uid, TAP_MS)
            yield Wait(TAP_MS + STEP_ASIDE_MS)
            hall.tap(reader, uid, TAP_MS)
        case "hammers":
            for _ in range(HAMMERS):
                hall.tap(reader, uid, 50)
                yield Wait(100)
        case "wrong_reader":
            yield from tap_elsewhere(people, me, whims.choice(others(people, me, reader)))
        case "bank_card":
            hall.tap(reader, whims.choice(OWN_CARDS), TAP_MS)
        case "two_cards":
            hall.tap(reader, uid, TAP_MS)
            hall.tap(reader, whims.choice(OWN_CARDS), TAP_MS)
        case "friends_card":
            hall.tap(reader, uid, TAP_MS)
            waiting = [one.card for one in people.search.guests if one.card and one is not me]
            hall.tap(reader, whims.choice(waiting or list(OWN_CARDS)), TAP_MS)
        case "two_readers":
            yield from tap_elsewhere(people, me, whims.choice(others(people, me, reader)), (reader,))
        case "child_plays":
            for _ in range(whims.randint(4, 12)):
                ms = whims.randint(30, 900)
                hall.tap(reader, uid, ms)
                yield Wait(ms + whims.randint(50, 1_500))
    yield Wait(TAP_MS + STEP_ASIDE_MS + whims.randint(0, SECOND))


def tap_elsewhere(people: People, me: Visitor, reader: str, also: tuple[str, ...] = ()) -> Story[None]:
    """Tap at a reader that is not the right one now, and in the same moment at `also`; shut whatever opens there."""
    hall = people.hall
    bank = next((one for one in people.banks.values() if reader in one.readers), None)
    here = me.where in ("deposit", "collect")  # then one stands at the lockers already, and looks at their doors
    if bank is not None and not here and not (yield from bank.turns.take(SECOND * 60)):
        return
    shut = [number for number in bank.lockers if hall.lockers[number].door == "closed"] if bank is not None else []
    for one in (reader, *also):
        hall.tap(one, me.card, TAP_MS)
    yield Wait(TAP_MS + STEP_ASIDE_MS)
    if bank is None or here:
        return
    if (yield Wait(OPENS_MS, lambda: any(hall.lockers[number].door == "open" for number in shut))):
        people.did("shuts_what_opened")
        yield Wait(me.whims.randint(SECOND, 3 * SECOND))
        for number in shut:
            if hall.lockers[number].door == "open":
                people.opened_wrongly.add(number)
                door(people, number)
        yield Wait(me.whims.randint(*people.habits.walk_ms))
    bank.turns.give()


def others(people: People, me: Visitor, reader: str) -> list[str]:
    """Readers within reach, of this side of the gate, other than this one; itself where there is no other."""
    if me.inside:
        near = [name for lane in people.lanes.values() for name in lane.exits]
    else:
        near = [name for bank in people.banks.values() for name in bank.readers]
        near += [name for lane in people.lanes.values() for name in lane.entries]
    return [name for name in near if name != reader] or [reader]


def door(people: People, number: int, content: bool | None = None) -> bool:
    """Put something into a locker or take it out, and shut its door; False when somebody shut it before."""
    with suppress(HandRefused):
        people.hall.door(number, "closed", content=content)
        return True
    return False


def shut_own_door(people: People, me: Visitor) -> Story[None]:
    """Whoever sees their own locker spring open while they wanted something else shuts it again."""
    if me.locker is not None and not me.inside and people.hall.lockers[me.locker].door == "open":
        people.did("shuts_own_door")
        yield Wait(me.whims.randint(SECOND, 4 * SECOND))
        door(people, me.locker)
        yield Wait(me.whims.randint(*people.habits.walk_ms))


def push(people: People, me: Visitor, lane: LanePlaces, direction: Direction, *, force: bool = False) -> Story[bool]:
    """One person of the party through the arm; the first in carries the infants, and the last out."""
    carrying = me.carried - me.carried_inside if direction == "in" else 0
    if direction == "out" and me.inside == 1:
        carrying = me.carried_inside
    duration_ms = me.takes(people.habits.through_ms)
    if me.is_one_who("wheelchair"):
        people.did("wheelchair")
        gate = lane.side.get(direction)
        if gate is not None and not force:
            yield from _through_side_gate(people, me, gate, direction, carrying)
            return True
        duration_ms *= 3
    through: list[bool] = []
    if me.is_one_who("turns_back") and not force:
        me.habits -= {"turns_back"}
        people.did("turns_back")
        people.hall.push(lane.name, direction, through.append, carrying=carrying, duration_ms=duration_ms)
        yield Wait(TURN_BACK_MS)
        if not through:
            people.hall.arms[lane.name].turnstile.turn_back()
            yield Wait(seen=lambda: through)
    else:
        people.hall.push(
            lane.name, direction, through.append, carrying=carrying, force=force, duration_ms=duration_ms
        )
        if not through:
            yield Wait(seen=lambda: through)
    if through[0]:
        people.passed[lane.name] += 1
        people.odd = people.odd or people.stands_free(lane.name)
        count(people, me, direction, carrying)
    return through[0]


def _through_side_gate(people: People, me: Visitor, gate: str, direction: Direction, carrying: int) -> Story[None]:
    """The gate's contact opens while a wheelchair passes; nothing else in the hall knows of it."""
    people.did("side_gate")
    people.hall.contact(gate, True)
    people.hall.inside += (1 + carrying) * (1 if direction == "in" else -1)
    count(people, me, direction, carrying)
    yield Wait(2 * SECOND)
    people.hall.contact(gate, False)
    yield Wait(SECOND)


def count(people: People, me: Visitor, direction: Direction, carrying: int) -> None:
    """Somebody of the party is in, or out."""
    step = 1 if direction == "in" else -1
    me.inside += step
    me.carried_inside += step * carrying
    people.figures.inside_peak = max(people.figures.inside_peak, people.hall.inside)

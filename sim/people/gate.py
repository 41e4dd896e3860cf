"""How parties pass the arm, in and out: in line or not, on their own card or not, and in a fire.

One tap asks for the whole party, then they push one after the other, and tap again for those who are left. Whoever is
not let in stays the first in line and watches who comes out; whoever cannot get out asks a guard.
"""

from collections.abc import Callable

from hal.clock import Millis
from sim.durations import MINUTE, SECOND
from sim.hall import Direction
from sim.people.agents import Story, Wait
from sim.people.crowd import Visitor
from sim.people.everybody import Enough, People
from sim.people.hands import TAP_MS, push, shut_own_door, tap
from sim.people.places import LanePlaces

ARM_MS: Millis = 4 * SECOND
"""From one passage to the next the arm needs less than a second; then one is refused, or has missed the window."""
GRANT_MS: Millis = 2 * SECOND
"""So soon after a tap the arm is free for whoever may pass."""
WAY_OUT_MS: Millis = 10 * SECOND
"""A way out that somebody asked for is over by then."""
FREE_MS: Millis = 10 * MINUTE
"""So long one waits outside while the arm stands free for everybody: something is wrong, and a guard may know."""
FLEE_MS: Millis = 500
SPARE = 5
"""Places that have to be free before anybody insists that there is room: a count may be off by a few."""
TRIES = 3
"""So often one tries before asking a guard."""
LAST_TRIES = 8
"""So often even a guard has to be asked before the arm is opened with the key."""


def go_in(people: People, me: Visitor) -> Story[None]:
    """All of the party, or as many as can; nobody when they have to be searched again. Raises Enough for those who do
    not get in."""
    lane = people.shortest(one for one in people.lanes.values() if one.entries)
    me.where = "entry"
    until = people.hall.clock.now() + me.patience_ms
    _swap_cards(people, me)
    if not (yield from lane.entrance.take(me.patience_ms)):
        raise Enough
    try:
        yield from _let_others_go(people, me, lane)
        tries, here_since = 0, people.hall.clock.now()
        while me.inside < me.walkers:
            yield from _wait_for_quiet(people, me, lane, until)
            if not me.searched and not me.inside:
                return
            yield from _enter_once(people, me, lane, tries, here_since)
            tries += 1
            if me.inside < me.walkers and people.hall.clock.now() > until:
                if not me.inside:
                    people.did("gives_up_at_the_gate")
                    raise Enough
                people.did("goes_in_without_the_others")
                return
            if me.inside < me.walkers:
                yield Wait(me.takes(people.habits.again_ms), _somebody_leaves(people))
                if tries % TRIES == 0 and (me.inside or people.odd):
                    yield from people.call_guard(me, "count", 5 * MINUTE, lane.name)
    finally:
        lane.entrance.give()


def _wait_for_quiet(people: People, me: Visitor, lane: LanePlaces, until: Millis) -> Story[None]:
    """Outside one waits while the alarm sounds, while the arm stands free, and when told to."""
    while not me.inside:
        if people.closing:
            raise Enough
        left_ms = until - people.hall.clock.now()
        if left_ms <= 0:
            raise Enough
        if people.alarm:
            people.did("waits_outside_for_the_alarm_to_end")
            yield Wait(left_ms, lambda: not people.alarm, (people.bells.alarm, people.bells.closing))
        elif people.stands_free(lane.name) and not me.is_one_who("slips_in"):
            people.did("waits_outside_a_free_arm")
            if not (yield Wait(min(left_ms, FREE_MS), lambda: not people.stands_free(lane.name) or people.closing)):
                return
        else:
            if people.stands_free(lane.name):
                people.did("slips_in")
            return


def _enter_once(people: People, me: Visitor, lane: LanePlaces, tries: int, here_since: Millis) -> Story[None]:
    """One tap, and whoever it lets in."""
    if tries:
        yield from shut_own_door(people, me)  # it may be why they were refused
    if not (yield from lane.arm.take(5 * MINUTE)):
        return
    try:
        reader = lane.entries[tries % len(lane.entries)]
        expected = _may_expect(people, me, lane, reader)
        if people.well_for_ms(lane.name) < people.hall.clock.now() - here_since:
            expected = False  # its contacts may have shown somebody going in, with this right of way
        begun, begun_us = people.hall.clock.now(), people.hall.clock.now_us
        yield from tap(people, me, reader, "entry")
        if me.is_one_who("tries_anyway"):
            yield from _try_other_arms(people, me, lane)
        if people.reads("search") and not people.arm_free(lane.name, "in"):
            people.did("is_sent_to_be_searched_again")
            me.searched = False
            return
        first = True
        while me.inside < me.walkers and not people.alarm:
            free = yield Wait(ARM_MS, lambda: people.arm_free(lane.name, "in"))
            undisturbed = not people.cards_since(begun_us, reader) and not _way_out_since(people, lane, begun_us)
            undisturbed = undisturbed and not people.locked_down and not people.closing
            expected = expected and undisturbed and people.calm(reader, lane.name) and not people.in_arm(lane.name)
            if first and expected:
                told = f"{me.visit} of {me.walkers} with a passed search tapped alone at {reader}, there was room"
                _expect_free(people, lane, free and people.hall.clock.now() - begun <= GRANT_MS, told)
            first = False
            if not free:
                break
            yield Wait(_reacts(people, me))
            yield from push(people, me, lane, "in")
        if not me.inside and me.is_one_who("forces") and not people.alarm:
            me.habits -= {"forces"}
            people.did("forces")
            people.odd = True
            yield from push(people, me, lane, "in", force=True)
    finally:
        lane.arm.give()


def _try_other_arms(people: People, me: Visitor, lane: LanePlaces) -> Story[None]:
    """Perhaps another one lets them in sooner."""
    for reader in [name for one in people.lanes.values() if one is not lane for name in one.entries]:
        people.did("tries_anyway")
        people.hall.tap(reader, me.card, TAP_MS)
        yield Wait(TAP_MS)


def _expect_free(people: People, lane: LanePlaces, in_time: bool, told: str) -> None:
    """Of those for whom nothing is left that could excuse the hall; `told` says who they are and what they did."""
    people.expects(
        in_time,
        f"{told}, and the arm {lane.name} was not free within {GRANT_MS // SECOND} s; "
        f"the sign said {people.signs_read()}",
    )


def _reacts(people: People, me: Visitor) -> Millis:
    react_ms = me.takes(people.habits.react_ms)
    if me.is_one_who("slow"):
        people.did("slow")
        react_ms += me.whims.randint(SECOND, 6 * SECOND)
    return react_ms


def _may_expect(people: People, me: Visitor, lane: LanePlaces, reader: str) -> bool:
    """Whether nothing is left that could keep these out: they are searched, all of them outside, nobody else is on the
    way, there is room, and they are about to tap once and properly."""
    now_us = people.hall.clock.now_us
    others_on_their_way = any(len(one.arm) > (one is lane) for one in people.lanes.values())
    room = people.hall.inside + me.walkers + me.carried + SPARE <= people.config.capacity
    own_locker = me.locker is not None and me.sprang_open and not me.unsure_of_locker
    shut = me.locker is None or (own_locker and _surely_seen_shut(people, me.locker))  # not theirs: theirs may be open
    deposited = own_locker or not people.config.gate.deposit_required
    return (
        me.card == me.own_card and me.searched and me.inside == 0 and not me.taps.get("entry") and room and shut
        and deposited and not others_on_their_way and not people.cards_since(now_us, reader)
        and not _way_out_since(people, lane, now_us - WAY_OUT_MS * 1_000)
        and people.session and not people.closing and not people.locked_down
        and people.calm(reader, lane.name) and not people.stands_free(lane.name)
        and not people.in_arm(lane.name) and people.hall.arms[lane.name].turnstile.state == "locked"
    )  # fmt: skip


def _surely_seen_shut(people: People, locker: int) -> bool:
    """Whether a locker is shut, and nothing kept the program from seeing so."""
    bank = next(name for name, one in people.banks.items() if locker in one.lockers)
    return people.hall.lockers[locker].door == "closed" and people.calm(bank, f"locker-{locker}")


def _way_out_since(people: People, lane: LanePlaces, since_us: int) -> bool:
    """Whether anybody asked for a way out, which comes first: with a card, even a stray one, or by the button."""
    pressed_us = [people.hall.moved_us.get(f"contact {button}", -1) for button in lane.buttons]
    return people.cards_since(since_us, *lane.exits) or any(us >= since_us for us in pressed_us)


def _somebody_leaves(people: People) -> Callable[[], bool]:
    """Whether fewer are inside than now: to look for."""
    inside = people.hall.inside
    return lambda: people.hall.inside < inside


def _let_others_go(people: People, me: Visitor, lane: LanePlaces) -> Story[None]:
    """Step back to the end of the line, a few times: two of this kind wait for each other."""
    for _ in range(3 if me.is_one_who("lets_others_go") else 0):
        if len(lane.entrance) > 1:
            people.did("lets_others_go")
            lane.entrance.give()
            yield Wait(me.whims.randint(SECOND, 3 * SECOND))
            yield from lane.entrance.take()


def _swap_cards(people: People, me: Visitor) -> None:
    """Mix up the card with somebody else's who waits for the gate, and go in on it."""
    if me.is_one_who("swaps_cards"):
        others = [
            one for one in people.crowd.values()
            if one is not me and one.where == "entry" and one.card and not one.inside and one.card == one.own_card
        ]  # fmt: skip
        if others:
            people.did("swaps_cards")
            people.odd = True
            other = me.whims.choice(others)
            me.card, other.card = other.card, me.card


def tailgate(people: People, me: Visitor) -> Story[None]:
    """Go in on somebody else's card: push when the arm is free for the next of theirs, or by force behind the last of
    them; or past somebody who comes out."""
    lane = people.shortest(one for one in people.lanes.values() if one.entries)
    manner = me.whims.choice(("among", "behind", "past"))

    def free_for_another() -> bool:
        way: Direction = "out" if manner == "past" else "in"
        return len(lane.arm) > 0 and people.arm_free(lane.name, way) and not people.stands_free(lane.name)

    def gone_through() -> bool:
        return not people.in_arm(lane.name) and not people.arm_free(lane.name, "in")

    if (yield Wait(2 * MINUTE, free_for_another)):
        if manner == "behind":
            yield Wait(ARM_MS, lambda: people.in_arm(lane.name))
            yield Wait(ARM_MS, gone_through)
        else:
            yield Wait(me.whims.randint(0, 300))
        people.did("tailgates")
        people.did(f"tailgates_{manner}")
        people.odd = True
        yield from push(people, me, lane, "in", force=manner != "among")


def go_out(people: People, me: Visitor) -> Story[None]:
    """All who are inside. Nobody is kept in: not by a dead reader, not by a program that is not there."""
    tries = 0
    me.where = "exit"
    while me.inside:
        if people.alarm:
            yield from flee(people, me)
            continue
        ways = [one for one in people.lanes.values() if one.exits]
        lane = people.shortest(ways)
        yield from lane.arm.take()
        try:
            yield from _leave_once(people, me, lane, tries)
        finally:
            lane.arm.give()
        tries += 1
        if me.inside and not people.alarm:
            yield Wait(me.takes(people.habits.again_ms), lambda: people.alarm, (people.bells.alarm,))
            if tries >= TRIES and me.inside:
                yield from people.call_guard(me, "exit", 5 * MINUTE, lane.name)
            if tries >= LAST_TRIES and me.inside:
                people.did("let_out_with_the_key")
                people.odd = True
                yield from push(people, me, lane, "out", force=True)


def _leave_once(people: People, me: Visitor, lane: LanePlaces, tries: int) -> Story[None]:
    reader = lane.exits[tries % len(lane.exits)]
    quiet = (
        not me.taps.get("exit") and me.card == me.own_card and people.calm(reader, lane.name) and tries == 0
        and people.hall.arms[lane.name].turnstile.state == "locked" and not people.in_arm(lane.name)
    )  # fmt: skip
    begun = people.hall.clock.now()
    yield from tap(people, me, reader, "exit")
    first = True
    while me.inside and not people.alarm:
        free = yield Wait(ARM_MS, lambda: people.arm_free(lane.name, "out"))
        if first and quiet and people.calm(reader, lane.name) and not people.in_arm(lane.name):
            told = f"{me.visit} tapped alone at {reader} to get out"
            _expect_free(people, lane, free and people.hall.clock.now() - begun <= GRANT_MS, told)
        first = False
        if not free:
            return
        yield Wait(_reacts(people, me))
        yield from push(people, me, lane, "out")


def flee(people: People, me: Visitor) -> Story[None]:
    """The alarm sounds: everybody to the nearest arm at once, without a card and without a line."""
    people.did("walks_out_at_the_alarm")
    lane = people.shortest(people.lanes.values())
    while me.inside and people.alarm:
        if not (yield from push(people, me, lane, "out")):
            yield Wait(FLEE_MS)

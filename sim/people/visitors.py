"""The journey of a visitor, told from the visitor's side: what they see, and what they do with their hands.

Take a number, be called, be searched, put the bag away, pass the arm, visit, and all of it back again. Whoever is
refused reads the sign, steps aside, and tries again. Whoever has tried for long asks for help, or goes home from
wherever they are: everybody who came goes home in the end.
"""

from sim.durations import MINUTE, SECOND
from sim.people.agents import Story, Wait
from sim.people.crowd import Visitor
from sim.people.everybody import Enough, People
from sim.people.gate import go_in, go_out, tailgate
from sim.people.hands import STEP_ASIDE_MS, TAP_MS, door, tap, tap_elsewhere
from sim.people.places import BankPlaces, Button, Counter

PRESS_MS = 300
SLIP_MS = 3 * SECOND
DOOR_MS = 11 * SECOND
"""A locker that sticks is tried three times within ten seconds; so long one waits before one asks again."""
IMPATIENT_MS = 3 * SECOND
LINGER_MS = 40 * MINUTE
PRESSES = 4
"""So often one presses the button before asking the officer at the door."""
ASK_MS = 15 * MINUTE
"""After so long without being called one asks at a counter."""
COUNTER_MS = 60 * MINUTE
TRIES = 3


def visit(people: People, me: Visitor) -> Story[None]:
    """The whole of it."""
    people.expected -= 1
    people.figures.came += 1
    people.crowd[me.number] = me
    try:
        yield from _to_seat(people, me)
    except Enough:
        people.figures.gave_up += 1
        people.did("goes_home_early")
        people.bells.home.ring()
    else:
        people.figures.entered += 1
        people.bells.home.ring()
        yield from _sit(people, me)
    yield from go_home(people, me)


def _to_seat(people: People, me: Visitor) -> Story[None]:
    yield from _take_number(people, me)
    if me.is_one_who("never_comes"):
        people.did("never_comes")
        raise Enough
    yield from _be_registered(people, me)
    yield from _be_searched(people, me)
    if me.bag:
        yield from _deposit(people, me)
    if me.is_one_who("tailgates"):
        yield from tailgate(people, me)
    yield from go_in(people, me)
    while people.alarm or not me.inside:  # the alarm began to sound on their way in, or they are to be searched again
        yield from go_out(people, me)
        yield Wait(me.patience_ms, lambda: not people.alarm, (people.bells.alarm,))
        if not me.searched:
            yield from _be_searched(people, me)
        yield from go_in(people, me)


def _sit(people: People, me: Visitor) -> Story[None]:
    me.where = "inside"
    if me.is_one_who("overstays"):
        people.did("overstays")
    yield Wait(me.stay_ms, lambda: people.alarm, (people.bells.alarm,))


def go_home(people: People, me: Visitor) -> Story[None]:
    """From wherever one is, with or without a card in one's hand."""
    yield from go_out(people, me)
    if people.alarm:
        yield Wait(me.patience_ms, lambda: not people.alarm, (people.bells.alarm,))
    if me.locker is not None:
        yield from _collect(people, me)
    if me.card and me.is_one_who("tries_anyway") and not people.alarm:
        if me.whims.randrange(2):
            yield Wait(LINGER_MS, lambda: people.closing, (people.bells.closing,))
        me.where = "leaving"
        yield from _try_anyway(people, me)
    if me.card and me.is_one_who("keeps_card"):
        people.did("keeps_card")
        me.card = ""
    elif me.card:
        yield from _return_card(people, me)
    people.crowd.pop(me.number, None)
    people.figures.went += 1
    people.bells.home.ring()


# -- the number


def _take_number(people: People, me: Visitor) -> Story[None]:
    """From the button; or, with a booking or a right to go first, from the officer at the door."""
    me.where = "ticket"
    until = people.hall.clock.now() + me.patience_ms
    button = people.buttons.get(me.letter)
    if me.booking or people.config.queue.classes[me.letter].priority or button is None:
        yield from _ask_for_number(people, me, until)
        return
    if not (yield from button.turns.take(me.patience_ms)):
        raise Enough
    try:
        presses = 0
        while not me.ticket and presses < PRESSES:
            yield from _press(people, me, button)
            presses += 1
        yield Wait(STEP_ASIDE_MS)
    finally:
        button.turns.give()
    if not me.ticket:
        people.did("asks_for_a_number")
        yield from _ask_for_number(people, me, until)


def _press(people: People, me: Visitor, button: Button) -> Story[None]:
    expected = people.session and not people.closing and not people.locked_down and people.calm()
    times = 1
    if me.is_one_who("presses_more"):
        me.habits -= {"presses_more"}
        people.did("presses_more")
        times = me.whims.randint(2, 4)
    for _ in range(times):
        people.hall.contact(button.contact, True)
        yield Wait(PRESS_MS)
        people.hall.contact(button.contact, False)
        if times > 1:
            yield Wait(PRESS_MS)
    if (yield Wait(SLIP_MS, lambda: button.slips, (button.bell,))):
        me.ticket = button.slips.popleft()
        if times > 1:
            yield Wait(SLIP_MS)
            button.slips.clear()
        return
    people.expects(
        not (expected and people.session and not people.closing and not people.locked_down and people.calm()),
        f"the session is open, {button.contact} was pressed for {PRESS_MS} ms, and no slip came",
    )
    yield Wait(me.takes(people.habits.again_ms))


def _ask_for_number(people: People, me: Visitor, until: int) -> Story[None]:
    wants = {"booking": me.booking} if me.booking else {"class": me.letter}
    while not me.ticket:
        answer = yield from people.ask("ticket", "officer-door", **wants)
        if answer["ok"]:
            me.ticket = answer["result"]["ticket"]
        elif answer["error"]["code"] == "has_ticket":  # it was done, though nobody heard
            words = answer["error"]["message"].split()
            me.ticket = next((word for word in words if "-" in word), "")
            if not me.ticket:
                raise Enough
        else:
            if answer["error"]["code"] in ("unknown_booking", "other_day"):
                me.booking, wants = "", {"class": me.letter}
            if people.closing or people.hall.clock.now() > until:
                raise Enough
            yield Wait(me.takes(people.habits.again_ms))


# -- the counter


def _be_registered(people: People, me: Visitor) -> Story[None]:
    """Wait for the number on the sign, go where it says, and stay until there is a card."""
    call = me.ticket + " "
    me.where = "waiting"
    deaf = me.is_one_who("comes_late")

    def called() -> str:
        for text in people.signs_read():
            if text.startswith(call) and text.rsplit(maxsplit=1)[-1] in people.counters:
                return text.rsplit(maxsplit=1)[-1]
        return people.voices.get(me.ticket, "")

    eyes = people.bells
    while not me.card:
        if people.closing:
            raise Enough
        yield Wait(ASK_MS, lambda: people.closing or called(), (eyes.sign, eyes.voice, eyes.closing))
        counter = people.counters.get(called())
        if deaf and counter is not None:
            deaf = False
            people.did("comes_late")
            yield Wait(me.whims.randint(2 * MINUTE, 5 * MINUTE))
            counter = None
        if counter is None:
            free = [one for one in people.counters.values() if one.guest is None]
            if people.closing or not free:
                yield Wait(me.takes(people.habits.again_ms))
                continue
            people.did("asks_at_a_counter")
            counter = me.whims.choice(free)
        yield Wait(me.takes(people.habits.walk_ms))
        if counter.guest is None:
            yield from _stand_at(people, me, counter)
        if not me.card:
            yield Wait(me.takes(people.habits.again_ms))


def _stand_at(people: People, me: Visitor, counter: Counter) -> Story[None]:
    me.told = ""
    me.where = "counter"
    counter.guest = me
    counter.bell.ring()
    yield Wait(COUNTER_MS, lambda: me.card or me.told, (me.done,))
    counter.leave(me)
    me.where = "waiting"
    if me.told == "home":
        raise Enough


def _be_searched(people: People, me: Visitor) -> Story[None]:
    me.where = "search"
    yield Wait(me.takes(people.habits.walk_ms))
    if me.card and me.is_one_who("tries_anyway") and not people.alarm:
        yield from _try_anyway(people, me)
    while not me.searched:
        me.told = ""
        people.search.append(me)
        yield Wait(None, lambda: me.searched or me.told or people.closing, (me.done, people.bells.closing))
        if people.closing and not me.searched:
            if me in people.search.guests:
                people.search.guests.remove(me)
            else:
                yield Wait(None, lambda: me.searched or me.told, (me.done,))
            raise Enough
        if me.told == "home":
            raise Enough
        if me.told == "refused":
            yield from _try_anyway(people, me)
    yield Wait(me.takes(people.habits.walk_ms))


def _try_anyway(people: People, me: Visitor) -> Story[None]:
    """Once at each reader that one has no business at."""
    people.did("tries_anyway")
    readers = [name for lane in people.lanes.values() for name in lane.entries]
    readers += [name for bank in people.banks.values() for name in bank.readers]
    me.whims.shuffle(readers)
    for reader in readers:
        yield Wait(me.takes(people.habits.walk_ms))
        yield from tap_elsewhere(people, me, reader)


# -- the lockers


def _bank_of(people: People, locker: int) -> BankPlaces:
    return next(bank for bank in people.banks.values() if locker in bank.lockers)


def _deposit(people: People, me: Visitor) -> Story[None]:
    """Tap at the lockers, and put the bag into the one that springs open."""
    me.where = "deposit"
    until = people.hall.clock.now() + me.patience_ms
    tries = 0
    while me.locker is None:
        if people.closing or people.hall.clock.now() > until:
            people.did("gives_up_at_the_lockers")
            raise Enough
        with_reader = [bank for bank in people.banks.values() if bank.readers]
        with_reader.sort(key=lambda bank: len(bank.turns))
        bank = with_reader[tries // 2 % len(with_reader)]
        tries += 1
        if not (yield from bank.turns.take(me.patience_ms)):
            continue
        try:
            opened = yield from _open_one(people, me, bank, tries)
        finally:
            bank.turns.give()
        if opened is None:
            yield Wait(me.takes(people.habits.again_ms))
        else:
            me.locker = opened
    yield Wait(me.takes(people.habits.stow_ms))
    people.bags[me.locker] = me
    people.opened_wrongly.discard(me.locker)
    if me.is_one_who("leaves_door"):
        people.did("leaves_door")
        people.hall.door(me.locker, "open", content=True)
    elif not door(people, me.locker, content=True):
        people.did("finds_the_door_shut")  # somebody was quicker; the bag stays with them
        del people.bags[me.locker]
    yield Wait(me.takes(people.habits.walk_ms))


def _open_one(people: People, me: Visitor, bank: BankPlaces, tries: int) -> Story[int | None]:
    """One tap, and the door that it opens."""
    hall = people.hall
    shut = [number for number in bank.lockers if hall.lockers[number].door == "closed"]

    def opened() -> int | None:
        mine = (number for number in shut if number not in people.at_locker)
        return next((number for number in mine if hall.lockers[number].door == "open"), None)

    reader = bank.readers[tries % len(bank.readers)]
    wrong = "two_readers" in me.taps.get("deposit", ()) or "child_plays" in me.taps.get("deposit", ())
    expected = (
        tries == 1 and not me.taps.get("deposit") and me.card == me.own_card and people.session and not people.closing
        and not people.locked_down and any(_surely_free(people, number) for number in bank.lockers)
    )  # fmt: skip
    expected = expected and people.calm(reader, bank.name, *(f"locker-{number}" for number in bank.lockers))
    begun_us = hall.clock.now_us
    expected = expected and not people.cards_since(begun_us, reader)
    yield from tap(people, me, reader, "deposit")
    if me.card and me.is_one_who("impatient") and not (yield Wait(IMPATIENT_MS, opened)):
        people.did("impatient")
        hall.tap(reader, me.card, TAP_MS)
    yield Wait(DOOR_MS, opened)
    number = opened()
    forced = number is not None and hall.lockers[number].latch == "locked"  # somebody else's hands opened it
    me.sprang_open = not forced
    still_free = any(_surely_free(people, one) for one in bank.lockers)
    alone = not people.cards_since(begun_us, reader)
    me.unsure_of_locker = not alone
    if expected and (number is not None or still_free) and alone and people.calm(reader, bank.name):
        people.expects(
            number is not None or people.locked_down or people.closing,
            f"{me.visit} tapped alone at {reader} after a passed search, lockers are free, and none opened within "
            f"{DOOR_MS // SECOND} s; the sign said {people.signs_read()}",
        )
    if number is not None and hall.lockers[number].content:
        people.expects(
            wrong or forced or not alone or not people.calm(bank.name),
            f"locker {number} was given to {me.visit}, and somebody's bag is in it",
        )
        people.did("finds_a_bag_in_the_locker")
        yield Wait(SECOND)
        door(people, number)
        return None
    return number


def _surely_free(people: People, number: int) -> bool:
    """Empty, shut, in service, nobody's, and for so long that its last owner may not open it once more."""
    locker = people.hall.lockers[number]
    rested_us = people.hall.clock.now_us - people.hall.moved_us.get(f"locker {number}", 0)
    known = number in people.notices or number in people.opened_wrongly
    idle = locker.door == "closed" and not locker.content and not known
    if not idle or rested_us <= (people.config.lockers.collect_again + DOOR_MS) * 1_000:
        return False
    return all(me.locker != number for me in people.crowd.values())


def _collect(people: People, me: Visitor) -> Story[None]:
    """Tap at the lockers, and take the bag out of one's own."""
    assert me.locker is not None
    me.where = "collect"
    mine = people.hall.lockers[me.locker]
    bank = _bank_of(people, me.locker)
    if me.is_one_who("forgets_bag") and people.bags.get(me.locker) is me:
        people.did("forgets_bag")
        me.locker = None
        return
    yield Wait(me.takes(people.habits.walk_ms))
    tries = 0
    while mine.door == "closed" and me.locker is not None:
        yield from bank.turns.take()
        try:
            if bank.readers:
                reader = bank.readers[tries % len(bank.readers)]
                yield from tap(people, me, reader, "collect")
                waits = not me.is_one_who("impatient") or (yield Wait(IMPATIENT_MS, lambda: mine.door == "open"))
                if me.card and not waits:
                    people.did("impatient")
                    people.hall.tap(reader, me.card, TAP_MS)
                yield Wait(DOOR_MS, lambda: mine.door == "open")
        finally:
            bank.turns.give()
        tries += 1
        if mine.door == "closed":
            yield Wait(me.takes(people.habits.again_ms))
            if tries >= TRIES and (yield from people.call_guard(me, "locker", 10 * MINUTE)):
                break
    if me.locker is None or people.bags.get(me.locker) not in (me, None):
        return
    if not tries:  # it stood open: nobody's card tells the hall that the bag is taken out, so it stays theirs
        people.opened_wrongly.add(me.locker)
    yield Wait(me.takes(people.habits.stow_ms))
    if me.locker is None:  # a guard has handed them their bag meanwhile
        return
    people.bags.pop(me.locker, None)
    if me.is_one_who("leaves_door_at_end") and mine.door == "open":
        people.did("leaves_door_at_end")
        people.hall.door(me.locker, "open", content=False)
    elif not door(people, me.locker, content=False):
        people.did("finds_the_door_shut")
    me.locker = None


# -- the end


def _return_card(people: People, me: Visitor) -> Story[None]:
    me.where = "return"
    yield Wait(me.takes(people.habits.walk_ms))
    people.returns.append(me)
    yield Wait(None, lambda: not me.card, (me.done,))

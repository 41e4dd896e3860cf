"""The guards: they see the tasks that the program raises, go there, and help whoever asks.

A guard looks at the desk's page for tasks and at the hall for the truth: who is inside, whose bag is in a locker, which
door stands open. Nobody passes an arm while faces are counted. What a guard cannot resolve stays for the closing.
"""

import random
from collections.abc import Mapping
from typing import Any

from hal.clock import Millis
from sim.durations import MINUTE, SECOND
from sim.people.agents import Story, Wait
from sim.people.crowd import Visitor
from sim.people.everybody import People
from sim.people.hands import door, push
from sim.people.headcount import Headcount
from sim.people.lockdowns import lockdowns
from sim.people.places import Call, LanePlaces

ROUND_MS: Millis = MINUTE
"""A guard with nothing to do looks at the page so often."""
ARM_MS: Millis = 4 * SECOND
OPENS_MS: Millis = 11 * SECOND
PRESS_MS: Millis = 400
HELD_MS: Millis = 5 * MINUTE
"""Somebody who stands in the arm for so long is helped on."""
EMPTY_MS: Millis = 5 * MINUTE
"""So long a guard waits for the last ones to come out before putting the arm back."""
OUT_OF_SERVICE_MS: Millis = 10 * MINUTE
CARDS_MS: Millis = 5 * MINUTE
LATER = frozenset({"unresolved", "exit_reader_down", "door_unreadable"})
"""Tasks that end by themselves, when a device is well again or the last card has come back."""
COUNT_AGAIN = frozenset({
    "unmatched_exit", "two_cards_at_exit", "gate_forced", "tailgated", "reversed", "facts_lost", "journal_damaged",
})  # fmt: skip


def begin_guards(people: People, day_ms: Millis) -> None:
    """Everybody on duty, on a day in which visitors come for so long."""
    shared = Duty(people)
    people.guards = people.habits.guards
    for number in range(people.habits.guards):
        rng = random.Random(f"guard {number} of {people.seed}")
        people.agents.begin(Guard(shared, number, rng).watch())
    morning = random.Random(f"morning of {people.seed}")
    if people.habits.guards and people.whim(morning, "stood_open"):
        people.did("stood_open")
        full = morning.randrange(2) == 0
        people.hall.door(morning.choice(list(people.hall.lockers)), "forced", content=full)
    if people.habits.guards and people.habits.lockdowns:
        people.agents.begin(lockdowns(people, day_ms))


class Duty:
    """What the guards tell each other."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.taken: set[str] = set()
        """Tasks that one of them is about."""
        self.jams: dict[int, int] = {}
        """Locker -> how often it has jammed."""
        self.resting: dict[int, Millis] = {}
        """Locker that was taken out of service -> until when."""
        self.headcount = Headcount(people)
        self.resetting = False
        self.cards_at: Millis = 0
        self.in_arm: dict[str, Millis] = {}
        """Lane -> since when somebody was seen in its arm."""


class Guard:
    """One guard."""

    def __init__(self, duty: Duty, number: int, rng: random.Random) -> None:
        self.duty = duty
        self.people = duty.people
        self.hall = duty.people.hall
        self.rng = rng
        self.name = f"guard-{number + 1}"
        self.second = f"guard-{number + 2}"

    @property
    def now(self) -> Millis:
        return self.hall.clock.now()

    def watch(self) -> Story[None]:
        """A day's work."""
        people = self.people
        while not people.signed_off:
            yield Wait(ROUND_MS, lambda: people.calls, (people.bells.guard,))
            if people.calls:
                call = people.calls.popleft()
                yield Wait(self.rng.randint(*people.habits.come_ms))
                yield from self._help(call)
                continue
            if people.alarm:
                yield Wait(ROUND_MS, lambda: not people.alarm, (people.bells.alarm,))
                continue
            hall = yield from people.show("hall", self.name)
            yield from self._see_to_arms()
            if hall["mode"] == "emergency":
                yield from self._put_arms_back()
            elif hall["confidence"] == "suspect":
                yield Wait(self.rng.randint(*people.habits.come_ms))
                yield from self.duty.headcount.take("gap", self.name, self.rng)
            yield from self._see_to_tasks()
            yield from self._rounds()

    # -- tasks

    def _see_to_tasks(self) -> Story[None]:
        for task in (yield from self.people.show("tasks", self.name)):
            name, reason = task["task"], task["reason"]
            if name in self.duty.taken or self.people.alarm or self.people.calls:
                continue
            if reason in LATER and not self.people.closing:
                continue
            self.duty.taken.add(name)
            try:
                yield Wait(self.rng.randint(*self.people.habits.come_ms))
                yield from self._see_to(task)
            finally:
                self.duty.taken.discard(name)

    def _see_to(self, task: Mapping[str, Any]) -> Story[None]:
        reason: str = task["reason"]
        locker: int = task.get("locker", 0)
        self.people.did(f"sees_to_{reason}")
        if reason in COUNT_AGAIN:
            yield from self.duty.headcount.take("task", self.name, self.rng)
        elif reason == "jammed":
            yield from self._unjam(locker)
            return
        elif reason in ("forced", "found_open", "left_open"):
            self._shut(locker)
            yield Wait(3 * SECOND)
        elif reason in ("content_left", "not_collected", "still_owned"):
            if self._owner_is_here(locker) or (reason == "not_collected" and self._may_come_back(task["task"])):
                return
            yield from self._empty(locker)
        elif reason == "content_found":
            yield from self._open(locker, "inspect")
            self._take_out(locker)
        elif reason == "unresolved" or (reason in LATER and self.people.well_for_ms() == 0):
            return
        yield from self.people.order("resolve", self.name, task=task["task"], reason="seen_to")

    # -- lockers

    def _owner_is_here(self, locker: int) -> bool:
        return any(me.locker == locker for me in self.people.crowd.values())

    def _may_come_back(self, task: str) -> bool:
        """Whether a locker with a forgotten bag is left alone: decided once, and until a second task tells of it."""
        waits = self.people.whim(random.Random(f"{task} of {self.people.seed}"), "waits_for_owner")
        if waits:
            self.people.did("waits_for_owner")
        return waits and not self.people.closing

    def _user(self, locker: int) -> Visitor | None:
        """Whoever stands at a locker and has their hands in it."""
        users = (me for me in self.people.crowd.values() if me.where in ("deposit", "collect"))
        return next((me for me in users if me.locker == locker), None)

    def _shut(self, locker: int) -> None:
        if self.hall.lockers[locker].door == "open" and self._user(locker) is None:
            self.people.did("shuts_a_door")
            door(self.people, locker)
        self.people.at_locker.discard(locker)

    def _take_out(self, locker: int) -> None:
        """What is in an open locker goes to the lost property, and its door is shut."""
        if self.hall.lockers[locker].door == "open":
            self.people.bags.pop(locker, None)
            door(self.people, locker, content=False)
        self.people.at_locker.discard(locker)

    def _open(self, locker: int, action: str) -> Story[bool]:
        """Two guards open a locker by the program, and stand before it until they shut it; whether it opened."""
        self.people.did(action)
        self.people.at_locker.add(locker)
        answer = yield from self.people.order(
            action, self.name, locker=locker, reason="guard_looks", second=self.second
        )
        if answer["ok"] and (yield Wait(OPENS_MS, lambda: self.hall.lockers[locker].door == "open")):
            yield Wait(self.rng.randint(*self.people.habits.stow_ms))
        return self.hall.lockers[locker].door == "open"

    def _empty(self, locker: int) -> Story[None]:
        """Free a locker whose owner has gone."""
        if not (yield from self._open(locker, "release")) and self.hall.lockers[locker].content:
            yield from self._use_key(locker)
        self._take_out(locker)

    def _use_key(self, locker: int) -> Story[None]:
        self.people.did("opens_a_locker_with_the_key")
        self.hall.door(locker, "forced")
        yield Wait(self.rng.randint(*self.people.habits.stow_ms))

    def _unjam(self, locker: int) -> Story[None]:
        """The first time it is tried again; then it is out of service for a while."""
        jams = self.duty.jams[locker] = self.duty.jams.get(locker, 0) + 1
        if jams % 2:
            yield from self._service(locker, "tried_again", into=True)
            return
        yield from self._service(locker, "taken_apart", into=True)
        yield from self._service(locker, "broken", into=False)
        self.duty.resting[locker] = self.now + OUT_OF_SERVICE_MS

    def _service(self, locker: int, reason: str, *, into: bool) -> Story[None]:
        args: dict[str, Any] = {"locker": locker, "in": into, "reason": reason}
        if not into:
            self.people.notices.add(locker)
        answer = yield from self.people.order("service", self.name, **args)
        if into and answer["ok"]:
            self.people.notices.discard(locker)

    # -- help

    def _help(self, call: Call) -> Story[None]:
        guest = call.guest
        self.people.did(f"helps_with_the_{call.what}")
        self._sort_cards(guest)
        match call.what:
            case "exit":
                yield from self._let_out(guest, self.people.lanes[call.lane])
            case "locker":
                yield from self._hand_over(guest)
            case _:
                yield from self.duty.headcount.take("asked", self.name, self.rng)
        call.done = True
        guest.done.ring()

    def _sort_cards(self, guest: Visitor) -> None:
        """Whoever has the wrong card gets the right one, if it is in the house; not what an officer holds by now."""
        holder = next((one for one in self.people.crowd.values() if one.card == guest.own_card), None)
        if holder is None or "return" in (guest.where, holder.where):
            return
        if guest.card and guest.card != guest.own_card:
            self.people.did("sorts_out_cards")
            guest.card, holder.card = holder.card, guest.card

    def _let_out(self, guest: Visitor, lane: LanePlaces) -> Story[None]:
        """One press of the button for each person. They are still counted as inside by their card."""
        people = self.people
        if not lane.buttons or not (yield from lane.arm.take(2 * MINUTE)):
            return
        try:
            for _ in range(guest.inside + 2):
                if not guest.inside or people.alarm:
                    return
                if not people.stands_free(lane.name):
                    people.did("presses_the_exit_button")
                    people.odd = True
                    self.hall.contact(lane.buttons[0], True)
                    yield Wait(PRESS_MS)
                    self.hall.contact(lane.buttons[0], False)
                if (yield Wait(ARM_MS, lambda: people.arm_free(lane.name, "out"))) and guest.inside:
                    yield from push(people, guest, lane, "out")
        finally:
            lane.arm.give()

    def _hand_over(self, guest: Visitor) -> Story[None]:
        """The guest's bag out of a locker that their card does not open."""
        locker = guest.locker
        if locker is None:
            return
        if self.hall.lockers[locker].door == "closed" and not (yield from self._open(locker, "release")):
            yield from self._open(locker, "inspect")
        if self.hall.lockers[locker].door == "closed":
            yield from self._use_key(locker)
        self._take_out(locker)
        guest.locker = None

    # -- fire

    def _put_arms_back(self) -> Story[None]:
        """The contact is at rest: when everybody is out, the key switch ends the emergency."""
        people, duty = self.people, self.duty
        if duty.resetting:
            return
        duty.resetting = True
        try:
            yield Wait(EMPTY_MS, lambda: people.hall.inside <= 0 or people.alarm)
            yield Wait(self.rng.randint(5 * SECOND, 20 * SECOND))
            if people.alarm:
                return
            people.did("resets_the_emergency")
            switch = next((n for n, one in people.config.contacts.items() if one.use.value == "fire_reset"), None)
            if switch is not None:
                self.hall.contact(switch, True)
                yield Wait(PRESS_MS)
                self.hall.contact(switch, False)
                yield Wait(2 * SECOND)
            if (yield from people.show("hall", self.name))["mode"] == "emergency" and not people.alarm:
                yield from people.order("reset", self.name)
        finally:
            duty.resetting = False

    # -- rounds

    def _see_to_arms(self) -> Story[None]:
        """Somebody who stands in the arm for long is helped on."""
        for name, arm in self.hall.arms.items():
            if not arm.turnstile.busy:
                self.duty.in_arm.pop(name, None)
            elif self.now - self.duty.in_arm.setdefault(name, self.now) > HELD_MS:
                self.people.did("helps_somebody_out_of_the_arm")
                arm.turnstile.go_on()
        yield Wait(SECOND)

    def _rounds(self) -> Story[None]:
        people, duty = self.people, self.duty
        for locker in [number for number, until in duty.resting.items() if self.now >= until]:
            if duty.resting.pop(locker, None) is None:
                continue  # the other guard was quicker
            yield from self._service(locker, "repaired", into=True)
        if self.now >= duty.cards_at:
            duty.cards_at = self.now + CARDS_MS
            yield from self._odd_cards()
        if people.closing or people.alarm:
            return
        if people.whim(self.rng, "inspects"):
            owned = [me.locker for me in people.crowd.values() if me.locker and me.where == "inside"]
            if owned:
                people.did("inspects")
                locker = self.rng.choice(owned)
                if (yield from self._open(locker, "inspect")):
                    door(people, locker)
                people.at_locker.discard(locker)
        if people.whim(self.rng, "serviced"):
            busy = {me.locker for me in people.crowd.values()} | set(duty.resting)
            free = [n for n, one in self.hall.lockers.items() if not one.content and one.door == "closed"]
            locker = self.rng.choice(free or list(self.hall.lockers))
            if locker not in busy:
                people.did("serviced")
                duty.resting[locker] = self.now + OUT_OF_SERVICE_MS
                yield from self._service(locker, "cleaning", into=False)

    def _odd_cards(self) -> Story[None]:
        """Cards at the desk that could not be given out: back to the tray once they are stock again."""
        people = self.people
        for _ in range(len(people.odd_cards)):
            number, uid = people.odd_cards.popleft()
            cards = yield from people.show("cards", self.name, card=number)
            state = cards[0]["state"] if cards else ""
            if state in ("lost", "quarantined"):
                people.did("clears_a_card")
                yield from people.order("clear", self.name, card=number, reason="found")
            elif state == "issued":
                yield from people.order("return", self.name, card=number, collected=True)
            if state == "stock":
                people.tray.append((number, uid))
                people.bells.tray.ring()
            else:
                people.odd_cards.append((number, uid))

"""Everybody in the hall, and what they share: places to queue at, what is to be read, and whom one may ask.

Everybody acts with hands only (cards, doors, buttons, the arm) and learns by looking: at signs, doors, arms, at the
slip that the ticket button gives, at what the desk answers. Who somebody is and how long they take is drawn from
generators of their own (`sim.people.crowd`), so that it does not depend on who else does what when.

Nobody waits for ever. Whoever is refused tries again, whoever has tried for long asks a guard or goes home, and an
officer who was cut off looks at what has become true before going on. What the rules forbid the program to answer is
said with `expects`, and only where nothing is or was lately in trouble.
"""

import random
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from firmware.core import facts as f
from firmware.core.site import ContactUse
from firmware.texts import sign_texts
from hal.clock import Millis
from services.requests import Answer
from sim.durations import MINUTE, SECOND
from sim.hall import SIDE, Direction, VirtualHall
from sim.people.agents import Agents, Bell, Story, Wait
from sim.people.crowd import Visitor
from sim.people.habits import Habits
from sim.people.places import Bells, Call, Counter, DeskReader, LanePlaces, Line, Places

Ask = Callable[[str, Mapping[str, Any], str], "Future[Answer]"]
"""Ask the hall for an action, with its arguments, as an officer: what `besuk desk` does."""

ASK_AGAIN_MS: Millis = SECOND
LOOK_AGAIN_MS: Millis = 5 * SECOND
"""From having been cut off, or told to wait, to the next attempt."""
ORDER_MS: Millis = 10 * MINUTE
"""So long an officer insists before doing something else."""
CALM_MS: Millis = MINUTE
"""Nothing is expected of a hall in which something was in trouble so shortly ago."""
PASSING = frozenset({"busy", "stopping", "degraded"})
"""Answers that another attempt may change."""


class Unmet(AssertionError):
    """The hall has answered somebody as its rules forbid."""


class Enough(Exception):
    """A visitor has waited for long enough, or was told to go, and goes home."""


@dataclass(slots=True)
class Figures:
    """What was counted by looking, not by asking the program."""

    came: int = 0
    went: int = 0
    """Visitors who are through with everything and have gone home."""
    entered: int = 0
    gave_up: int = 0
    """Visitors who want to go in no more, and never were."""
    inside_peak: int = 0
    cards_awaited: int = 0
    """Times that an officer had no card to give."""


class People:
    """Everybody, and what they share."""

    def __init__(self, hall: VirtualHall, ask: Ask, *, seed: int, habits: Habits | None = None) -> None:
        """Raises LookupError for a site without a ticket button, or without readers at desk, lockers or gate: nobody
        could find their way there."""
        self.hall = hall
        self.config = hall.config
        self.habits = habits or Habits()
        self.seed = seed
        self.agents = Agents(hall.clock)
        self.figures = Figures()
        self.seen_habits: Tally[str] = Tally()
        """How often each habit was seen: visitors' and officers', guards' work, and what only trouble brings."""
        self.expected = 0
        """Visitors who are still to come."""
        self.queued = 0
        """Tickets that have been given out so far."""
        self.closing = False
        """The officers have said that the day is over."""
        self.session = False
        """The officers have opened, and said so."""
        self.signed_off = False
        """The hall is closed, and officers and guards have gone home too."""
        self.locked_down = False
        self.alarm = False
        """The fire alarm sounds."""
        self.miscount = 0
        """By how much the last recount missed, with nobody knowing yet."""
        self.odd = False
        """Somebody passed who should not have: until the next recount, cards and people do not agree."""
        self.passed = dict.fromkeys(hall.arms, 0)
        """Lane -> how many of these people have gone through its arm."""
        self._strangers = 0
        """How many others had done so at the last recount."""
        self.crowd: dict[int, Visitor] = {}
        """Who is in the house, by number."""
        self.bags: dict[int, Visitor] = {}
        """Locker -> whose bag is in it: the truth."""
        self.notices: set[int] = set()
        """Lockers with a notice on the door: a guard has taken them out of service."""
        self.at_locker: set[int] = set()
        """Lockers before which a guard stands."""
        self.opened_wrongly: set[int] = set()
        """Lockers that are somebody's for the hall, with nothing of theirs behind the door."""
        self.tray: deque[tuple[str, str]] = deque()
        """Number and UID of the cards at the desk."""
        self.odd_cards: deque[tuple[str, str]] = deque()
        """Cards at the desk that cannot be given out as they are."""
        self.calls: deque[Call] = deque()
        """Those who ask for a guard."""
        self.guards = 0
        """Guards on duty."""
        self.voices: dict[str, str] = {}
        """Ticket -> counter, as an officer calls out where the sign is of no use."""
        self.search = Line()
        self.returns = Line()
        self.bells = Bells()
        self.on_unmet: Callable[[str], None] = _unmet
        """Told in a sentence when the hall answered as the rules forbid; raises Unmet."""
        self.well_for_ms: Callable[..., Millis] = self._well_for_ms
        """For how long the named devices (readers, lanes, banks, `disk`) and the program have been without trouble."""
        self.counters = {
            name: Counter(name, random.Random(f"officer {name} of {seed}")) for name in self.config.queue.counters
        }
        self._ask = ask
        self._trouble_us = -CALM_MS * 1_000
        self._signs = tuple(hall.signs.values())
        self._frames = -1
        self._reads: tuple[str, ...] = ()
        places = Places.of(self.config)
        self.buttons, self.desk_readers = places.buttons, places.desk_readers
        self.banks, self.lanes = places.banks, places.lanes
        self._fires = [name for name, one in self.config.contacts.items() if one.use is ContactUse.FIRE]

    # -- the run's face

    def look(self) -> None:
        """Everybody opens their eyes. Call it after each scan."""
        frames = sum(sign.frames for sign in self._signs)
        if frames != self._frames:
            self._frames = frames
            self._reads = tuple(sign.reads for sign in self._signs)
            self.bells.sign.ring()
        alarm = any(self.hall.contacts[name] for name in self._fires)
        if alarm != self.alarm:
            self.alarm = alarm
            self.bells.alarm.ring()
            if alarm:
                self.did("hears_the_alarm")
        if alarm or self.hall.faults:
            self._trouble_us = self.hall.clock.now_us
        self.agents.look()

    def told(self, facts: Sequence[f.Fact]) -> None:
        """What has become durable: a ticket button prints its slip."""
        for fact in facts:
            if isinstance(fact, f.TicketIssued):
                self.queued += 1
                self.bells.queue.ring()
                for button in self.buttons.values():
                    if fact.actor == button.contact:
                        button.slips.append(fact.ticket)
                        button.bell.ring()

    @property
    def before_gate(self) -> int:
        """Visitors who have not sat down yet, and those who are still to come."""
        return self.expected + self.figures.came - self.figures.entered - self.figures.gave_up

    @property
    def visitors_home(self) -> bool:
        """Everybody who was to come came, and has gone."""
        return not self.expected and self.figures.went == self.figures.came

    @property
    def all_home(self) -> bool:
        """The visitors are home, and whoever worked here has closed the hall and gone, too."""
        return self.visitors_home and self.signed_off

    def muster(self) -> dict[str, int]:
        """Visit -> how many of it are inside: the truth, for whoever goes round and counts faces."""
        return {me.visit: me.persons_inside for me in self.crowd.values() if me.persons_inside and me.visit}

    # -- what is expected of the hall

    def expects(self, holds: object, sentence: str) -> None:
        """Something that the rules promise a person; `sentence` says what was not kept."""
        if not holds:
            self.on_unmet(f"{sentence} (at {self.hall.clock.now() / 1000:.1f} s)")

    def calm(self, *devices: str) -> bool:
        """Whether nothing excuses the hall: neither these devices nor disk and program are in trouble, or were lately;
        nor are the people themselves the cause."""
        if self.alarm or self.odd or self.miscount or self._strangers_passed() != self._strangers:
            return False
        if any(self.stands_free(lane) for lane in self.lanes):
            return False
        return self.well_for_ms(*devices, "disk") >= CALM_MS

    def cards_since(self, since_us: int, *readers: str) -> bool:
        """Whether anybody's card lies on one of these readers, or was laid there after that moment."""
        laid_us = [self.hall.moved_us.get(f"reader {reader}", -1) for reader in readers]
        return any(us > since_us for us in laid_us) or any(self.hall.cards_on(reader) for reader in readers)

    def _strangers_passed(self) -> int:
        passed = sum(sum(arm.turnstile.passed.values()) for arm in self.hall.arms.values())
        return passed - sum(self.passed.values())

    def counted(self, wrong_by: int) -> None:
        """Guards have looked at every face, and entered what they saw; or were wrong, and do not know it yet."""
        self.miscount, self.odd = wrong_by, False
        self._strangers = self._strangers_passed()

    def _well_for_ms(self, *_devices: str) -> Millis:
        """As far as one can see from here: whoever runs the hall knows more."""
        return (self.hall.clock.now_us - self._trouble_us) // 1_000

    def did(self, habit: str) -> None:
        """Somebody has shown a habit."""
        self.seen_habits[habit] += 1

    def whim(self, rng: random.Random, habit: str) -> bool:
        """Whether somebody of the staff does so this time."""
        share: int = getattr(self.habits, habit)
        return share > 0 and rng.randrange(100) < share

    # -- what everybody can see

    def more_tickets_than(self, known: int) -> Callable[[], bool]:
        """Whether more tickets have been given out: to look for."""
        return lambda: self.queued > known

    def signs_read(self) -> tuple[str, ...]:
        """What is to be read on the signs now."""
        return self._reads

    def reads(self, code: str) -> bool:
        """Whether a sign says this now, in the words of the site's language."""
        return sign_texts(self.config.language)[code] in self._reads

    def arm_free(self, lane: str, direction: Direction) -> bool:
        """Whether the arm would yield to a push, and nobody is in it."""
        arm = self.hall.arms[lane].turnstile
        return not arm.busy and arm.state in (f"free_{SIDE[direction]}", "free_both")

    def in_arm(self, lane: str) -> bool:
        """Whether somebody is in the arm."""
        return self.hall.arms[lane].turnstile.busy

    def stands_free(self, lane: str) -> bool:
        """Whether the arm is open both ways, as it is without power or a program, and in a fire."""
        return self.hall.arms[lane].turnstile.state == "free_both"

    def shortest(self, lanes: Iterable[LanePlaces]) -> LanePlaces:
        """Where fewest stand in line."""
        return min(lanes, key=lambda lane: len(lane.entrance) + len(lane.arm))

    def desk_reader(self) -> DeskReader:
        return min(self.desk_readers, key=lambda reader: len(reader.turns))

    # -- asking the desk

    def ask(self, action: str, actor: str, **args: Any) -> Story[Answer]:
        """Ask the hall for something and wait for its answer; again while it is too busy, or is ending."""
        until = self.hall.clock.now() + ORDER_MS
        while True:
            answer = yield from self.ask_once(action, actor, **args)
            told_to_wait = not answer["ok"] and answer["error"]["code"] in ("busy", "stopping")
            if not told_to_wait or self.hall.clock.now() > until:
                return answer
            self.did("told_to_wait")
            yield Wait(ASK_AGAIN_MS)

    def ask_once(self, action: str, actor: str, **args: Any) -> Story[Answer]:
        """Ask the hall for something, and take whatever it answers."""
        future = self._ask(action, args, actor)
        if not future.done():
            answered = Bell()
            future.add_done_callback(lambda _: answered.ring())
            yield Wait(None, future.done, (answered,))
        else:
            yield Wait(seen=future.done)
        answer = future.result()
        if not answer["ok"] and answer["error"]["code"] == "no_answer":
            self._trouble_us = self.hall.clock.now_us
            self.did("cut_off")
        return answer

    def show(self, what: str, actor: str, **choose: Any) -> Story[Any]:
        """Look at the desk's page until it shows something: its rows, or the hall's own."""
        while True:
            answer = yield from self.ask("show", actor, what=what, **choose)
            if answer["ok"]:
                return answer["result"][what]
            if answer["error"]["code"] != "no_answer":
                raise AssertionError(f"show {what} {choose} was refused: {answer['error']}")
            yield Wait(LOOK_AGAIN_MS)

    def order(
        self, action: str, actor: str, done: Callable[[], Story[Mapping[str, Any] | None]] | None = None, **args: Any
    ) -> Story[Answer]:
        """Have something done, and insist. Whoever was cut off looks with `done` whether it has happened: its result,
        or None. Without `done` it is asked for again, which must then do no harm."""
        until = self.hall.clock.now() + ORDER_MS
        while True:
            answer = yield from self.ask(action, actor, **args)
            if answer["ok"]:
                return answer
            code = answer["error"]["code"]
            if code == "no_answer":
                yield Wait(LOOK_AGAIN_MS)
                result = None if done is None else (yield from done())
                if result is not None:
                    self.did("looks_after_being_cut_off")
                    return {"ok": True, "result": result}
            elif code not in PASSING or (code == "degraded" and (yield from self.is_for_a_technician(actor))):
                return answer
            else:
                yield Wait(LOOK_AGAIN_MS)
            if self.hall.clock.now() > until:
                return answer

    def is_for_a_technician(self, actor: str) -> Story[bool]:
        """Whether the journal was found damaged: nothing can be recorded any more today, however long one insists."""
        tasks = yield from self.show("tasks", actor)
        return any(task["reason"] == "journal_damaged" for task in tasks)

    def must(
        self, action: str, actor: str, done: Callable[[], Story[Mapping[str, Any] | None]] | None = None, **args: Any
    ) -> Story[Mapping[str, Any] | None]:
        """Have done what cannot rightly be refused to those who did nothing odd: the result, or None."""
        answer = yield from self.order(action, actor, done, **args)
        if answer["ok"]:
            result: Mapping[str, Any] = answer["result"]
            return result
        code = answer["error"]["code"]
        self.did(f"refused_{code}")
        excused = code == "no_answer" or code in PASSING or not self.calm()
        self.expects(excused, f"{action} {args} by {actor} was refused: {answer['error']}")
        return None

    # -- asking a guard

    def call_guard(self, me: Visitor, what: str, patience_ms: Millis, lane: str = "") -> Story[bool]:
        """Ask for help, and wait for it; whether it came."""
        if not self.guards:
            yield Wait(me.takes(self.habits.again_ms))
            return False
        call = Call(me, what, lane)
        self.calls.append(call)
        self.bells.guard.ring()
        self.did(f"calls_guard_{what}")
        yield Wait(patience_ms, lambda: call.done, (me.done,))
        if call in self.calls:
            self.calls.remove(call)
        elif not call.done:
            yield Wait(patience_ms, lambda: call.done, (me.done,))
        return call.done


def _unmet(sentence: str) -> None:
    raise Unmet(sentence)

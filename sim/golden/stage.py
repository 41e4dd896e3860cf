"""Where a story is performed: a whole virtual hall with a machine in it, and somebody who looks on and tells.

What is told after each step, in the order in which it happened: facts when they became durable; what a person in the
hall sees change (doors, arms, signs, how many are inside); answers; the end and the start of the program. Facts that
were durable though the dying program could not tell them are told at its next start. Silence is told by no line.

Time passes in `wait` alone, and while an officer waits for an answer, scan by scan on the program's own grid.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import singledispatchmethod
from itertools import groupby
from typing import Any

from firmware.api.plain import row
from firmware.audit.told import fact_line
from firmware.codec import data_of, fact_of
from firmware.config import Config
from firmware.core.facts import CardEnrolled, Fact
from firmware.core.site import ContactUse
from firmware.core.valid import wrong_with
from firmware.daemon import SCAN_MS
from firmware.fold import folded
from firmware.ledger import Told
from hal.clock import Millis
from services.requests import Answer
from sim.clock import VirtualClock
from sim.golden import steps
from sim.golden.steps import Step, StoryError
from sim.hall import ARM_WORDS, Direction, HandRefused, UnknownThingError, VirtualHall
from sim.machine import End, Listener, Machine
from sim.other_faults import OtherFaults
from sim.pace import Pace

SCAN_US = SCAN_MS * 1000
ANSWER_MS: Millis = 20_000
"""So long an officer waits for an answer."""
CENTRAL_MS: Millis = 180_000
"""So long after a story the central server has everything."""
PRESS_US = 300_000
ALIKE = 3
"""Of more facts of one type in a row only the first is told, and how many followed."""
ENDS: Mapping[End, str] = {"kill": "is killed", "power": "has no power", "stop": "ends"}


class Stage(Listener):
    """One hall and one machine, from the first step of a story to its last."""

    def __init__(self, config: Config, *, skip: bool = True) -> None:
        """`skip`: leave out scans that hold nothing; a story must be the same without."""
        self.config = config
        self.clock = VirtualClock()
        self.hall = VirtualHall(config, self.clock)
        self.machine = Machine(config, self.hall)
        self.machine.listeners.append(self)
        self.hall.other_faults = OtherFaults(self.machine).put
        self._numbers: dict[str, str] = {}
        """Hash of a card -> its printed number, or the UID of one that has none."""
        self._uids = dict(self.hall.stock)
        self._lines: list[str] = []
        self._wake_us = 0
        self._pace = Pace(self.machine, self._look, wake=lambda: self._wake_us, skip=skip)
        self.hall.on_change = self._pace.moved
        self._seen: dict[str, str] = {}
        self._told_seq = 0
        self._look()
        self._lines.clear()

    def perform(self, step: Step) -> list[str]:
        """Do it; what followed, a line each. Raises StoryError for what there is not in this hall."""
        try:
            self._do(step)
        except UnknownThingError as error:
            raise StoryError(str(error)) from error
        self._look()
        lines, self._lines = self._lines, []
        return list(_counted(lines))

    def prove(self) -> None:
        """What must hold when any story is over, unless the program is down by then or cannot write. Raises
        AssertionError."""
        daemon = self.machine.daemon
        if daemon is None or daemon.controller.ledger.dead:
            return
        journal, receiver = daemon.controller.ledger.journal, self.machine.receiver
        reached = not {"broker", "central"} & self.hall.faults.keys() and journal.damage is None
        self._run(CENTRAL_MS if reached else ANSWER_MS, lambda: reached and receiver.stored == journal.last_seq)
        if reached:
            assert receiver.stored == journal.last_seq, "the central server has not heard everything"
            assert not receiver.violations, receiver.violations
        hall, site, journal = daemon.controller.hall, daemon.controller.site, daemon.controller.ledger.journal
        assert not wrong_with(hall, site), wrong_with(hall, site)
        if journal.damage is None:
            told = folded((line.event for line in journal.lines()), site)
            assert told == hall, "the hall is not the fold of its journal"

    # -- what is heard

    def told(self, told: Sequence[Told]) -> None:
        assert self.machine.daemon is not None
        self._told_seq = self.machine.daemon.controller.ledger.journal.last_seq
        for one in told:
            self._tell_fact(one.fact)

    def started(self) -> None:
        assert self.machine.daemon is not None
        self._pace.started()
        self._lines.append("program is up")
        journal = self.machine.daemon.controller.ledger.journal
        for line in journal.lines(self._told_seq):
            self._tell_fact(fact_of(line.event), "found in the journal: ")
        self._told_seq = journal.last_seq

    def stopped(self, how: End) -> None:
        self._lines.append(f"program {ENDS[how]}")

    def _tell_fact(self, fact: Fact, prefix: str = "") -> None:
        if isinstance(fact, CardEnrolled):
            self._numbers[fact.card] = fact.number
        self._lines.append(prefix + fact_line(fact.type_name(), data_of(fact), self._numbers))

    # -- what is seen

    def _look(self) -> None:
        """Tell whatever looks otherwise than at the last look."""
        for name, seen in self._sights():
            if self._seen.get(name) != seen:
                self._seen[name] = seen
                self._lines.append(f"{name}: {seen}")

    def _sights(self) -> Iterator[tuple[str, str]]:
        yield from ((f"door {number}", locker.door) for number, locker in self.hall.lockers.items())
        for name, arm in self.hall.arms.items():
            yield f"arm {name}", ARM_WORDS[arm.turnstile.state].replace("_", " ")
        yield from ((f"sign {name}", sign.reads or "dark") for name, sign in self.hall.signs.items())
        yield "people inside", str(self.hall.inside)

    # -- time

    def _run(self, ms: Millis, until: Callable[[], bool] = lambda: False) -> None:
        """Scans stay on their grid, whether or not the end falls onto it."""
        clock = self.clock
        end_us = clock.now_us + ms * 1000
        self._wake_us = end_us // SCAN_US * SCAN_US
        clock.advance_to(min(end_us, -(-clock.now_us // SCAN_US) * SCAN_US))
        while clock.now_us < self._wake_us and not until():
            self._pace.round()
        if clock.now_us < end_us and not until():
            self.machine.step()
            self._look()
            clock.advance_to(end_us)

    def _ask(self, action: str, arguments: Mapping[str, Any], actor: str) -> Answer | None:
        """The answer; None when none came."""
        self._pace.asked()
        future: Future[Answer] = self.machine.ask(action, arguments, actor)
        self._run(ANSWER_MS, future.done)
        return future.result() if future.done() else None

    def _silently(self, action: str, **arguments: Any) -> Mapping[str, Any]:
        answer = self._ask(action, arguments, "officer-1")
        if answer is None:
            raise StoryError(f"{action}: no answer within {ANSWER_MS // 1000} s")
        if not answer["ok"]:
            raise StoryError(f"{action}: {answer['error']['code']}: {answer['error']['message']}")
        result: Mapping[str, Any] = answer["result"]
        return result

    # -- steps

    @singledispatchmethod
    def _do(self, step: Step) -> None:
        raise StoryError(f"{step} is not for the middle of a story")

    @_do.register
    def _opens(self, step: steps.Opens) -> None:
        self._start()
        self._run(3_000)  # every door is read; what lies on a reader at the start is no tap
        for number, uid in self.hall.stock[: step.cards]:
            self._silently("enrol", number=number, uid=uid)
        self._silently("open")
        self._rest()
        self._lines = ["-> done"]

    @_do.register
    def _admitted(self, step: steps.Admitted) -> None:
        ticket = self._silently("ticket", **{"class": next(iter(self.config.queue.classes))})["ticket"]
        self._silently("call", counter=self.config.queue.counters[0])
        visit = self._silently("bind", ticket=ticket, **pairs(step.arguments))["visit"]
        self._silently("issue", visit=visit, card=step.card)
        self._silently("search", visit=visit, result="passed")
        self._rest()
        self._lines = [f"-> {visit}, ticket {ticket}"]

    def _rest(self) -> None:
        """Until the sign has said what it had to say."""
        self._run(self.config.queue.call_hold + self.config.queue.notice_hold)

    @_do.register
    def _wait(self, step: steps.Wait) -> None:
        self._run(step.ms)

    @_do.register
    def _taps(self, step: steps.Taps) -> None:
        self.hall.tap(step.reader, self._uid(step.card), step.ms)

    @_do.register
    def _lays(self, step: steps.Lays) -> None:
        self.hall.lay(step.reader, self._uid(step.card))

    @_do.register
    def _takes(self, step: steps.Takes) -> None:
        self.hall.take(step.reader, self._uid(step.card))

    @_do.register
    def _presses(self, step: steps.Presses) -> None:
        self.hall.contact(step.contact, True)
        self.clock.after(PRESS_US, lambda: self.hall.contact(step.contact, False))

    @_do.register
    def _pushes(self, step: steps.Pushes) -> None:
        def ended(passed: bool) -> None:
            self._lines.append(f"visitor is {step.direction}" if passed else "visitor does not get through")

        direction: Direction = "in" if step.direction == "in" else "out"
        force = step.how == "forces"
        self.hall.push(self._lane(step.lane), direction, ended, carrying=step.carrying, force=force)

    @_do.register
    def _turns_back(self, step: steps.TurnsBack) -> None:
        if not self.hall.arms[self._lane(step.lane)].turnstile.turn_back():
            self._lines.append("too late to turn back")

    @_do.register
    def _door(self, step: steps.Door) -> None:
        content = {"bag inside": True, "empty": False}.get(step.content)
        try:
            match step.to:
                case "closes":
                    self.hall.door(step.locker, "closed", content=content)
                case "opens":
                    self.hall.door(step.locker, "open", content=content)
                case _:
                    self.hall.door(step.locker, "forced", content=content)
        except HandRefused as error:
            self._lines.append(f"it does not: {error}")

    @_do.register
    def _asks(self, step: steps.Asks) -> None:
        answer = self._ask(step.action, pairs(step.arguments), step.actor)
        if answer is None:
            self._lines.append(f"-> no answer within {ANSWER_MS // 1000} s")
        elif answer["ok"]:
            self._lines += [f"-> {line}" for line in _answered(answer["result"])]
        else:
            self._lines.append(f"-> {answer['error']['code']}: {answer['error']['message']}")

    @_do.register
    def _contact(self, step: steps.Contact) -> None:
        self.hall.contact(step.contact, step.to == "active")

    @_do.register
    def _fire(self, step: steps.Fire) -> None:
        for name, contact in self.config.contacts.items():
            if contact.use is ContactUse.FIRE:
                self.hall.contact(name, not step.over)

    @_do.register
    def _fault(self, step: steps.Fault) -> None:
        self.hall.fault(step.device, step.fault, step.much)

    @_do.register
    def _mended(self, step: steps.Mended) -> None:
        self.hall.clear_fault(step.device)

    @_do.register
    def _ends(self, step: steps.Ends) -> None:
        end = self.machine.kill if step.end == "program is killed" else self._cut_power
        if not step.step:
            end()
            return

        def crashed() -> None:
            self.machine.on_crash = self.machine.kill
            end()

        self.machine.disk.crash_at = self.machine.disk.steps + step.step - 1
        self.machine.on_crash = crashed

    def _cut_power(self) -> None:
        self.machine.cut_power(random.Random(f"power {self.machine.starts}"))

    @_do.register
    def _starts(self, step: steps.Starts) -> None:
        self._start()

    def _start(self) -> None:
        if self.machine.daemon is not None:
            raise StoryError("the program is up already")
        self.machine.start()
        if self.machine.unstartable:
            self._lines.append(f"program does not start: {self.machine.unstartable}")

    # -- within

    def _uid(self, card: str) -> str:
        """The UID of a card that a story names by its printed number, or by the UID itself."""
        uid = self._uids.get(card)
        if uid is None:
            uid = card.upper()
            self.hall.card(next(iter(self.hall.readers)), uid)  # raises for what no card can have
            if self.machine.daemon is not None:
                self._numbers.setdefault(self.machine.daemon.controller.panel.card_hash(bytes.fromhex(uid)), uid)
        return uid

    def _lane(self, lane: str) -> str:
        """The lane that a story means; the first where it names none."""
        name = lane or next(iter(self.hall.arms))
        if name not in self.hall.arms:
            raise StoryError(f"no lane {name!r}; there are {', '.join(self.hall.arms)}")
        return name


def _answered(result: Mapping[str, Any]) -> list[str]:
    """An answer in lines: of what was looked at one row a line, anything else in one; a card by its number alone."""
    rows: list[Mapping[str, Any]] = []
    for value in result.values():
        looked_at = value if isinstance(value, list) else [value]
        rows += [one for one in looked_at if isinstance(one, dict)]
    told = []
    for one in rows or [result]:
        unsaid = {key for key in one if key.endswith("_s") or (key == "card" and "number" in one)}
        told.append(row({key: value for key, value in one.items() if key not in unsaid}) or "done")
    return told


def pairs(text: str) -> dict[str, Any]:
    """`key=value` words, as `besuk desk` takes them: what begins like JSON is JSON."""
    told: dict[str, Any] = {}
    for word in text.split():
        key, _, value = word.partition("=")
        try:
            told[key] = json.loads(value) if value[:1] in ("{", "[") else value
        except ValueError:
            raise StoryError(f"{key}: {value!r} is no JSON") from None
    return told


def _counted(lines: Sequence[str]) -> Iterator[str]:
    """Facts that are alike are told once, with how many followed."""
    for kind, same in groupby(lines, key=lambda line: line.split(" ", 1)[0]):
        alike = list(same)
        if len(alike) > ALIKE and "." in kind:
            yield alike[0]
            yield f"... and {len(alike) - 1} more {kind}"
        else:
            yield from alike

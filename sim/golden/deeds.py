"""What each kind of step does in the hall of a story: hands move things, officers ask, trouble comes."""

import json
import random
from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import Any

from firmware.api.plain import row
from firmware.core.site import ContactUse
from sim.golden import steps
from sim.golden.stage import ANSWER_MS, Stage
from sim.golden.steps import Step, StoryError
from sim.hall import Direction, HandRefused, UnknownThingError

PRESS_US = 300_000
AROUND = ("disk", "broker", "central", "clock")
"""What can be in trouble beside the hall's own devices."""


def perform(stage: Stage, step: Step) -> list[str]:
    """Do it; what followed, a line each. Raises StoryError for what there is not in this hall."""
    try:
        _do(step, stage)
    except UnknownThingError as error:
        raise StoryError(str(error)) from error
    return stage.what_followed()


@singledispatch
def _do(step: Step, _stage: Stage) -> None:
    raise StoryError(f"{step} is not for the middle of a story")


@_do.register
def _opens(step: steps.Opens, stage: Stage) -> None:
    _start(stage)
    stage.run(3_000)  # every door is read; what lies on a reader at the start is no tap
    for number, uid in stage.hall.stock[: step.cards]:
        _silently(stage, "enrol", number=number, uid=uid)
    _silently(stage, "open")
    _rest(stage)
    stage.lines = ["-> done"]


@_do.register
def _admitted(step: steps.Admitted, stage: Stage) -> None:
    ticket = _silently(stage, "ticket", **{"class": next(iter(stage.config.queue.classes))})["ticket"]
    _silently(stage, "call", counter=stage.config.queue.counters[0])
    visit = _silently(stage, "bind", ticket=ticket, **pairs(step.arguments))["visit"]
    _silently(stage, "issue", visit=visit, card=step.card)
    _silently(stage, "search", visit=visit, result="passed")
    _rest(stage)
    stage.lines = [f"-> {visit}, ticket {ticket}"]


@_do.register
def _wait(step: steps.Wait, stage: Stage) -> None:
    stage.run(step.ms)


@_do.register
def _taps(step: steps.Taps, stage: Stage) -> None:
    stage.hall.tap(step.reader, _uid(stage, step.card), step.ms)


@_do.register
def _lays(step: steps.Lays, stage: Stage) -> None:
    stage.hall.lay(step.reader, _uid(stage, step.card))


@_do.register
def _takes(step: steps.Takes, stage: Stage) -> None:
    stage.hall.take(step.reader, _uid(stage, step.card))


@_do.register
def _presses(step: steps.Presses, stage: Stage) -> None:
    stage.hall.contact(step.contact, True)
    stage.clock.after(PRESS_US, lambda: stage.hall.contact(step.contact, False))


@_do.register
def _pushes(step: steps.Pushes, stage: Stage) -> None:
    def ended(passed: bool) -> None:
        stage.lines.append(f"visitor is {step.direction}" if passed else "visitor does not get through")

    direction: Direction = "in" if step.direction == "in" else "out"
    force = step.how == "forces"
    stage.hall.push(_lane(stage, step.lane), direction, ended, carrying=step.carrying, force=force)


@_do.register
def _turns_back(step: steps.TurnsBack, stage: Stage) -> None:
    if not stage.hall.arms[_lane(stage, step.lane)].turnstile.turn_back():
        stage.lines.append("too late to turn back")


@_do.register
def _door(step: steps.Door, stage: Stage) -> None:
    if step.locker not in stage.hall.lockers:
        raise StoryError(f"no locker {step.locker}; there are {_ranges(stage.hall.lockers)}")
    content = {"bag inside": True, "empty": False}.get(step.content)
    try:
        match step.to:
            case "closes":
                stage.hall.door(step.locker, "closed", content=content)
            case "opens":
                stage.hall.door(step.locker, "open", content=content)
            case _:
                stage.hall.door(step.locker, "forced", content=content)
    except HandRefused as error:
        stage.lines.append(f"it does not: {error}")


@_do.register
def _asks(step: steps.Asks, stage: Stage) -> None:
    answer = stage.ask(step.action, pairs(step.arguments), step.actor)
    if answer is None:
        stage.lines.append(f"-> no answer within {ANSWER_MS // 1000} s")
    elif answer["ok"]:
        stage.lines += [f"-> {line}" for line in _answered(answer["result"])]
    else:
        stage.lines.append(f"-> {answer['error']['code']}: {answer['error']['message']}")


@_do.register
def _contact(step: steps.Contact, stage: Stage) -> None:
    stage.hall.contact(step.contact, step.to == "active")


@_do.register
def _fire(step: steps.Fire, stage: Stage) -> None:
    for name, contact in stage.config.contacts.items():
        if contact.use is ContactUse.FIRE:
            stage.hall.contact(name, not step.over)


@_do.register
def _fault(step: steps.Fault, stage: Stage) -> None:
    stage.hall.fault(_device(stage, step.device), step.fault, step.much)


@_do.register
def _mended(step: steps.Mended, stage: Stage) -> None:
    stage.hall.clear_fault(_device(stage, step.device))


@_do.register
def _ends(step: steps.Ends, stage: Stage) -> None:
    def end() -> None:
        if step.end == "program is killed":
            stage.machine.kill()
        else:
            stage.machine.cut_power(random.Random(f"power {stage.machine.starts}"))

    if not step.step:
        end()
        return

    def crashed() -> None:
        stage.machine.on_crash = stage.machine.kill
        end()

    stage.machine.disk.crash_at = stage.machine.disk.steps + step.step - 1
    stage.machine.on_crash = crashed


@_do.register
def _starts(_step: steps.Starts, stage: Stage) -> None:
    _start(stage)


def _start(stage: Stage) -> None:
    if stage.machine.daemon is not None:
        raise StoryError("the program is up already")
    stage.machine.start()
    if stage.machine.unstartable:
        stage.lines.append(f"program does not start: {stage.machine.unstartable}")


def _rest(stage: Stage) -> None:
    """Until the sign has said what it had to say."""
    stage.run(stage.config.queue.call_hold + stage.config.queue.notice_hold)


def _uid(stage: Stage, card: str) -> str:
    """The UID of a card that a story names by its printed number, or by the UID itself."""
    uid = stage.uids.get(card)
    if uid is None:
        uid = card.upper()
        stage.hall.card(next(iter(stage.hall.readers)), uid)  # raises for what no card can have
        if stage.machine.daemon is not None:
            stage.numbers.setdefault(stage.machine.daemon.controller.panel.card_hash(bytes.fromhex(uid)), uid)
    return uid


def _lane(stage: Stage, lane: str) -> str:
    """The lane that a story means; the first where it names none."""
    name = lane or next(iter(stage.hall.arms))
    if name not in stage.hall.arms:
        raise StoryError(f"no lane {name!r}; there are {', '.join(stage.hall.arms)}")
    return name


def _device(stage: Stage, device: str) -> str:
    """A device that a story means. Raises StoryError for what this hall has not."""
    hall = stage.hall
    lockers = [f"locker-{number}" for number in hall.lockers]
    devices = [*hall.readers, *hall.arms, *stage.config.lockers.banks, *hall.signs, *AROUND]
    if device not in devices and device not in lockers:
        raise StoryError(f"no device {device!r}; there are {', '.join(devices)}, and lockers such as {lockers[0]}")
    return device


def _ranges(numbers: Iterable[int]) -> str:
    """`1-16, 20`: numbers as a technician writes them."""
    ends: list[list[int]] = []
    for number in sorted(numbers):
        if ends and ends[-1][1] == number - 1:
            ends[-1][1] = number
        else:
            ends.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in ends)


def _silently(stage: Stage, action: str, **arguments: Any) -> Mapping[str, Any]:
    answer = stage.ask(action, arguments, "officer-1")
    if answer is None:
        raise StoryError(f"{action}: no answer within {ANSWER_MS // 1000} s")
    if not answer["ok"]:
        raise StoryError(f"{action}: {answer['error']['code']}: {answer['error']['message']}")
    result: Mapping[str, Any] = answer["result"]
    return result


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

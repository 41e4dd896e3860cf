"""`/api/sim/v1/`, the half that does something: the hands of the virtual hall over HTTP. What a person can do there,
and nothing a person cannot.

Each request is done by the hall's own thread at the hall's present moment, and kept in `world.json` before it is
answered.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from firmware.api.identity import ask
from firmware.api.manners import Json, answered
from firmware.codec import UnknownFactError
from services.requests import Answer
from services.requests import Request as Asked
from services.segments import WrongJournalError
from sim.hall import UnknownThingError, VirtualHall
from sim.live_hall import LiveHall
from sim.locker import HandRefused

T = TypeVar("T")

CARDS_MOST = 5_000
"""Cards that the world can hold."""
ON_READER_MOST = 8
"""Cards that find room on one reader."""
AT_ARM_MOST = 50
"""Persons who can stand before one arm."""
HAND_US = 300_000
"""A hand needs so long from one movement of a thing to the next: nobody presses a button for five milliseconds, or
shuts a door that has only just sprung open. A program that drives the hall is made to wait like one."""
PATIENCE_US = 2_000_000
"""Whoever moves a door looks so long, at most, whether the hall has noticed how it stands."""
LOOK_US = 20_000
HANDS_MOST_US = 10_000_000
UID = re.compile(r"([0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20})")

Name = Annotated[str, InPath(max_length=64)]
Uid = Annotated[str, Field(pattern=rf"^{UID.pattern}$")]
UidInPath = Annotated[str, InPath(pattern=rf"^{UID.pattern}$")]


class Form(BaseModel):
    """Nothing but what is asked for, and nothing that only looks like it: a string is no number and no truth value."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Tap(Form):
    uid: Uid
    ms: Annotated[int, Field(ge=1, le=3_600_000)] = 600


class Speed(Form):
    speed: Annotated[float, Field(ge=0.01, le=1000, allow_inf_nan=False)]


class Push(Form):
    direction: Literal["in", "out"]
    carrying: Annotated[int, Field(ge=0, le=10)] | None = 0
    """Infants in arms; null: those of the party that the arm is free for."""


class Door(Form):
    to: Literal["closed", "open", "forced"]
    content: bool | None = None


class ContactSet(Form):
    active: bool


class PowerSet(Form):
    on: bool


class FaultSet(Form):
    fault: Annotated[str, Field(min_length=1, max_length=40)]


class DeskRequest(Form):
    action: Annotated[str, Field(max_length=64)]
    args: dict[str, Any] = Field(default_factory=dict)
    actor: Annotated[str, Field(max_length=64)]


class CannotNowError(Exception):
    """It cannot be done as things stand."""


def router(live: LiveHall) -> APIRouter:
    """What can be done in `live`."""
    api = APIRouter(tags=["the virtual hall"], default_response_class=Json)
    hall = live.hall

    async def do(act: Callable[[], T]) -> T:
        """Have something done in the hall, and kept, before it is answered."""

        def kept() -> T:
            try:
                return act()
            finally:
                live.keeper.keep()

        return await answered(live.calls.ask(kept))

    async def by_hand(thing: str, act: Callable[[], T], noticed: Callable[[], bool] = lambda: True) -> T:
        """Have something moved as soon as a hand can, and when how it stands has been noticed; answered when that is
        noticed, too. What seems never to be noticed is not waited for."""
        outcome: Future[T] = Future()

        def when_noticed(then: Callable[[], None], at_us: int) -> None:
            now_us = hall.clock.now_us
            if now_us >= at_us and (noticed() or now_us >= at_us + PATIENCE_US):
                then()
            else:
                hall.clock.after(max(LOOK_US, at_us - now_us), lambda: when_noticed(then, at_us))

        def move() -> None:
            try:
                result = act()
            except (UnknownThingError, HandRefused) as error:
                outcome.set_exception(error)
                return
            live.keeper.keep()
            when_noticed(lambda: outcome.set_result(result), hall.clock.now_us)

        def begin() -> None:
            now_us = hall.clock.now_us
            at_us = max(now_us, hall.moved_us.get(thing, -HAND_US) + HAND_US)
            if at_us > now_us + HANDS_MOST_US:
                raise CannotNowError(f"too many hands are at {thing}")
            if at_us > now_us:
                hall.moved_us[thing] = at_us
            outcome.set_running_or_notify_cancel()
            when_noticed(move, at_us)

        await do(begin)
        return await asyncio.wrap_future(outcome)

    @api.post("/readers/{name}/tap")
    async def tap(name: Name, form: Tap) -> Mapping[str, Any]:
        """Lay a card there and take it away after so much hall time."""

        def act() -> dict[str, Any]:
            _room(hall, name, form.uid)
            hall.tap(name, form.uid, form.ms)
            return {"ok": True}

        return await do(act)

    @api.put("/readers/{name}/cards/{uid}")
    async def lay(name: Name, uid: UidInPath) -> Mapping[str, Any]:
        """Lay a card there, to stay."""

        def act() -> dict[str, Any]:
            _room(hall, name, uid)
            hall.lay(name, uid)
            return {"ok": True}

        return await do(act)

    @api.delete("/readers/{name}/cards/{uid}")
    async def take(name: Name, uid: UidInPath) -> Mapping[str, Any]:
        """Take a card away; where none lies there is nothing to do."""

        def act() -> dict[str, Any]:
            hall.take(name, uid)
            return {"ok": True}

        return await do(act)

    @api.put("/speed")
    async def speed(form: Speed) -> Mapping[str, Any]:
        """Let hall time run so much faster than real time."""

        def act() -> dict[str, Any]:
            live.speed = form.speed
            return {"ok": True, "speed": live.speed}

        return await do(act)

    @api.post("/arm/{lane}/push")
    async def push(lane: Name, form: Push) -> Mapping[str, Any]:
        """A person pushes the arm; answered when the passage has ended."""
        passage: Future[bool] = Future()

        def passed(through: bool) -> None:
            live.keeper.keep()
            if passage.set_running_or_notify_cancel():
                passage.set_result(through)

        def act() -> None:
            if lane in hall.arms and len(hall.arms[lane].waiting) >= AT_ARM_MOST:
                raise CannotNowError(f"{AT_ARM_MOST} persons stand at the arm already")
            carrying = live.carried(lane, form.direction) if form.carrying is None else form.carrying
            leaving = sum(arm.leaving for arm in hall.arms.values())
            if form.direction == "out" and 1 + carrying > hall.inside - leaving:
                raise CannotNowError("so many are not inside")
            hall.push(lane, form.direction, passed, carrying=carrying)

        await do(act)
        return {"passed": await asyncio.wrap_future(passage)}

    @api.post("/lockers/{number}/door")
    async def door(number: Annotated[int, InPath(ge=1, le=999)], form: Door) -> Mapping[str, Any]:
        """A person's hand at a locker: shut it, open it when its latch is drawn, break it open; answered when done."""

        def act() -> dict[str, Any]:
            hall.door(number, form.to, form.content)
            return {"ok": True}

        return await by_hand(f"locker {number}", act, lambda: live.notices(number))

    @api.put("/contacts/{name}")
    async def contact(name: Name, form: ContactSet) -> Mapping[str, Any]:
        """Press or let go of a button, open or close a fire loop."""

        def act() -> dict[str, Any]:
            hall.contact(name, form.active)
            return {"ok": True}

        return await by_hand(f"contact {name}", act)

    @api.put("/faults/{device}")
    async def fault(device: Name, form: FaultSet) -> Mapping[str, Any]:
        """Put a device in trouble; an unknown fault is answered with those that there are."""

        def act() -> dict[str, Any]:
            hall.fault(device, form.fault)
            return {"ok": True}

        return await do(act)

    @api.delete("/faults/{device}")
    async def mend(device: Name) -> Mapping[str, Any]:
        """End a device's trouble, if it has any."""

        def act() -> dict[str, Any]:
            if device not in live.faults:
                raise UnknownThingError(f"no device {device!r}")
            hall.clear_fault(device)
            return {"ok": True}

        return await do(act)

    @api.put("/power")
    async def power(form: PowerSet) -> Mapping[str, Any]:
        """Cut the power of the controller, or give it back; answered when it is off, or has started again."""

        def act() -> dict[str, Any]:
            try:
                live.power(form.on)
            except (OSError, WrongJournalError, UnknownFactError) as error:
                why = error.strerror if isinstance(error, OSError) else None
                raise CannotNowError(f"the controller does not start: {why or error}") from error
            return {"ok": True, "on": live.machine.on}

        return await do(act)

    @api.post("/desk")
    async def desk(form: DeskRequest) -> Answer:
        """What an officer or guard does, as `besuk desk`; answered when its facts are durable."""
        return await ask(live.requests, Asked(form.action, form.args, form.actor))

    return api


def _room(hall: VirtualHall, reader: str, uid: str) -> None:
    """Raises CannotNowError when there is no room for one more card."""
    lying = hall.cards_on(reader)
    if uid.upper() not in lying and len(lying) >= ON_READER_MOST:
        raise CannotNowError(f"{ON_READER_MOST} cards lie on {reader} already")
    if uid.upper() not in hall.cards and len(hall.cards) >= CARDS_MOST:
        raise CannotNowError(f"there are {CARDS_MOST} cards in this world already")

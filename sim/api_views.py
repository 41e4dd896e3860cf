"""`/api/sim/v1/`, the half that looks: the world, what the controller says of it, and what reaches the centre."""

import logging
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query

from firmware.api.identity import Staff
from firmware.api.manners import Json, answered
from firmware.staff import StaffError
from sim.live_hall import LiveHall
from sim.sights import plan

log = logging.getLogger("besuk.staff")

After = Annotated[int, Query(ge=0, description="Only events beyond this sequence number.")]


class PowerOffError(Exception):
    """What would answer has no power."""


def router(live: LiveHall, staff: Staff, pins: Mapping[str, str]) -> APIRouter:
    """What can be seen of `live`."""
    api = APIRouter(tags=["the virtual hall"], default_response_class=Json)
    fixed = plan(live.hall.config)

    @api.get("/world", responses={408: {}})
    async def world() -> Mapping[str, Any]:
        """Everything that can be seen."""
        return await answered(live.calls.ask(live.world))

    @api.get("/plan")
    async def the_plan() -> Mapping[str, Any]:
        """What stands in the hall, who works there with which PIN, and whether visitors come by themselves."""
        try:
            members = list(staff.members().values())
        except StaffError as error:  # the hall is there all the same; whoever signs in is told
            log.error("%s", error)
            members = []
        people = [{"id": one.id, "role": one.role.value, "pin": pins.get(one.pin, "")} for one in members]
        return {**fixed, "staff": people, "visitors": live.people is not None}

    @api.get("/devices")
    async def devices() -> Mapping[str, Any]:
        """Everything that can be in trouble, and with what."""
        return {device: list(faults) for device, faults in live.faults.items()}

    @api.get("/events", responses={408: {}})
    async def events(after: After = 0) -> Mapping[str, Any]:
        """The last facts that have become durable, the newest last."""
        told = await answered(live.calls.ask(lambda: list(live.told)))
        return {"events": [one for one in told if one["seq"] > after]}

    @api.get("/central", responses={408: {}})
    async def central(after: After = 0) -> Mapping[str, Any]:
        """The last events as they reached the central server; as they became durable, where it is not our own."""
        return await answered(live.calls.ask(lambda: live.arrived(after)))

    @api.get("/books", responses={408: {}, 503: {}})
    async def books() -> Mapping[str, Any]:
        """What the controller knows of its queue, its visits and the guards' tasks; nothing without power."""

        def look() -> dict[str, Any]:
            if not live.machine.on:
                raise PowerOffError("the power is off: the controller knows nothing")
            return live.books()

        return await answered(live.calls.ask(look))

    return api

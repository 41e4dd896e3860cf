"""Whose card is this? The card that lies on a reader, for staff who hold one and do not know where it belongs."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as InPath

from firmware.api.identity import Identity
from firmware.api.manners import Json, answered
from firmware.controller import Controller
from services.calls import Calls

WAIT_S = 1.0
"""How long a request waits for a card to be laid down."""
LOOK_S = 0.05


def router(identity: Identity, controller: Callable[[], Controller], calls: Calls) -> APIRouter:
    """The route of the readers."""
    api = APIRouter(tags=["staff"], default_response_class=Json)

    @api.get("/readers/{name}/card", responses={204: {"model": None}, 401: {}, 404: {}, 408: {}, 429: {}})
    async def card(request: Request, name: Annotated[str, InPath(max_length=64)]) -> Response:
        """The card that lies on a reader, for somebody who has signed in: `{"number","state","visit"}`; `unknown` and
        no number when it is not enrolled. Waits a second for one; 204 when none was laid down by then."""
        identity.session(request)
        until = time.monotonic() + WAIT_S
        while True:
            seen = await answered(calls.ask(lambda: lying(controller(), name)))
            if seen is not None:
                return Json(dict(seen))
            if time.monotonic() >= until:
                return Response(status_code=204)
            await asyncio.sleep(LOOK_S)

    return api


def lying(controller: Controller, reader: str) -> Mapping[str, Any] | None:
    """The card on a reader, or None: also while a commit is under way, for then it is not certain whose it is.
    HTTPException 404 for a reader that there is not."""
    if reader not in controller.site.readers:
        raise HTTPException(404, f"no reader {reader[:32]!r}; there are {', '.join(controller.site.readers)}")
    card = controller.card_on(reader) if controller.certain else None
    if card is None:
        return None
    known = controller.hall.cards.get(card)
    if known is None:
        return {"number": "", "state": "unknown", "visit": ""}
    return {"number": known.number, "state": known.state, "visit": known.visit}

"""The web of `besuk sim`: the pages and addresses of every hall, and the virtual hall's own under `/api/sim/v1/`.

Errors are `{"detail": ".."}`: 404 for what is not there, 409 for what cannot be done as things stand, 422 for a request
that makes no sense, 503 for what has no power.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.middleware import Middleware

from firmware.api.identity import Identity, Staff
from firmware.api.manners import Json, one_line
from firmware.api.pages import serve_pages
from firmware.api.web import TOPICS, Lobby, application, feed
from hal.clock import MonotonicClock
from services.stream import Stream
from sim import api_hands, api_views
from sim.api_hands import CannotNowError
from sim.api_views import PowerOffError
from sim.hall import UnknownThingError
from sim.live_hall import LiveHall
from sim.locker import HandRefused
from sim.mains import Mains, Switch

PAGES = Path(__file__).parent / "pages"
STATUS = {UnknownThingError: 404, HandRefused: 409, CannotNowError: 409, PowerOffError: 503}


def sim_application(live: LiveHall, staff: Staff, pins: Mapping[str, str] = MappingProxyType({})) -> FastAPI:
    """Everything that `besuk sim` serves. `pins`, by their hashes, are shown on the page of the virtual hall."""
    config, stream = live.daemon.config, Stream(TOPICS)
    identity = Identity(staff, MonotonicClock(), config.web.idle, live.requests)
    lobby = Lobby(lambda: live.daemon, live.calls, identity, stream, config.language, "besuk, the virtual hall")
    live.show(feed(lambda: live.daemon, stream, lambda: live.speed))
    app = application(lobby)
    switch = Switch(lambda: live.machine.on)

    def power_failed() -> None:
        identity.end_all()
        switch.failed()

    live.on_power = power_failed
    app.user_middleware.append(Middleware(Mains, switch=switch))  # within the manners that every answer has
    for error in STATUS:
        app.add_exception_handler(error, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.include_router(api_views.router(live, staff, pins), prefix="/api/sim/v1")
    app.include_router(api_hands.router(live), prefix="/api/sim/v1")
    serve_pages(app, {"/sim": "sim.html"}, [PAGES], config.language)
    return app


async def _refused(_request: Request, error: Exception) -> Response:
    return Json({"detail": str(error)}, next(status for kind, status in STATUS.items() if isinstance(error, kind)))


async def _malformed(_request: Request, error: Exception) -> Response:
    """What does not fit, in one line; where it is no JSON at all, at which character it ceases to be."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return Json({"detail": f"this is no JSON: {first['ctx']['error']} (character {first['loc'][-1]})"}, 422)
    return Json({"detail": one_line(error)}, 422)

"""The web application of a hall: its pages, its figures, and what staff ask of it.

The server runs in a thread of its own and owns nothing. Whatever a request wants to know is asked of the scan's thread
(`services.calls`), which answers between two rounds; what changes by itself comes from there as a stream
(`firmware.api.feed`). Public: the display, figures, documentation. Everything else wants somebody who has signed in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST

from firmware.api import card_seen, identity, metrics
from firmware.api.cables import cables
from firmware.api.desk import desk
from firmware.api.display import display
from firmware.api.feed import Feed, View
from firmware.api.guard import beside, guard
from firmware.api.identity import Identity
from firmware.api.manners import Json, answered, well_mannered
from firmware.api.pages import PAGES, serve_pages
from firmware.boot import VERSION
from firmware.controller import Controller
from firmware.daemon import Daemon
from services.calls import CALL_S, Calls
from services.stream import Stream

T = TypeVar("T")

Maker = Callable[[Controller], Mapping[str, Any]]
Topic = Literal["display", "desk", "guard"]
TOPICS: tuple[Topic, ...] = ("display", "desk", "guard")
STAFF_PLACES = 50
"""Streams that are kept for staff, however many look at the display."""
ALIVE_S = 2.0
"""A scan that has not answered within this time is not well."""


@dataclass
class Lobby:
    """What the pages stand in front of. `daemon` is the one that runs now; `calls` are served by its thread."""

    daemon: Callable[[], Daemon]
    calls: Calls
    identity: Identity
    stream: Stream
    language: str
    title: str = "besuk"


def feed(daemon: Callable[[], Daemon], stream: Stream, rate: Callable[[], float] = lambda: 1) -> Feed:
    """What looks at the hall for the pages, round by round. `rate`: how fast hall time goes against theirs."""

    def views(controller: Controller) -> Mapping[str, View]:
        wires = cables(daemon().config.wiring)
        makers: Mapping[str, Maker] = {
            "display": display, "desk": desk, "guard": lambda hall: guard(hall, beside(daemon(), wires)),
        }  # fmt: skip

        def view(make: Maker) -> View:
            return lambda: {"now": controller.now, "rate": rate(), "time": daemon().label(), **make(controller)}

        return {topic: view(make) for topic, make in makers.items()}

    return Feed(stream, views, lambda: (beside(daemon(), {}), rate()))


def application(lobby: Lobby) -> FastAPI:
    """The pages and figures that every hall has."""
    app = FastAPI(title=lobby.title, version=VERSION, docs_url=None, redoc_url=None, default_response_class=Json)
    well_mannered(app)
    app.include_router(identity.router(lobby.identity), prefix="/api/v1")
    app.include_router(
        card_seen.router(lobby.identity, lambda: lobby.daemon().controller, lobby.calls), prefix="/api/v1"
    )

    async def known(look: Callable[[], T], patience_s: float = CALL_S) -> T:
        return await answered(lobby.calls.ask(look), patience_s)

    def state() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        return lobby.daemon().occupancy(), lobby.daemon().health()

    @app.get("/healthz", tags=["health"], responses={503: {}})
    async def healthz() -> Response:
        """200 while the scan runs; 503 when it does not answer. A device in trouble is told, and no reason for it."""
        try:
            occupancy, health = await known(state, ALIVE_S)
        except HTTPException:
            return Json({"ok": False, "detail": "the scan does not answer"}, 503)
        trouble = {name: state for name, state in health["devices"].items() if state != "ok"}
        return Json({"ok": True, "mode": occupancy["mode"], "seq": occupancy["seq"], "trouble": trouble})

    @app.get("/metrics", tags=["health"], responses={408: {}})
    async def figures() -> Response:
        """Figures for Prometheus."""
        occupancy, health = await known(state)
        return Response(metrics.text(occupancy, health), media_type=CONTENT_TYPE_LATEST)

    @app.get("/api/v1/occupancy", tags=["state"], responses={408: {}})
    async def occupancy() -> Mapping[str, Any]:
        """How many are inside, and how far to trust that: the same as on MQTT."""
        return await known(lambda: lobby.daemon().occupancy())

    @app.get("/api/v1/health", tags=["state"], responses={408: {}})
    async def health() -> Mapping[str, Any]:
        """How every device is: the same as on MQTT."""
        return await known(lambda: lobby.daemon().health())

    @app.get("/api/v1/stream", tags=["state"], responses={401: {}, 429: {}})
    async def stream(request: Request, topic: Topic = "display") -> Response:
        """Server-sent events: what a page shows, whenever it changes, the newest at once; a `beat` while it does not.
        The display is public; desk and guard want somebody who has signed in."""
        until: Callable[[], bool] = lambda: False  # noqa: E731
        if topic != "display":
            lobby.identity.session(request)

            def until() -> bool:
                try:
                    lobby.identity.session(request)
                except HTTPException:
                    return True
                return False

        events = lobby.stream.listen(topic, until, spare=STAFF_PLACES if topic == "display" else 0)
        return StreamingResponse(events, media_type="text/event-stream")

    serve_pages(
        app,
        {"/": "display.html", "/desk": "desk.html", "/guard": "guard.html", "/docs": "docs.html"},
        [PAGES],
        lobby.language,
    )
    return app

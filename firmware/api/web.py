"""The web application of a hall: how it is, for machines and for whoever has no MQTT; and the manners of every page.

The server runs in a thread of its own and owns nothing. Whatever a request wants to know is asked of the scan's
thread (`services.calls`), which answers between two rounds. Nothing is loaded from elsewhere, and the browser is told
so. Every error is `{"detail": ".."}` with one readable line, and the size of a request is known before it is read.
"""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firmware.api import metrics
from firmware.boot import VERSION
from firmware.daemon import Daemon
from services.calls import CALL_S, Calls, TooBusyError

T = TypeVar("T")

BODY_MOST = 65_536
ALIVE_S = 2.0
"""A scan that has not answered within this time is not well."""
PAGES = Path(__file__).parent / "pages"
MANNERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class Json(JSONResponse):
    """JSON in plain ASCII: whatever text it quotes, it can be sent."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode()


def application(daemon: Daemon, calls: Calls, *, title: str = "besuk") -> FastAPI:
    """The pages and figures that every hall has. `calls` are served by the thread that runs `daemon`."""
    app = FastAPI(title=title, version=VERSION, docs_url=None, redoc_url=None, default_response_class=Json)
    app.add_middleware(Manners)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(TooBusyError, _busy)

    @app.get("/healthz", tags=["health"])
    async def healthz() -> Response:
        """200 while the scan runs; 503 when it does not answer. A device in trouble is told, and no reason for it."""
        try:
            occupancy, health = await answered(calls.ask(lambda: (daemon.occupancy(), daemon.health())), ALIVE_S)
        except HTTPException:
            return Json({"ok": False, "detail": "the scan does not answer"}, 503)
        trouble = {name: state for name, state in health["devices"].items() if state != "ok"}
        return Json({"ok": True, "mode": occupancy["mode"], "seq": occupancy["seq"], "trouble": trouble})

    @app.get("/metrics", tags=["health"])
    async def figures() -> Response:
        """Figures for Prometheus."""
        occupancy, health = await answered(calls.ask(lambda: (daemon.occupancy(), daemon.health())))
        return Response(metrics.text(occupancy, health), media_type=CONTENT_TYPE_LATEST)

    @app.get("/api/v1/occupancy", tags=["state"])
    async def occupancy() -> Mapping[str, Any]:
        """How many are inside, and how far to trust that: the same as on MQTT."""
        return await answered(calls.ask(daemon.occupancy))

    @app.get("/api/v1/health", tags=["state"])
    async def health() -> Mapping[str, Any]:
        """How every device is: the same as on MQTT."""
        return await answered(calls.ask(daemon.health))

    page(app, "/docs", PAGES / "docs.html")
    page(app, "/docs.js", PAGES / "docs.js")
    page(app, "/besuk.css", PAGES / "besuk.css")
    return app


def page(app: FastAPI, path: str, file: Path) -> None:
    """Serve a file of our own at `path`."""

    @app.get(path, include_in_schema=False)
    async def send() -> FileResponse:
        return FileResponse(file)


async def answered(future: "Future[T]", patience_s: float = CALL_S) -> T:
    """What the scan's thread makes of a call. HTTPException 408 when it does not come to it; then it is not done."""
    waiting = asyncio.wrap_future(future)
    done, _ = await asyncio.wait([waiting], timeout=patience_s)
    if not done:
        waiting.cancel()
        raise HTTPException(408, "the hall does not answer at present")
    return waiting.result()


class Manners:
    """Around every answer: what a browser may do with it. Before every request: how long it may be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])

        async def send_with_manners(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in MANNERS.items()]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        length = headers.get(b"content-length", b"0")
        refused: Response | None = None
        if b"transfer-encoding" in headers:
            refused = Json({"detail": "the length of the request is missing"}, 411)
        elif not length.isdigit() or len(length) > 9 or int(length) > BODY_MOST:
            refused = Json({"detail": f"a request has at most {BODY_MOST} bytes"}, 413)
        await (refused or self._app)(scope, receive, send_with_manners)


def one_line(error: RequestValidationError) -> str:
    """What does not fit, as one readable line: `speed: input should be greater than 0`."""
    told = []
    for mistake in error.errors():
        where = ".".join(str(part) for part in mistake["loc"] if part not in ("body", "path", "query"))
        text = mistake["msg"][:1].lower() + mistake["msg"][1:]
        told.append(f"{where}: {text}" if where else text)
    return "; ".join(told)[:500]


async def _malformed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return Json({"detail": one_line(error)}, 422)


async def _busy(_request: Request, error: Exception) -> Response:
    return Json({"detail": str(error)}, 429)

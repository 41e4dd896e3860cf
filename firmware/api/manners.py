"""The manners of every answer: what a browser may do with it, how long a request may be, and errors in one line.

Nothing is loaded from elsewhere, and the browser is told so. Every error is `{"detail": ".."}` with one readable line,
the size of a request is known before it is read, and nobody waits for a scan that does not come to them.
"""

import asyncio
import json
import logging
from concurrent.futures import Future
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firmware.staff import StaffError
from services.calls import CALL_S, TooBusyError
from services.stream import TooManyListenersError

log = logging.getLogger("besuk.staff")

T = TypeVar("T")

BODY_MOST = 65_536
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


class Manners:
    """Around every answer: what a browser may do with it. Before every request: how long it may be. Whoever still waits
    when the server ends is told so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        begun = False

        async def send_with_manners(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                own = [(name.encode(), value.encode()) for name, value in MANNERS.items()]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        length = headers.get(b"content-length", b"0")
        refused: Response | None = None
        if b"transfer-encoding" in headers:
            refused = Json({"detail": "the length of the request is missing"}, 411)
        elif not length.isdigit() or len(length) > 9 or int(length) > BODY_MOST:
            refused = Json({"detail": f"a request has at most {BODY_MOST} bytes"}, 413)
        try:
            await (refused or self._app)(scope, receive, send_with_manners)
        except asyncio.CancelledError:  # the server's grace is over
            if not begun:
                await Json({"detail": "the hall is being stopped"}, 503)(scope, receive, send_with_manners)


def well_mannered(app: FastAPI) -> None:
    """Give an application these manners."""
    app.add_middleware(Manners)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(TooBusyError, _busy)
    app.add_exception_handler(TooManyListenersError, _busy)
    app.add_exception_handler(StaffError, _no_staff)


async def answered(future: "Future[T]", patience_s: float = CALL_S) -> T:
    """What the scan's thread makes of a call. HTTPException 408 when it does not come to it; then it is not done."""
    waiting = asyncio.wrap_future(future)
    done, _ = await asyncio.wait([waiting], timeout=patience_s)
    if not done:
        waiting.cancel()
        raise HTTPException(408, "the hall does not answer at present")
    return waiting.result()


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


async def _no_staff(_request: Request, error: Exception) -> Response:
    log.error("%s", error)  # where the file is, is the technician's
    return Json({"detail": "the staff file cannot be read; call the technician"}, 503)

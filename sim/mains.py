"""What browsers meet while the power of a virtual hall is off: the controller's addresses answer 503, streams end.

The virtual hall's own pages and hands are no part of that computer, though one process serves both.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firmware.api.manners import Json

STREAM = "/api/v1/stream"
DARK = "the power is off"


def controllers(path: str) -> bool:
    """Whether the controller would answer there, not the virtual hall."""
    return path.startswith("/api/v1/") or path in ("/healthz", "/metrics")


class Switch:
    """Tells the web server's thread that the power has failed, from the hall's."""

    def __init__(self, on: Callable[[], bool]) -> None:
        self.on = on
        self.streams: set[asyncio.Future[None]] = set()
        self.loop: asyncio.AbstractEventLoop | None = None

    def failed(self) -> None:
        """Called by the hall's thread."""
        loop = self.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        for stream in self.streams:
            if not stream.done():
                stream.set_result(None)


class Mains:
    """In front of an application."""

    def __init__(self, app: ASGIApp, switch: Switch) -> None:
        self._app = app
        self._switch = switch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not controllers(scope["path"]):
            await self._app(scope, receive, send)
        elif not self._switch.on():
            await Json({"detail": DARK}, 503)(scope, receive, send)
        elif scope["path"] == STREAM:
            await self._stream(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As long as there is power."""
        begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        self._switch.loop = asyncio.get_running_loop()
        failed: asyncio.Future[None] = self._switch.loop.create_future()
        self._switch.streams.add(failed)
        if not self._switch.on():
            failed.set_result(None)  # just now
        serving = asyncio.ensure_future(self._app(scope, receive, send_and_note))
        try:
            await asyncio.wait({serving, failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._switch.streams.discard(failed)
            cut = not serving.done()
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
        if cut and begun:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

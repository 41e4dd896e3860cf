"""The web server in its thread: uvicorn around an application that somebody else wrote.

The socket is bound by the caller's thread, so that a port in use is known at once and a port of 0 has become a number
when `start` returns. Signals stay with the daemon: uvicorn takes them only in a process's main thread.
"""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

STOP_S = 5.0
GRACE_S = 1
"""How long open streams may delay the end."""

RETRY_FIRST_S, RETRY_MOST_S = 1.0, 30.0

CONNECTIONS_MOST = 480
"""Each is an open file, of which a process may have 1,024 unless its unit says otherwise; the journal needs some."""
FROM_ONE_MOST = 60
"""Connections from one address, but for this machine's own: nobody alone takes the pages away from all others."""
FIRST_WORD_S = 10.0
"""A connection that asks for nothing within this time is closed."""
LOOPBACK = ("127.0.0.1", "::1")

log = logging.getLogger("besuk.web")


class WebError(Exception):
    """The pages cannot be served; the text is for the user."""


class Bounded(H11Protocol):
    """HTTP with a limit to how many connections there are, so that none can cost the disk its file handles."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        address = (transport.get_extra_info("peername") or ("",))[0]
        mine = (one for one in self.connections if isinstance(one, Bounded))
        others = sum(one.client is not None and one.client[0] == address for one in mine)
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MOST or (address not in LOOPBACK and others >= FROM_ONE_MOST):
            transport.abort()
        else:
            self.loop.call_later(FIRST_WORD_S, self._hurry)

    def _hurry(self) -> None:
        if self.cycle is None:
            self.transport.abort()


class WebServer:
    """Serves an ASGI application at `host` and `port`."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None
        config = uvicorn.Config(
            app, http=Bounded, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_S,
            proxy_headers=False,  # whoever asks is whom the kernel names, and not whom a header does
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> tuple[str, int]:
        """Begin to serve; returns the address in use. Raises WebError."""
        try:
            family, _, _, _, address = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)[0]
            self._socket = socket.create_server(address[:2], family=family)
        except OSError as error:
            reason = (error.strerror or str(error)).partition(" (while")[0]  # create_server repeats the address
            raise WebError(f"web {self._host}:{self._port}: {reason}") from error
        self._thread.start()
        return self._host, self._socket.getsockname()[1]

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def wait(self, timeout_s: float) -> None:
        """Until the server has ended by itself, or the time is over."""
        self._thread.join(timeout_s)

    def stop(self) -> None:
        """End, giving open requests a moment."""
        if self._socket is None:
            return
        self._server.should_exit = True
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            self._server.force_exit = True
            self._thread.join(STOP_S)
        self._socket.close()
        self._socket = None

    def _run(self) -> None:
        assert self._socket is not None
        try:
            self._server.run(sockets=[self._socket])
        except SystemExit:  # uvicorn's word for an application that does not start; it has logged why
            log.error("the web server ended: its application does not start")


class Pages:
    """A web server that does not give up: a port in use is told once, and tried again while the hall runs."""

    def __init__(
        self, app: Any, host: str, port: int, say: Callable[[str], None], complain: Callable[[str], None]
    ) -> None:
        """`say` hears where the pages are once they are served, `complain` why they are not."""
        self._app = app
        self._host, self._port = host, port
        self._say, self._complain = say, complain
        self._server: WebServer | None = None
        self._try_at_s = 0.0
        self._pause_s = 0.0

    @property
    def serving(self) -> bool:
        return self._server is not None

    def step(self) -> None:
        """Try to serve, if nobody does yet and it is time to."""
        if self._server is not None and not self._server.alive:
            self._server.stop()
            self._server = None
            self._complain("the web server ended by itself; trying again while the hall runs")
        if self.serving or time.monotonic() < self._try_at_s:
            return
        server = WebServer(self._app, self._host, self._port)
        try:
            host, port = server.start()
        except WebError as error:
            if not self._pause_s:
                self._complain(f"{error}; trying again while the hall runs")
            self._pause_s = min(max(self._pause_s * 2, RETRY_FIRST_S), RETRY_MOST_S)
            self._try_at_s = time.monotonic() + self._pause_s
            return
        self._server = server
        self._say(f"web: http://{f'[{host}]' if ':' in host else host}:{port}")

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

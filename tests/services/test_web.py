"""The web server in its thread."""

import signal
import socket
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from services.web import Pages, WebError, WebServer


def make_app() -> FastAPI:
    app = FastAPI()

    @app.get("/healthz")
    def healthz() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/stream")
    def stream() -> StreamingResponse:
        async def forever() -> AsyncIterator[str]:
            import asyncio

            while True:
                yield "data: tik\n\n"
                await asyncio.sleep(0.01)

        return StreamingResponse(forever(), media_type="text/event-stream")

    return app


def test_pages_are_served_and_signals_left_to_the_daemon() -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    web = WebServer(make_app(), "127.0.0.1", 0)
    host, port = web.start()
    with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=10) as page:
        assert page.read() == b'{"ok":true}'
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    web.stop()
    assert not web.alive
    with socket.create_server((host, port)):
        pass  # the port is free again


def test_a_port_in_use_is_one_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WebError, match=rf"^web 127.0.0.1:{port}: Address already in use$"):
            WebServer(make_app(), "127.0.0.1", port).start()


def test_pages_wait_for_a_port_in_use_and_say_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.web.RETRY_FIRST_S", 0.01)
    monkeypatch.setattr("services.web.RETRY_MOST_S", 0.02)
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        pages = Pages(make_app(), "127.0.0.1", port, said.append, said.append)
        tried_until = time.monotonic() + 0.1
        while time.monotonic() < tried_until:
            pages.step()
        assert not pages.serving
        assert said == [f"web 127.0.0.1:{port}: Address already in use; trying again while the hall runs"]
    give_up = time.monotonic() + 10
    while not pages.serving and time.monotonic() < give_up:
        pages.step()
    assert said[1:] == [f"web: http://127.0.0.1:{port}"]
    pages.stop()


def test_an_open_stream_does_not_hold_up_the_end() -> None:
    web = WebServer(make_app(), "127.0.0.1", 0)
    host, port = web.start()
    page: Any = urllib.request.urlopen(f"http://{host}:{port}/stream", timeout=10)
    assert page.readline() == b"data: tik\n"
    web.stop()
    assert not web.alive
    page.close()


def test_stopping_what_never_started_is_harmless() -> None:
    WebServer(make_app(), "127.0.0.1", 0).stop()


def test_an_application_that_does_not_start_is_logged_and_seen(caplog: pytest.LogCaptureFixture) -> None:
    @asynccontextmanager
    async def fails(_app: FastAPI) -> AsyncIterator[None]:
        raise RuntimeError("no pages today")
        yield

    web = WebServer(FastAPI(lifespan=fails), "127.0.0.1", 0)
    web.start()
    web.wait(10)
    assert not web.alive
    assert "the web server ended: its application does not start" in caplog.text
    web.stop()


def test_no_more_connections_are_held_than_the_journal_can_spare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.web.CONNECTIONS_MOST", 3)
    web = WebServer(make_app(), "127.0.0.1", 0)
    address = web.start()
    with ExitStack() as lines:
        held = [lines.enter_context(socket.create_connection(address)) for _ in range(3)]
        for line in held:
            assert ask(line).startswith(b"HTTP/1.1 200")
        one_more = lines.enter_context(socket.create_connection(address))
        assert ask(one_more) == b"", "it is hung up on"
        for line in held:
            assert ask(line).startswith(b"HTTP/1.1 200"), "whoever was there stays"
    web.stop()


def test_nobody_alone_takes_all_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.web.FROM_ONE_MOST", 1)
    monkeypatch.setattr("services.web.LOOPBACK", ())
    web = WebServer(make_app(), "127.0.0.1", 0)
    address = web.start()
    with socket.create_connection(address) as first, socket.create_connection(address) as second:
        assert ask(first).startswith(b"HTTP/1.1 200")
        assert ask(second) == b""
    web.stop()


def test_whoever_connects_and_asks_for_nothing_is_shown_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.web.FIRST_WORD_S", 0.01)
    web = WebServer(make_app(), "127.0.0.1", 0)
    address = web.start()
    with socket.create_connection(address) as silent:
        silent.settimeout(10)
        assert hung_up(silent)
    web.stop()


def test_an_address_in_a_header_is_nobodys() -> None:
    app = make_app()

    @app.get("/whoami")
    def whoami(request: Request) -> str:
        return request.client.host if request.client else ""

    web = WebServer(app, "127.0.0.1", 0)
    host, port = web.start()
    asked = urllib.request.Request(f"http://{host}:{port}/whoami", headers={"x-forwarded-for": "10.9.8.7"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.read() == b'"127.0.0.1"'
    web.stop()


def test_pages_come_back_when_their_server_has_ended_by_itself() -> None:
    said: list[str] = []
    complained: list[str] = []
    pages = Pages(make_app(), "127.0.0.1", 0, said.append, complained.append)
    pages.step()
    assert pages._server is not None
    pages._server.stop()
    pages.step()
    assert (len(said), complained) == (2, ["the web server ended by itself; trying again while the hall runs"])
    with urllib.request.urlopen(f"{said[1].removeprefix('web: ')}/healthz", timeout=10) as answer:
        assert answer.status == 200
    pages.stop()


def ask(line: socket.socket) -> bytes:
    """The whole answer to one request on a connection that stays open; nothing where it was hung up on."""
    line.settimeout(10)
    answer = b""
    try:
        line.sendall(b"GET /healthz HTTP/1.1\r\nhost: hall\r\n\r\n")
        while not answer.endswith(b"}"):
            more = line.recv(65_536)
            if not more:
                break
            answer += more
    except ConnectionError:
        return b""
    return answer


def hung_up(line: socket.socket) -> bool:
    try:
        return line.recv(1) == b""
    except ConnectionError:
        return True

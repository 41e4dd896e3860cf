"""The web server in its thread."""

import signal
import socket
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
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

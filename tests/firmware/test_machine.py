"""What the real world's side does about a disk that is full, read-only or new."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.machine import KeyFileError, card_key
from firmware.service import OK, WRONG, serve
from services.control import ControlServer
from services.requests import RequestQueue
from tests.rig import CONFIG, Rig


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def served(state: Path) -> int:
    """Serve a hall out of `state` for a moment; the exit code."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    rig = Rig(CONFIG.model_copy(update={"web": CONFIG.web.model_copy(update={"port": port})}))
    ends = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    ends.start()
    try:
        return serve(rig.daemon, state)
    finally:
        ends.cancel()


def test_a_socket_that_cannot_be_made_keeps_nobody_from_the_arm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / ("long" * 30)  # no socket has so long a name; a full or read-only disk refuses it as well
    state.mkdir()
    assert served(state) == OK
    assert "nobody can ask over it" in caplog.text


def test_the_place_of_a_living_daemon_is_not_taken(tmp_path: Path) -> None:
    other = ControlServer(tmp_path / "control.sock", RequestQueue())
    other.start()
    try:
        assert served(tmp_path) == WRONG
    finally:
        other.stop()


def test_the_card_key_is_made_once_for_our_eyes_only(tmp_path: Path) -> None:
    key = card_key(tmp_path)
    path = tmp_path / "keys" / "card-key"
    assert len(key) == 32
    assert card_key(tmp_path) == key == path.read_bytes()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [file.name for file in path.parent.iterdir()] == ["card-key"]


def test_a_card_key_that_is_too_short_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "card-key").write_bytes(b"short")
    with pytest.raises(KeyFileError, match="needs at least 32"):
        card_key(tmp_path)

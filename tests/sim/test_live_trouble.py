"""What goes wrong around a live hall: no folder, no broker, no way in for visitors, an officer who is at a loss."""

import asyncio
import importlib.util
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from firmware.config import load
from sim import embedded_broker, live, world_file
from sim.embedded_broker import HOST, EmbeddedBroker
from sim.live_hall import LiveHall
from sim.people.agents import Story, Wait
from sim.people.live import LOSS_MS
from sim.world_file import WorldFileError
from tests.hall_hands import until

CONFIG = load(Path(__file__).parents[2] / "config.yaml")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_state_that_is_no_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state"
    state.write_text("a file")
    assert live.main(CONFIG, broker="none", web="none", visitors=0, state=state) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_staff_file_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "staff.json").write_text("{")
    assert live.main(CONFIG, broker="none", web="127.0.0.1:0", visitors=0, state=tmp_path) == 2
    told = capsys.readouterr().err
    assert f"{tmp_path / 'staff.json'}: is not a staff file; restore it, or remove it and add everybody\n" in told
    assert "Traceback" not in told


def test_a_world_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorldFileError, match="Is a directory"):
        world_file.load(tmp_path)


def test_without_its_broker_the_hall_runs_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with ExitStack() as ending:
        assert live.start_broker(ending) is None
    assert "--broker HOST:PORT" in capsys.readouterr().err


def test_a_broker_that_hangs_is_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("iotcore", reason="`iotcore` is not installed (pip install 'besuk[sim]')")
    monkeypatch.setattr(embedded_broker, "STOP_S", 0.2)
    broker = EmbeddedBroker()
    broker.start()
    child = broker.pid
    assert child is not None
    os.kill(child, signal.SIGSTOP)
    threads = Path(f"/proc/{child}/task")
    until(lambda: all(_state(one) == "T" for one in threads.iterdir()), "every thread of it stands still")
    broker.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def _state(thread: Path) -> str:
    return (thread / "stat").read_text().rpartition(")")[2].split()[0]


def test_whoever_speaks_no_mqtt_is_hung_up_on() -> None:
    async def speak(words: bytes) -> bytes:
        server = await asyncio.start_server(partial(embedded_broker._pass_on, {}), HOST, 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(words)
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(speak(b"GET / HTTP/1.1\r\n\r\n")) == b""
    assert asyncio.run(speak(b"\x10")) == b""


def test_where_no_visitor_finds_their_way_none_comes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readers = {name: reader for name, reader in CONFIG.readers.items() if name != "desk"}
    hall = LiveHall(CONFIG.model_copy(update={"readers": readers}), tmp_path, mqtt=None)
    hall.prepare()
    live.invite(hall, None, 1)
    hall.stop()
    assert "nobody comes by themselves: visitors need" in capsys.readouterr().err


def test_an_officer_at_a_loss_begins_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hall = LiveHall(CONFIG, tmp_path, mqtt=None)
    hall.prepare()
    hall.invite(None, 1)
    tries = 0

    def work() -> Story[None]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise AssertionError("somebody took the card from the desk")
        yield Wait(1)

    assert hall.people is not None
    story = hall.people._keep_working(work)
    with caplog.at_level(logging.WARNING):
        assert next(story).ms == LOSS_MS
        assert story.send(False).ms == 1
    assert "an officer is at a loss: somebody took the card from the desk" in caplog.text
    hall.stop()

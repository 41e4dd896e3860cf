"""The broker that `besuk sim` brings along: both versions of MQTT on one port, and gone when its parent is."""

import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from services.mqtt import Connected, Event, MqttSettings, Received
from services.paho_transport import PahoTransport
from sim.embedded_broker import EmbeddedBroker, EmbeddedBrokerError

pytest.importorskip("iotcore", reason="`iotcore` is not installed (pip install 'besuk[sim]')")

DEADLINE_S = 20.0


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    broker = EmbeddedBroker()
    yield broker.start()
    broker.stop()


def until(transport: PahoTransport, kind: type[Event]) -> Event:
    give_up = time.monotonic() + DEADLINE_S
    while time.monotonic() < give_up:
        for event in transport.poll():
            if isinstance(event, kind):
                return event
        time.sleep(0.001)
    raise AssertionError(f"no {kind.__name__}")


def client(address: tuple[str, int], name: str, version: str, topics: tuple[str, ...] = ()) -> PahoTransport:
    settings = MqttSettings(
        *address, client_id=name, version="5" if version == "5" else "3.1.1", subscriptions=topics, retry_first_s=0.05
    )
    transport = PahoTransport(settings, random=random.Random(1).random)
    transport.start()
    until(transport, Connected)
    return transport


@pytest.mark.parametrize("speaks", ["5", "3.1.1"])
@pytest.mark.parametrize("hears", ["5", "3.1.1"])
def test_both_versions_meet_on_one_port(address: tuple[str, int], speaks: str, hears: str) -> None:
    topic = f"hall/{speaks}/{hears}"
    listener = client(address, "listener" + hears, hears, (topic,))
    speaker = client(address, "speaker" + speaks, speaks)
    speaker.publish(topic, b"x" * 100_000)
    assert until(listener, Received) == Received(topic, b"x" * 100_000)
    speaker.stop()
    listener.stop()


def test_what_is_no_mqtt_is_shown_out(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=DEADLINE_S) as line, suppress(ConnectionError):
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert line.recv(100) == b""


def test_it_listens_on_loopback_only(address: tuple[str, int]) -> None:
    with open("/proc/net/tcp") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert [each for each in listening if each.endswith(f":{address[1]:04X}")] == [f"0100007F:{address[1]:04X}"]


def test_it_ends_with_its_parent_even_when_that_is_killed() -> None:
    program = (
        "import sys; from sim.embedded_broker import EmbeddedBroker; broker = EmbeddedBroker();"
        "print(broker.start()[1], broker.pid, flush=True); sys.stdin.read()"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    with parent.stdin, parent.stdout:
        port, pid = map(int, parent.stdout.readline().split())
        with closing(socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)):
            child = os.pidfd_open(pid)
            parent.send_signal(signal.SIGKILL)
            parent.wait()
            ended, _, _ = select.select([child], [], [], DEADLINE_S)
            os.close(child)
        assert ended


def test_stopping_twice_is_harmless_and_frees_the_port() -> None:
    broker = EmbeddedBroker()
    host, port = broker.start()
    broker.stop()
    broker.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port), timeout=DEADLINE_S)


def test_without_the_package_the_user_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(EmbeddedBrokerError, match=r"pip install 'besuk\[sim\]'.*--broker none"):
        EmbeddedBroker().start()

"""The outbox over a real mosquitto, with the central server's receiver behind it: nothing is lost, whatever dies."""

import random
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import pytest

from hal.clock import MonotonicClock
from services.mqtt import MqttSettings, Received
from services.outbox import Outbox
from services.paho_transport import PahoTransport
from services.writer import ThreadWriter
from sim.embedded_broker import EmbeddedBroker
from sim.receiver import Receiver, ReceiverThread, subscriptions
from tests.services.broker_rig import DEADLINE_S, Mosquitto
from tests.services.journal_rig import JOURNAL, ROOT, MemoryJournal


class Address(Protocol):
    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


def transport(broker: Address, name: str, topics: tuple[str, ...], version: str = "5") -> PahoTransport:
    settings = MqttSettings(
        broker.host,
        broker.port,
        name,
        version="3.1.1" if version == "3.1.1" else "5",
        subscriptions=topics,
        retry_first_s=0.02,
        retry_most_s=0.1,
    )
    return PahoTransport(settings, random=random.Random(name).random)


class Line:
    """A hall and a central server on one broker, driven by turns in the test's own thread."""

    def __init__(self, broker: Address, journal: MemoryJournal, reader: ThreadWriter, version: str) -> None:
        self.clock = MonotonicClock()
        self.hall = transport(broker, "besuk-hall", (ROOT + "ack",), version)
        self.outbox = Outbox(journal, self.hall, ROOT + "event", JOURNAL, reader, ack_wait_ms=200)
        self.stored: list[bytes] = []
        self.server = Receiver(transport(broker, "central", subscriptions(ROOT), version), ROOT, self.stored.append)
        self.server.transport.start()

    def turn(self) -> None:
        now_ms = self.clock.now()
        for event in self.hall.poll():
            self.outbox.heard(event, now_ms)
            if isinstance(event, Received):
                self.outbox.acknowledge(event.payload, now_ms)
        self.outbox.step(now_ms)
        self.server.step(now_ms)

    def until(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + DEADLINE_S
        while not condition():
            self.turn()
            time.sleep(0.0005)
            assert time.monotonic() < until, f"{self.outbox.cursor} {self.server.stored} {self.server.violations[:3]}"


@pytest.fixture
def worker() -> Iterator[ThreadWriter]:
    reader = ThreadWriter()
    yield reader
    reader.close()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_every_line_reaches_the_central_server_and_is_acknowledged(
    mosquitto: Mosquitto, worker: ThreadWriter, version: str
) -> None:
    journal = MemoryJournal(1_500)
    line = Line(mosquitto, journal, worker, version)
    line.hall.start()
    line.until(lambda: line.outbox.cursor.delivered == 1_500)
    assert line.stored == [each.raw for each in journal.lines]
    assert (line.server.repeats, line.server.gaps, line.server.violations) == (0, 0, [])
    line.hall.stop()
    line.server.transport.stop()


def test_a_broker_killed_again_and_again_loses_nothing(mosquitto: Mosquitto, worker: ThreadWriter) -> None:
    journal = MemoryJournal(1_000)
    line = Line(mosquitto, journal, worker, "5")
    line.hall.start()
    for share in (200, 500, 800):
        line.until(lambda share=share: line.server.stored >= share)  # type: ignore[misc]
        mosquitto.kill()
        journal.write(100)
        line.turn()
        mosquitto.start()
    line.until(lambda: line.outbox.cursor.delivered == 1_300)
    assert line.stored == [each.raw for each in journal.lines]
    assert line.server.violations == []
    line.hall.stop()
    line.server.transport.stop()


def test_a_long_absence_is_caught_up_with(mosquitto: Mosquitto, worker: ThreadWriter) -> None:
    journal = MemoryJournal(20_000)
    line = Line(mosquitto, journal, worker, "5")
    line.turn()
    assert line.outbox.backlog(line.clock.now()).unsent == 20_000
    line.hall.start()
    line.until(lambda: line.outbox.cursor.delivered == 20_000)
    assert line.server.stored == 20_000
    assert line.server.violations == []
    line.hall.stop()
    line.server.transport.stop()


class HostPort(NamedTuple):
    host: str
    port: int


def test_on_the_embedded_broker_a_receiver_in_its_own_thread_acknowledges(worker: ThreadWriter) -> None:
    pytest.importorskip("iotcore", reason="`iotcore` is not installed (pip install 'besuk[sim]')")
    embedded = EmbeddedBroker()
    address = HostPort(*embedded.start())
    journal = MemoryJournal(1_000)
    clock = MonotonicClock()
    stored: list[bytes] = []
    server = Receiver(transport(address, "central", subscriptions(ROOT)), ROOT, stored.append)
    receiving = ReceiverThread(server, clock)
    receiving.start()
    hall = transport(address, "besuk-hall", (ROOT + "ack",))
    outbox = Outbox(journal, hall, ROOT + "event", JOURNAL, worker, ack_wait_ms=200)
    hall.start()
    until = time.monotonic() + DEADLINE_S
    while outbox.cursor.delivered < 1_000:
        for event in hall.poll():
            outbox.heard(event, clock.now())
            if isinstance(event, Received):
                outbox.acknowledge(event.payload, clock.now())
        outbox.step(clock.now())
        time.sleep(0.001)
        assert time.monotonic() < until, f"{outbox.cursor} {server.stored} {server.violations}"
    assert stored == [each.raw for each in journal.lines]
    hall.stop()
    receiving.stop()
    embedded.stop()

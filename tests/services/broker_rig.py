"""A real broker to talk to, Debian's mosquitto, and an ear on a transport."""

import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from services.mqtt import Event, Transport

DEADLINE_S = 60.0

E = TypeVar("E", bound=Event)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


class Mosquitto:
    """One mosquitto with the given lines in its configuration; `kill` and `start` it at will, on the same port."""

    host = "127.0.0.1"

    def __init__(self, program: str, folder: Path, *lines: str, anonymous: bool = True) -> None:
        self.port = free_port()
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "mosquitto.log"
        self._configuration = folder / "mosquitto.conf"
        own = (f"listener {self.port} {self.host}", f"allow_anonymous {'true' if anonymous else 'false'}")
        self._configuration.write_text("\n".join((*own, *lines)) + "\n")

    def start(self) -> "Mosquitto":
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", self._configuration], stdout=log, stderr=log)
        until = time.monotonic() + DEADLINE_S
        while self._process.poll() is None and time.monotonic() < until:
            with suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
                return self
        raise AssertionError(f"mosquitto does not start: {self._log.read_text()}")

    def kill(self) -> None:
        """As a power cut would: nothing is saved, nobody is told."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def log(self) -> str:
        return self._log.read_text()


MakeMosquitto = Callable[..., Mosquitto]


class Listening:
    """A transport and all that it has reported so far. `everybody` listens along, as scans elsewhere would."""

    def __init__(self, transport: Transport, everybody: "list[Listening]") -> None:
        self.transport = transport
        self._everybody = everybody
        self.events: list[Event] = []
        self._seen = 0

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def take(self) -> None:
        self.events += self.transport.poll()

    def until(self, kind: type[E], wanted: Callable[[E], bool] = lambda _event: True) -> E:
        """The next event of that kind, from where the last search ended; fails after a deadline."""
        until = time.monotonic() + DEADLINE_S
        while True:
            for each in self._everybody:
                each.take()
            while self._seen < len(self.events):
                event = self.events[self._seen]
                self._seen += 1
                if isinstance(event, kind) and wanted(event):
                    return event
            assert time.monotonic() < until, f"no {kind.__name__} among {self.events[-10:]}"
            time.sleep(0.001)


Listen = Callable[[Transport], Listening]

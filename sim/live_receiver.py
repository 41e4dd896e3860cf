"""The desk's central server: it stores every event in one file of lines, acknowledges, and shows what came last.

A restart reads the file again. Without it a receiver that starts anew would wait for ever for events that it
acknowledged in an earlier life.
"""

import json
import random
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hal.clock import MonotonicClock
from services.mqtt import MqttSettings
from services.paho_transport import PahoTransport
from sim.receiver import Receiver, ReceiverThread, subscriptions

LATEST_MOST = 200


class ReceivedFile:
    """`store` appends; a line that a kill has torn is cut off, for it was never acknowledged."""

    def __init__(self, path: Path) -> None:
        content = path.read_bytes() if path.exists() else b""
        whole = content.rfind(b"\n") + 1
        self._lines = content[:whole].split(b"\n")[:-1]
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self._file.truncate(whole)
        self._file.seek(whole)
        self._lock = threading.Lock()
        self._count = len(self._lines)
        self._latest = deque(self._lines[-LATEST_MOST:], LATEST_MOST)

    def tell(self, remember: Callable[[bytes], None]) -> None:
        """Tell what was stored in earlier lives, line by line."""
        for line in self._lines:
            remember(line)
        self._lines.clear()

    def close(self) -> None:
        self._file.close()

    def store(self, line: bytes) -> None:
        self._file.write(line + b"\n")
        with self._lock:
            self._count += 1
            self._latest.append(line)

    def latest(self) -> tuple[int, list[bytes]]:
        """How many there are, and the last of them. From any thread."""
        with self._lock:
            return self._count, list(self._latest)


class Central:
    """A receiver with its file, at a real broker."""

    def __init__(self, source: str, mqtt: MqttSettings, path: Path) -> None:
        """`source` is the journal's, which is the root of its topics. Raises OSError for a file that cannot be used."""
        root = f"{source}/"
        settings = MqttSettings(mqtt.host, mqtt.port, client_id="central", subscriptions=subscriptions(root))
        self._file = ReceivedFile(path)
        self._receiver = Receiver(PahoTransport(settings, random=random.random), root, self._file.store)
        self._file.tell(self._receiver.remember)
        self._thread = ReceiverThread(self._receiver, MonotonicClock())

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop()
        self._file.close()

    def seen(self, after: int) -> dict[str, Any]:
        """The last events with a sequence number beyond `after`, how many there are in all, and what the hall last
        said of itself, or its will. From any thread."""
        stored, lines = self._file.latest()
        events = [event(line) for line in lines]
        status = self._receiver.latest.get("status")
        return {
            "stored": stored,
            "status": json.loads(status) if status else {},
            "events": [one for one in events if one["seq"] > after],
        }


def event(line: bytes) -> dict[str, Any]:
    """An event as `GET events` tells it: `seq`, `time`, `type` without its prefix, `data`."""
    told = json.loads(line)
    return {
        "seq": told["seq"], "time": told["time"], "type": told["type"].removeprefix("besuk."), "data": told["data"],
    }  # fmt: skip

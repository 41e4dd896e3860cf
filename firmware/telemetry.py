"""What the central server hears: status with its last will, occupancy, health, and the events that trail the journal.

Retained messages are positions: only the newest matters, and it is said again after every connection. Occupancy goes
out on change, twice a second at most and the last change always, and each minute; health on change and each half
minute. Events are the outbox's. Nothing here waits, and a broker that is missing delays nothing.
"""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from firmware.api import payloads
from hal.clock import Millis
from services.journal import Journal
from services.mqtt import Connected, Disconnected, Message, Received, Transport, Trouble
from services.outbox import Outbox

log = logging.getLogger(__name__)

OCCUPANCY_LEAST_MS: Millis = 500
OCCUPANCY_MOST_MS: Millis = 60_000
HEALTH_LEAST_MS: Millis = 1_000
HEALTH_MOST_MS: Millis = 30_000
LOOK_MS: Millis = 250
"""Between two looks while something may still have to be said."""
LABELS = frozenset({"time", "seq", "scan_p99_us", "commit_p99_us"})
"""What in a payload is never news by itself."""
FAR = 1 << 62


def encode(payload: Mapping[str, Any]) -> bytes:
    """JSON as everything here is written: UTF-8, no white space."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


class Position:
    """A retained message: said when it changes, not too often, and again after a while."""

    def __init__(self, topic: str, least_ms: Millis, most_ms: Millis) -> None:
        self.topic = topic
        self._least_ms = least_ms
        self._most_ms = most_ms
        self._said: Mapping[str, Any] | None = None
        self._said_at: Millis = -FAR

    def again(self) -> None:
        """A new connection: it has to be said once more."""
        self._said_at, self._said = -FAR, None

    def due(self, now: Millis) -> Millis:
        """When it is next said, if it does not change: at a full half minute or minute, with all that repeats."""
        return max(now, (self._said_at // self._most_ms + 1) * self._most_ms)

    def say(self, transport: Transport, make: Callable[[], Mapping[str, Any]], now: Millis) -> bool:
        """Whether all is said; if not, ask again soon. `make` gives what holds now; labels alone are no news."""
        since = now - self._said_at
        if since < self._least_ms:
            return False
        payload = make()
        news = {key: value for key, value in payload.items() if key not in LABELS}
        if news == self._said and now < self.due(now):
            return True
        if transport.publish(self.topic, encode(payload), retain=True) is None:
            return False
        self._said, self._said_at = news, now
        return True


class Telemetry:
    """Polled by the daemon after each scan."""

    def __init__(
        self,
        *,
        transport: Transport,
        outbox: Outbox,
        journal: Journal,
        root: str,
        version: str,
        time: Callable[[], str],
        occupancy: Callable[[], Mapping[str, Any]],
        health: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`occupancy` and `health` make their payloads as of now; `time` labels a moment."""
        self.outbox = outbox
        self.connected = False
        self.trouble = ""
        """Why there is no connection, for the technician."""
        self._transport = transport
        self._journal = journal
        self._root = root
        self._version = version
        self._time = time
        self._make_occupancy = occupancy
        self._make_health = health
        self._occupancy = Position(f"{root}/occupancy", OCCUPANCY_LEAST_MS, OCCUPANCY_MOST_MS)
        self._health = Position(f"{root}/health", HEALTH_LEAST_MS, HEALTH_MOST_MS)
        self._status_due = False
        self._greeted = False
        self._look_at: Millis = 0
        self._idle_until: Millis = 0

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._transport.start()

    def changed(self, now: Millis) -> None:
        """Something became durable, or a device's health changed: what is said may be news."""
        self._look_at = min(self._look_at, now)
        self._idle_until = now

    def step(self, now: Millis) -> None:
        """Hear what came, say what is due."""
        events = self._transport.poll()
        if not events and now < self._idle_until:
            return
        for event in events:
            self.outbox.heard(event, now)
            match event:
                case Connected():
                    self.connected, self.trouble, self._status_due = True, "", True
                    self._occupancy.again()
                    self._health.again()
                    self._look_at = now
                case Disconnected():
                    self.connected = False
                    log.warning("broker: connection lost: %s", event.reason)
                    self.trouble = event.reason
                case Received() if event.topic == f"{self._root}/ack":
                    self.outbox.acknowledge(event.payload, now)
                case Trouble():
                    self.trouble = event.text
                    log.warning("broker: %s", event.text)
                case _:
                    pass
        if self.connected:
            self._say(now)
        self.outbox.step(now)
        due = self.due(now)
        self._idle_until = FAR if due is None else due

    def _say(self, now: Millis) -> None:
        if self._status_due:
            reason = "reconnected" if self._greeted else "started"
            message = self.status(online=True, reason=reason)
            if self._transport.publish(message.topic, message.payload, retain=True) is None:
                return
            self._status_due, self._greeted = False, True
            log.info("broker: connected")
        if now < self._look_at:
            return
        occupancy_said = self._occupancy.say(self._transport, self._make_occupancy, now)
        health_said = self._health.say(self._transport, self._make_health, now)
        all_said = occupancy_said and health_said
        self._look_at = min(self._occupancy.due(now), self._health.due(now)) if all_said else now + LOOK_MS

    def status(self, *, online: bool, reason: str) -> Message:
        """The retained word on whether we are there; also the last will."""
        payload = payloads.status(
            online=online, reason=reason, version=self._version, journal=self._journal.id, boot=self._journal.boot,
            simulated=self._journal.origin.simulated, time=self._time(),
        )  # fmt: skip
        return Message(f"{self._root}/status", encode(payload), retain=True)

    def due(self, now: Millis) -> Millis | None:
        """When `step` next has something to do, should nothing be heard until then."""
        moments = [self.outbox.due(now)]
        if self.connected:
            moments.append(now if self._status_due else max(now, self._look_at))
        return min((moment for moment in moments if moment is not None), default=None)

    def stop(self, reason: str) -> None:
        """Say that we go: `stopped` in good order, `lost` after a fault, as the will would."""
        self._transport.stop(self.status(online=False, reason=reason))

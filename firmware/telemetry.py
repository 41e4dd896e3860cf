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

    def say(self, transport: Transport, make: Callable[[], Mapping[str, Any]], now: Millis) -> None:
        """`make` gives what holds now; its `time` and `seq` alone do not make it new."""
        since = now - self._said_at
        if since < self._least_ms:
            return
        payload = make()
        news = {key: value for key, value in payload.items() if key not in ("time", "seq")}
        if news == self._said and now < self.due(now):
            return
        if transport.publish(self.topic, encode(payload), retain=True) is not None:
            self._said, self._said_at = news, now


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
        self._changed_at: Millis = 0
        self._look_at: Millis = 0
        self._idle_until: Millis = 0

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._transport.start()

    def changed(self, now: Millis) -> None:
        """Something became durable, or a device's health changed: what is said may be news."""
        self._look_at = min(self._look_at, now)
        self._changed_at = self._idle_until = now

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
        self._occupancy.say(self._transport, self._make_occupancy, now)
        self._health.say(self._transport, self._make_health, now)
        settled = now - self._changed_at >= HEALTH_LEAST_MS
        said_next = min(self._occupancy.due(now), self._health.due(now))
        self._look_at = said_next if settled else now + OCCUPANCY_LEAST_MS // 2

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

    def stop(self) -> None:
        """Say that we go, in good order."""
        self._transport.stop(self.status(online=False, reason="stopped"))

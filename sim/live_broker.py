"""The daemon's line to a real broker, with a hand that cuts it or leaves it dangling.

A cut line leads to a port at which nobody listens; a stuck one to a port that takes the connection and says nothing. So
the session above meets what a network does, and comes back by its own rules when the line is mended.
"""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from services.mqtt import Connected, Disconnected, Event, Message, MqttSettings
from services.paho_transport import PahoTransport

FAULTS = ("unplugged", "stuck")
RETRY_MOST_S = 5.0
"""A desk has no patience for a minute of back-off."""
DIE_S = 1.0


class BrokerLine:
    """A `Transport` to the broker of `settings`."""

    def __init__(self, settings: MqttSettings, will: Callable[[], Message], random: Random) -> None:
        self._settings = replace(settings, retry_most_s=RETRY_MOST_S)
        self._session = PahoTransport(self._settings, random=random.random, will=will)
        self._nowhere: socket.socket | None = None
        self._connected = False

    # -- the hand's face

    def die(self) -> None:
        """The computer loses its power: the connection ends without a word, and so the broker tells the will."""
        self.poll()
        self.fault("unplugged")
        until = time.monotonic() + DIE_S
        while self._connected and time.monotonic() < until:
            self.poll()
            time.sleep(0.001)
        threading.Thread(target=self.stop, name="mqtt-end", daemon=True).start()

    def fault(self, fault: str | None) -> None:
        """Begin one of FAULTS, or mend the line (None)."""
        self._leave_nowhere()
        if fault is None:
            self._session.settings = self._settings
        else:
            self._nowhere = socket.socket()
            self._nowhere.bind(("127.0.0.1", 0))
            if fault == "stuck":
                self._nowhere.listen(16)
            host, port = self._nowhere.getsockname()
            self._session.settings = replace(self._settings, host=host, port=port, tls=None)
        self._session.reconnect(f"the line is {fault}" if fault else "the line is mended")

    # -- the wire's face

    def start(self) -> None:
        self._session.start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        return self._session.publish(topic, payload, retain=retain)

    def poll(self) -> Sequence[Event]:
        events = self._session.poll()
        for event in events:
            if isinstance(event, Connected | Disconnected):
                self._connected = isinstance(event, Connected)
        return events

    def reconnect(self, why: str) -> None:
        self._session.reconnect(why)

    def stop(self, last: Message | None = None) -> None:
        self._session.stop(last)
        self._leave_nowhere()

    def _leave_nowhere(self) -> None:
        if self._nowhere is not None:
            self._nowhere.close()
            self._nowhere = None

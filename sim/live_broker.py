"""The daemon's line to a real broker, with a hand that cuts it or leaves it dangling.

A cut line leads to a port at which nobody listens; a stuck one to a port that takes the connection and says nothing. So
the session above meets what a network does, and comes back by its own rules when the line is mended.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from services.mqtt import Event, Message, MqttSettings
from services.paho_transport import PahoTransport

FAULTS = ("unplugged", "stuck")
RETRY_MOST_S = 5.0
"""A desk has no patience for a minute of back-off."""


class BrokerLine:
    """A `Transport` to the broker of `settings`."""

    def __init__(self, settings: MqttSettings, will: Callable[[], Message], random: Random) -> None:
        self._settings = replace(settings, retry_most_s=RETRY_MOST_S)
        self._session = PahoTransport(self._settings, random=random.random, will=will)
        self._nowhere: socket.socket | None = None

    # -- the hand's face

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
        return self._session.poll()

    def reconnect(self, why: str) -> None:
        self._session.reconnect(why)

    def stop(self, last: Message | None = None) -> None:
        self._session.stop(last)
        self._leave_nowhere()

    def _leave_nowhere(self) -> None:
        if self._nowhere is not None:
            self._nowhere.close()
            self._nowhere = None

"""The network seam: a session with one MQTT broker, as the scan sees it.

A `Transport` is polled: nothing here waits, nothing raises for what a network does. What happens comes as events, in
order; `Connected` and `Disconnected` alternate, and a `Disconnected` ends every publication still unanswered: nothing
is carried over to the next connection, for whoever published knows better what is still worth saying.

Two fillings: `services.paho_transport` over a real network, and the virtual broker of a seeded run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

RECEIVE_MAXIMUM = 65_535
"""How many QoS 1 publications a broker takes unanswered when it does not say (MQTT 5, 3.2.2.3.3)."""


@dataclass(frozen=True, slots=True)
class Message:
    """A publication at QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker has taken us in and answered our subscriptions."""

    receive_maximum: int = RECEIVE_MAXIMUM
    """How many publications the broker will hold unanswered."""
    session_present: bool = False


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is over, and every publication without a `Sent` is void."""

    reason: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The broker has answered a publication (PUBACK). Not ok: it refused, and `reason` is its word for that."""

    token: int
    ok: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """A message arrived. `retain` is true when the broker had kept it from before our subscription."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no connection; each kind is told once until a connection succeeds."""

    kind: str
    """`unreachable`, `refused`, `tls`, `clock`, `garbled`, `subscription`."""
    text: str
    """For the technician."""


Event = Connected | Disconnected | Sent | Received | Trouble

Will = Callable[[], Message]
"""Makes the last will at each attempt to connect; called in the network thread."""


class Transport(Protocol):
    """A session with a broker, which comes back by itself."""

    def start(self) -> None:
        """Begin to connect. Returns at once."""
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Hand a message to the connection last seen by `poll`; its token, or None when there is none or it is busy."""
        ...

    def poll(self) -> Sequence[Event]:
        """What has happened since the last call."""
        ...

    def reconnect(self, why: str) -> None:
        """Drop the connection, whatever it claims to be, and make a new one."""
        ...

    def stop(self, last: Message | None = None) -> None:
        """Say `last` if there is a connection, and leave in good order; the broker does not publish the will."""
        ...


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files. Without `ca` the machine's own authorities are trusted."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """Where the broker is, and how to speak to it."""

    host: str
    port: int = 1883
    client_id: str = ""
    version: Literal["5", "3.1.1"] = "5"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    subscriptions: tuple[str, ...] = ()
    keepalive_s: int = 30
    session_s: int = 86_400
    """How long the broker keeps what others say to us while we are away (MQTT 5; a 3.1.1 broker decides itself)."""
    connect_s: float = 5.0
    """For the TCP connection and the TLS handshake, each."""
    answer_s: float = 10.0
    """For the broker to take us in, once a connection stands."""
    farewell_s: float = 2.0
    retry_first_s: float = 1.0
    retry_most_s: float = 60.0

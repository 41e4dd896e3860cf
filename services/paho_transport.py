"""A session with a real broker, on paho-mqtt.

One thread of ours owns the paho client and does all that touches it, with paho's calls for an external event loop: the
scan never takes one of paho's locks, and paho's own queue, which is only memory, holds no more than what is in flight.
Each connection gets a fresh client, so that no message of an earlier one can slip in before its predecessors. Between
scan and thread lie two bounded queues: what is to be published, and what has happened. While the second is full the
socket is left unread: a flood waits in the broker, not in our memory.
"""

import select
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from paho.mqtt import MQTTException
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from services.mqtt import (
    RECEIVE_MAXIMUM,
    Connected,
    Disconnected,
    Event,
    Message,
    MqttSettings,
    Received,
    Sent,
    Tls,
    Trouble,
    Will,
)

OUTGOING_MOST = 1_000
"""Publications that wait for the network thread; `publish` takes no more."""
EVENTS_MOST = 256
"""Events that wait for the scan; beyond that the socket is not read."""
PACKET_MOST = 1 << 18
"""The largest packet we ask a broker to send us, in bytes (MQTT 5, 3.1.2.11.4); larger payloads are cut to this."""

_CERTIFICATE_NOT_YET_VALID = 9  # X509_V_ERR_CERT_NOT_YET_VALID of OpenSSL
_TURN_S = 1.0  # how often paho gets to look at its keepalive when nothing happens
_UNSPECIFIED = 0x80  # paho's word for a connection that just ended
_STEADY_S = 10.0  # a connection that held this long was a success: the next retry is quick again
_GARBLED = (MQTTException, ValueError, LookupError, TypeError, AttributeError, struct.error)
"""What paho raises when a broker sends what is not MQTT."""


@dataclass(frozen=True, slots=True)
class _Outgoing:
    link: int
    token: int
    message: Message


class PahoTransport:
    """A `Transport` over TCP or TLS. `random` gives 0 <= x < 1, for the jitter of retries."""

    def __init__(self, settings: MqttSettings, *, random: Callable[[], float], will: Will | None = None) -> None:
        self.settings = settings
        self.will = will
        self.outgoing: deque[_Outgoing] = deque()
        self.wake_r, self._wake_w = socket.socketpair()
        self.wake_r.setblocking(False)
        self._wake_w.setblocking(False)
        self.stopping = False
        self.last: Message | None = None
        self.dropping: tuple[int, str] | None = None
        self._random = random
        self._events: deque[tuple[int, Event]] = deque()
        self._told: set[str] = set()
        self._link = 0
        """The connection that `poll` last saw come; 0 while there is none."""
        self._tokens = 0
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    # -- the scan's side

    def start(self) -> None:
        self._thread.start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        if not self._link or self.stopping or len(self.outgoing) >= OUTGOING_MOST:
            return None
        self._tokens += 1
        self.outgoing.append(_Outgoing(self._link, self._tokens, Message(topic, payload, retain)))
        self._wake()
        return self._tokens

    def poll(self) -> list[Event]:
        events: list[Event] = []
        was_full = self.full
        for _ in range(EVENTS_MOST):
            if not self._events:
                break
            link, event = self._events.popleft()
            if isinstance(event, Connected):
                self._link = link
            elif isinstance(event, Disconnected):
                self._link = 0
            events.append(event)
        if was_full:
            self._wake()
        return events

    def reconnect(self, why: str) -> None:
        if self._link:
            self.dropping = (self._link, why)
            self._wake()

    def stop(self, last: Message | None = None) -> None:
        if self.stopping:
            return
        self.last = last
        self.stopping = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join(self.settings.farewell_s + 1)
        if not self._thread.is_alive():  # else it hangs in the resolver, and its sockets end with the process
            self.wake_r.close()
            self._wake_w.close()

    # -- the network thread's side

    @property
    def full(self) -> bool:
        """Whether the scan is so far behind that the socket must wait."""
        return len(self._events) >= EVENTS_MOST

    def happened(self, link: int, event: Event) -> None:
        if isinstance(event, Connected):
            self._told.clear()
        elif isinstance(event, Trouble):
            if event.kind in self._told:
                return
            self._told.add(event.kind)
        self._events.append((link, event))

    def _run(self) -> None:
        link, retry_s = 0, self.settings.retry_first_s
        while not self.stopping:
            link += 1
            steady_s = _Connection(self, link).run()
            if steady_s >= _STEADY_S:
                retry_s = self.settings.retry_first_s
            self._rest(retry_s * (0.5 + self._random() / 2))
            retry_s = min(retry_s * 2, self.settings.retry_most_s)

    def _rest(self, pause_s: float) -> None:
        until = time.monotonic() + pause_s
        waker = select.poll()
        waker.register(self.wake_r, select.POLLIN)
        while not self.stopping and (left_s := until - time.monotonic()) > 0:
            if waker.poll(left_s * 1000):
                self.wake_r.recv(4096)

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # a full pipe wakes as well
            self._wake_w.send(b"w")


class _Connection:
    """One connection from first to last, with a paho client of its own; lives wholly in the network thread."""

    def __init__(self, transport: PahoTransport, link: int) -> None:
        self._transport = transport
        self._settings = transport.settings
        self._link = link
        self._tokens: dict[int, int] = {}
        """Message id -> token of what is in flight."""
        self._receive_maximum = RECEIVE_MAXIMUM
        self._packet_most: int | None = None
        self._session_present = False
        self._connected = False
        self._early: list[Received] = []
        """What the broker had kept for us and sends before it has answered our subscriptions."""
        self._since = time.monotonic()
        self._over = "connection lost"
        self._client = self._make_client()

    def run(self) -> float:
        """Connect, and stay until the end; returns for how many seconds the connection was of use."""
        try:
            if self._settings.tls:
                self._client.tls_set_context(_tls_context(self._settings.tls))
            self._set_will()
            self._client.connect(
                self._settings.host, self._settings.port, self._settings.keepalive_s, **self._connect_options()
            )
            self._stay()
        except OSError as error:
            self._tell_connect_trouble(error)
        except _GARBLED as error:
            self._over = "the broker sent what is not MQTT"
            self._tell("garbled", f"{self._over}: {error!r}")
        finally:
            self._drop()
        if not self._connected:
            return 0.0
        self._transport.happened(self._link, Disconnected(self._over))
        return time.monotonic() - self._since

    # -- the life of a connection

    def _stay(self) -> None:
        transport, client = self._transport, self._client
        self._since = time.monotonic()
        while client.socket() is not None:
            if transport.stopping:
                self._leave()
                return
            if transport.dropping is not None and transport.dropping[0] == self._link:
                self._over = transport.dropping[1]
                return
            left_s = self._since + self._settings.answer_s - time.monotonic()
            if not self._connected and left_s <= 0:
                self._tell("unreachable", f"{self._where} took the connection but does not answer as a broker")
                return
            self._hand_over()
            self._turn(_TURN_S if self._connected else min(left_s, _TURN_S))

    def _turn(self, most_s: float) -> None:
        """Wait until something can be done, and let paho do it."""
        client, full = self._client, self._transport.full
        sock = client.socket()
        if sock is None:
            return  # a publication has just found the line dead
        waiting = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0 and not full
        poller = select.poll()
        poller.register(sock, (0 if full else select.POLLIN) | (select.POLLOUT if client.want_write() else 0))
        poller.register(self._transport.wake_r, select.POLLIN)
        ready = dict(poller.poll(0 if waiting else most_s * 1000))
        if self._transport.wake_r.fileno() in ready:
            self._transport.wake_r.recv(4096)
        seen = ready.get(sock.fileno(), 0)
        if waiting or seen & ~select.POLLOUT:
            client.loop_read()
        if seen & select.POLLOUT:
            client.loop_write()
        client.loop_misc()

    def _hand_over(self) -> None:
        """Publish what the scan has given, as far as the broker takes it."""
        outgoing = self._transport.outgoing
        while self._connected and outgoing and len(self._tokens) < self._receive_maximum:
            next_out = outgoing.popleft()
            if next_out.link == self._link:
                self._publish(next_out.message, next_out.token)

    def _publish(self, message: Message, token: int) -> None:
        if self._packet_most is not None and len(message.topic) + len(message.payload) + 16 > self._packet_most:
            self._transport.happened(self._link, Sent(token, False, "larger than the broker takes"))
            return
        info = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._tokens[info.mid] = token

    def _leave(self) -> None:
        """Say the last words, wait a little for the answer, and disconnect, so that the will is not published."""
        until = time.monotonic() + self._settings.farewell_s
        self._hand_over()
        if self._connected and self._transport.last is not None:
            self._publish(self._transport.last, 0)
        while self._tokens and self._client.socket() and (left_s := until - time.monotonic()) > 0:
            self._turn(left_s)
        self._over = "stopped"
        self._client.disconnect()
        while self._client.socket() and (left_s := until - time.monotonic()) > 0:
            self._turn(left_s)

    def _drop(self) -> None:
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    # -- paho's callbacks, all in this thread

    def _on_connect(
        self, client: Client, _user: object, flags: ConnectFlags, reason: ReasonCode, said: Properties | None
    ) -> None:
        if reason.is_failure:
            self._tell("refused", f"{self._where} refused us: {reason}")
            return
        self._session_present = flags.session_present
        self._receive_maximum = getattr(said, "ReceiveMaximum", RECEIVE_MAXIMUM)
        self._packet_most = getattr(said, "MaximumPacketSize", None)
        if not self._settings.subscriptions:
            self._be_connected()
        elif self._settings.version == "5":
            client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in self._settings.subscriptions])
        else:
            client.subscribe([(topic, 1) for topic in self._settings.subscriptions])

    def _on_subscribe(
        self, _client: Client, _user: object, _mid: int, reasons: list[ReasonCode], _said: Properties | None
    ) -> None:
        if not self._connected:
            self._be_connected()
        for topic, reason in zip(self._settings.subscriptions, reasons, strict=False):
            if reason.is_failure:
                self._tell("subscription", f"{self._where} lets us not hear {topic}: {reason}")

    def _on_publish(
        self, _client: Client, _user: object, mid: int, reason: ReasonCode, _said: Properties | None
    ) -> None:
        token = self._tokens.pop(mid, None)
        if token is not None:
            self._transport.happened(self._link, Sent(token, not reason.is_failure, str(reason)))

    def _on_message(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        received = Received(message.topic, bytes(message.payload[:PACKET_MOST]), message.retain)
        if not self._connected:
            self._early.append(received)
            if len(self._early) == EVENTS_MOST:
                self._be_connected()
        else:
            self._transport.happened(self._link, received)

    def _on_disconnect(
        self, _client: Client, _user: object, flags: DisconnectFlags, reason: ReasonCode, _said: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server or reason.value != _UNSPECIFIED:
            self._over = str(reason)

    def _be_connected(self) -> None:
        self._connected = True
        self._since = time.monotonic()
        self._transport.happened(self._link, Connected(self._receive_maximum, self._session_present))
        for received in self._early:
            self._transport.happened(self._link, received)
        self._early.clear()

    # -- how it is set

    @property
    def _where(self) -> str:
        return f"broker {self._settings.host}:{self._settings.port}"

    def _make_client(self) -> Client:
        settings = self._settings
        version5 = settings.version == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=None if version5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if version5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = settings.connect_s
        client.max_inflight_messages_set(0)  # ours is the window; paho would search its table at every PUBACK
        client.username_pw_set(settings.username, settings.password)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _connect_options(self) -> dict[str, Any]:
        if self._settings.version != "5":
            return {}
        wanted = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wanted.SessionExpiryInterval = self._settings.session_s
        wanted.MaximumPacketSize = PACKET_MOST
        return {"clean_start": False, "properties": wanted}

    def _set_will(self) -> None:
        if self._transport.will is not None:
            will = self._transport.will()
            self._client.will_set(will.topic, will.payload, qos=1, retain=will.retain)

    # -- what is told

    def _tell(self, kind: str, text: str) -> None:
        self._transport.happened(self._link, Trouble(kind, text))

    def _tell_connect_trouble(self, error: OSError) -> None:
        if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code == _CERTIFICATE_NOT_YET_VALID:
            self._tell("clock", f"the certificate of {self._where} is not yet valid: is this machine's clock right?")
        elif isinstance(error, ssl.SSLError):
            self._tell("tls", f"no TLS with {self._where}: {error.reason or error}")
        else:
            self._tell("unreachable", f"no {self._where}: {error.strerror or error}")


class _TidySocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho forgets to."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _tls_context(tls: Tls) -> ssl.SSLContext:
    """Made anew for each connection, so that a renewed certificate needs no restart. Raises OSError naming the file."""
    for path in (tls.ca, tls.certificate, tls.key):
        if path is not None:
            path.open("rb").close()
    context = ssl.create_default_context(cafile=tls.ca)
    context.sslsocket_class = _TidySocket
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context

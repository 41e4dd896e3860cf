"""A virtual MQTT broker and network, on virtual time: as fast, as forgetful and as treacherous as a run wants it.

The wire face is `VirtualTransport`, the seam that the daemon and the central server poll. The hand face is on the
broker: take it down, cut a line, freeze it, let it forget, lose its answers, deliver twice. Messages take time, keep
their order on each connection, and are answered on arrival. Like mosquitto with its default limits, the broker answers
what it then drops: a subscriber that is away gets the first `QUEUE_MOST` messages only.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from hal.clock import Millis
from services.mqtt import Connected, Disconnected, Event, Message, Received, Sent, Trouble, Will
from sim.clock import VirtualClock, WireError

QUEUE_MOST = 1_000
KEEPALIVE_MS: Millis = 45_000
"""One and a half times 30 s: when both ends of a frozen line have given it up (MQTT 5, 3.1.2.10)."""
RETRY_FIRST_MS: Millis = 1_000
RETRY_MOST_MS: Millis = 60_000
STEADY_MS: Millis = 10_000


@dataclass(slots=True)
class _Session:
    """What the broker keeps for a client id, present or not."""

    topics: tuple[str, ...] = ()
    queue: deque[Message] = field(default_factory=deque)
    transport: "VirtualTransport | None" = None
    will: Message | None = None


class VirtualBroker:
    """One broker and the lines to it. `random` seeds latencies and the probable faults."""

    def __init__(self, clock: VirtualClock, random: random.Random, *, latency_ms: tuple[int, int] = (2, 30)) -> None:
        self.clock = clock
        self.random = random
        self.latency_ms = latency_ms
        self.running = True
        self.refusal = ""
        """Why the broker takes nobody in, when it does not: `Not authorized`, say."""
        self.barred: set[str] = set()
        """Client ids whose line leads nowhere at present."""
        self.denied_topics: set[str] = set()
        """Topics on which a publication is answered with a refusal."""
        self.receive_maximum = 100
        self.duplicate_share = 0.0
        """The share of deliveries that come twice."""
        self.lost_answer_share = 0.0
        """The share of PUBACKs that never arrive."""
        self.lose_next_answers = 0
        self.duplicate_next = 0
        self.drop_next = 0
        """So many publications are answered, and then lost."""
        self.on_arrival: Callable[[Message], None] = lambda message: None
        """Hears each publication that reaches the broker and is not refused."""
        self.dropped = 0
        """Messages answered and never delivered."""
        self.forgot = 0
        """How often it has come back without memory: until a subscriber is back, nobody hears what is published."""
        self.published: deque[Message] = deque(maxlen=1_000)
        """The last publications that reached the broker."""
        self.retained: dict[str, Message] = {}
        self._sessions: dict[str, _Session] = {}

    # -- the hand's face

    def down(self) -> None:
        """The broker dies; nobody is told but by the silence of TCP, no will is published."""
        self.running = False
        for session in self._sessions.values():
            if session.transport is not None:
                session.transport.broken("connection lost")
            session.transport = None

    def up(self, *, forget: bool = False) -> None:
        """It runs again. `forget`: with neither queues nor retained messages, as after a kill without persistence."""
        if self.running:
            return
        self.running = True
        if forget:
            self.forgot += 1
            self.dropped += sum(len(session.queue) for session in self._sessions.values())
            self.retained.clear()
            self._sessions.clear()

    def cut(self, client_id: str) -> None:
        """The line to one client breaks; the broker says its will."""
        session = self._sessions.get(client_id)
        if session is None or session.transport is None:
            return
        session.transport.broken("connection lost")
        self.lost(client_id)

    def freeze(self, client_id: str) -> None:
        """The line to one client swallows everything; both ends believe in it until the keepalive says otherwise."""
        session = self._sessions.get(client_id)
        if session is not None and session.transport is not None:
            session.transport.frozen = True
            transport = session.transport
            link = transport.link
            self.clock.after(KEEPALIVE_MS * 1000, lambda: transport.thawed(link))

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Somebody else publishes."""
        self.route(Message(topic, payload, retain))

    # -- the lines' face

    def transport(
        self, client_id: str, subscriptions: tuple[str, ...] = (), will: Will | None = None
    ) -> "VirtualTransport":
        return VirtualTransport(self, client_id, subscriptions, will)

    def delay_us(self) -> int:
        return self.random.randint(*self.latency_ms) * 1000

    def knows(self, client_id: str) -> bool:
        return client_id in self._sessions

    def admit(self, transport: "VirtualTransport", will: Message | None) -> None:
        """A client connects; whoever was connected under its id is thrown out."""
        session = self._sessions.setdefault(transport.client_id, _Session())
        if session.transport is not None and session.transport is not transport:
            session.transport.broken("Session taken over")
        session.topics, session.transport, session.will = transport.subscriptions, transport, will
        for topic in session.topics:
            if topic in self.retained:
                transport.deliver(self.retained[topic], retain=True)
        while session.queue:
            transport.deliver(session.queue.popleft())

    def lost(self, client_id: str) -> None:
        """The line to a client is gone without a farewell."""
        session = self._sessions.get(client_id)
        if session is not None:
            session.transport = None
            if session.will is not None and self.running:
                self.route(session.will)

    def undelivered(self, client_id: str, messages: Iterable[Message]) -> None:
        """What a client had not taken when its line broke waits for it, in order."""
        self._sessions[client_id].queue.extendleft(reversed(list(messages)))

    def leave(self, client_id: str) -> None:
        """A client says farewell: no will."""
        session = self._sessions.get(client_id)
        if session is not None:
            session.transport = None

    def arrived(self, message: Message) -> str:
        """A publication is here; returns why it is refused, or nothing."""
        if message.topic in self.denied_topics:
            return "Not authorized"
        self.published.append(message)
        self.on_arrival(message)
        if self.drop_next:
            self.drop_next -= 1
            self.dropped += 1
        else:
            self.route(message)
        return ""

    def answer_lost(self) -> bool:
        if self.lose_next_answers:
            self.lose_next_answers -= 1
            return True
        return self.random.random() < self.lost_answer_share

    def route(self, message: Message) -> None:
        if message.retain:
            if message.payload:
                self.retained[message.topic] = message
            else:
                self.retained.pop(message.topic, None)
        for session in self._sessions.values():
            if message.topic not in session.topics:
                continue
            twice = self.duplicate_next > 0 or self.random.random() < self.duplicate_share
            self.duplicate_next = max(0, self.duplicate_next - 1)
            for _ in range(2 if twice else 1):
                if session.transport is not None:
                    session.transport.deliver(message)
                elif len(session.queue) < QUEUE_MOST:
                    session.queue.append(message)
                else:
                    self.dropped += 1


class VirtualTransport:
    """A client's line to the virtual broker: the wire face, polled like the real one."""

    def __init__(
        self, broker: VirtualBroker, client_id: str, subscriptions: tuple[str, ...], will: Will | None
    ) -> None:
        self.client_id = client_id
        self.subscriptions = subscriptions
        self.notice: Callable[[], None] | None = None
        """Called, at its virtual moment, when `poll` has something; nobody else sees it then."""
        self.link = 0
        """Counts connections; what belongs to an earlier one is void."""
        self.frozen = False
        self._broker = broker
        self._clock = broker.clock
        self._will = will
        self._started = False
        self._stopped = False
        self._up = False
        self._seen_up = 0
        """The connection that `poll` last saw come; 0 while there is none."""
        self._up_since_ms = 0
        self._retry_ms = RETRY_FIRST_MS
        self._told: set[str] = set()
        self._events: deque[tuple[int, Event]] = deque()
        self._tokens = 0
        self._in_flight: set[int] = set()
        self._incoming: deque[Message] = deque()
        self._held: deque[tuple[int, Message]] = deque()
        """Beyond the broker's Receive Maximum."""
        self._out_free_us = 0
        self._in_free_us = 0

    # -- the seam

    def start(self) -> None:
        if self._started:
            raise WireError("a transport is started once")
        self._started = True
        self._clock.after(self._broker.delay_us(), self._connect)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        if not topic or "#" in topic or "+" in topic or type(payload) is not bytes:
            raise WireError(f"not a publication: {topic!r} {type(payload).__name__}")
        if not self._seen_up or self._stopped:
            return None
        self._tokens += 1
        if self._seen_up == self.link and self._up:
            self._held.append((self._tokens, Message(topic, payload, retain)))
            self._send_held()
        return self._tokens

    def poll(self) -> list[Event]:
        events = []
        while self._events:
            link, event = self._events.popleft()
            if isinstance(event, Connected):
                self._seen_up = link
            elif isinstance(event, Disconnected):
                self._seen_up = 0
            events.append(event)
        return events

    def reconnect(self, why: str) -> None:
        if self._up:
            self.broken(why)
            self._broker.lost(self.client_id)

    def stop(self, last: Message | None = None) -> None:
        if self._stopped:
            return
        self._stopped = True
        if not self._up:
            return
        if not self.frozen and self._broker.running:
            for _, message in (*self._held, *(((0, last),) if last is not None else ())):
                self._broker.arrived(message)
            self._broker.leave(self.client_id)
        self.broken("stopped")

    def die(self, *, silently: bool) -> None:
        """The client's process is no more. Its kernel closes the line; `silently`: it has no time for that, so the
        broker believes in the client until the keepalive, or its next connection, says otherwise.
        """
        self._stopped = True
        if not self._up:
            return
        if silently:
            self._broker.freeze(self.client_id)
        else:
            self.broken("process ended")
            self._broker.lost(self.client_id)

    # -- the broker's side

    def deliver(self, message: Message, *, retain: bool = False) -> None:
        """A message is on its way to this client; should the line break first, it comes with the next connection."""
        if not retain:
            self._incoming.append(message)
        self._later(Received(message.topic, message.payload, retain))

    def broken(self, reason: str) -> None:
        """The connection ends now, whoever ended it."""
        if not self._up:
            return
        self._up = False
        self.frozen = False
        self._in_flight.clear()
        self._held.clear()
        self._broker.undelivered(self.client_id, self._incoming)
        self._incoming.clear()
        if self._clock.now() - self._up_since_ms >= STEADY_MS:
            self._retry_ms = RETRY_FIRST_MS
        self._happened(Disconnected(reason))
        self._retry()

    def thawed(self, link: int) -> None:
        """The keepalive has found a frozen line dead."""
        if self.frozen and link == self.link:
            self.broken("Keep alive timeout")
            self._broker.lost(self.client_id)

    # -- inside

    def _connect(self) -> None:
        if self._stopped or self._up:
            return
        unreachable = not self._broker.running or self.client_id in self._broker.barred
        if unreachable or self._broker.refusal:
            kind = "unreachable" if unreachable else "refused"
            if kind not in self._told:
                self._told.add(kind)
                why = "no broker: Connection refused" if unreachable else self._broker.refusal
                self._happened(Trouble(kind, why))
            self._retry()
            return
        self.link += 1
        self._up = True
        self._up_since_ms = self._clock.now()
        self._told.clear()
        self._out_free_us = self._in_free_us = self._clock.now_us
        self._happened(Connected(self._broker.receive_maximum, self._broker.knows(self.client_id)))
        self._broker.admit(self, self._will() if self._will else None)

    def _retry(self) -> None:
        if not self._stopped:
            pause_ms = int(self._retry_ms * (0.5 + self._broker.random.random() / 2))
            self._retry_ms = min(self._retry_ms * 2, RETRY_MOST_MS)
            self._clock.after(pause_ms * 1000, self._connect)

    def _send_held(self) -> None:
        while self._held and len(self._in_flight) < self._broker.receive_maximum:
            token, message = self._held.popleft()
            self._in_flight.add(token)
            self._out_free_us = max(self._out_free_us, self._clock.now_us + self._broker.delay_us())
            arrive = partial(self._arrive, self.link, token, message)
            self._clock.after(self._out_free_us - self._clock.now_us, arrive, quiet=True)

    def _arrive(self, link: int, token: int, message: Message) -> None:
        if link != self.link or not self._up or self.frozen:
            return
        refusal = self._broker.arrived(message)
        if not self._broker.answer_lost():
            self._later(Sent(token, not refusal, refusal))

    def _later(self, event: Received | Sent) -> None:
        """The event comes over the line, behind what is on its way already."""
        self._in_free_us = max(self._in_free_us, self._clock.now_us + self._broker.delay_us())
        come, quiet = partial(self._come, self.link, event), self.notice is not None
        self._clock.after(self._in_free_us - self._clock.now_us, come, quiet=quiet)

    def _come(self, link: int, event: Received | Sent) -> None:
        if link != self.link or not self._up or self.frozen:
            return
        if isinstance(event, Sent):
            self._in_flight.discard(event.token)
            self._send_held()
        elif not event.retain:
            self._incoming.popleft()
        self._happened(event)

    def _happened(self, event: Event) -> None:
        self._events.append((self.link, event))
        if self.notice is not None:
            self._clock.after(0, self.notice, quiet=True)

"""The virtual broker: strict, treacherous, the same for the same seed; and the outbox that survives it."""

import hashlib
import json
import random
from dataclasses import dataclass

import pytest

from services.mqtt import Connected, Disconnected, Event, Message, Received, Sent, Trouble
from services.outbox import Outbox
from services.records import Line
from sim.broker import KEEPALIVE_MS, QUEUE_MOST, VirtualBroker, VirtualTransport
from sim.clock import VirtualClock, WireError
from sim.disk import VirtualDisk, VirtualWriter
from sim.receiver import Receiver, receive_in_virtual_time, subscriptions

JOURNAL = "00112233445566778899aabbccddeeff"
ROOT = "besuk/v1/rutan-contoh/kunjungan/"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def broker(clock: VirtualClock) -> VirtualBroker:
    return VirtualBroker(clock, random.Random(1))


def after(clock: VirtualClock, ms: int, transport: VirtualTransport) -> list[Event]:
    clock.advance_to(clock.now_us + ms * 1000)
    return transport.poll()


def connected(clock: VirtualClock, broker: VirtualBroker, name: str, *topics: str) -> VirtualTransport:
    transport = broker.transport(name, topics)
    transport.start()
    assert after(clock, 100, transport) == [Connected(broker.receive_maximum, False)]
    return transport


# -- the wire


def test_messages_keep_their_order_and_are_answered(clock: VirtualClock, broker: VirtualBroker) -> None:
    ear = connected(clock, broker, "ear", "t")
    hall = connected(clock, broker, "hall")
    tokens = [hall.publish("t", b"%d" % n) for n in range(300)]
    assert after(clock, 20_000, hall) == [Sent(token or 0) for token in tokens]
    assert ear.poll() == [Received("t", b"%d" % n) for n in range(300)]


def test_the_receive_maximum_holds_publications_back(clock: VirtualClock, broker: VirtualBroker) -> None:
    broker.receive_maximum = 2
    hall = connected(clock, broker, "hall")
    for n in range(10):
        hall.publish("t", b"%d" % n)
    clock.advance_to(clock.now_us + 35_000)
    assert len(broker.published) <= 4
    clock.advance_to(clock.now_us + 2_000_000)
    assert [each.payload for each in broker.published] == [b"%d" % n for n in range(10)]


@pytest.mark.parametrize(
    ("topic", "payload"), [("", b""), ("a/#", b""), ("a/+", b""), ("a", "text"), ("a", bytearray())]
)
def test_what_is_no_publication_fails_the_run(
    clock: VirtualClock, broker: VirtualBroker, topic: str, payload: bytes
) -> None:
    hall = connected(clock, broker, "hall")
    with pytest.raises(WireError):
        hall.publish(topic, payload)


def test_nothing_can_be_published_before_the_connection_was_seen(clock: VirtualClock, broker: VirtualBroker) -> None:
    hall = broker.transport("hall")
    hall.start()
    clock.advance_to(clock.now_us + 100_000)
    assert hall.publish("t", b"early") is None
    hall.poll()
    broker.cut("hall")
    clock.advance_to(clock.now_us + 5_000_000)
    assert hall.publish("t", b"to a connection that is over") is not None
    clock.advance_to(clock.now_us + 1_000_000)
    assert not broker.published
    assert [type(event) for event in hall.poll()] == [Disconnected, Connected]


# -- the hand


def test_a_broker_that_is_down_is_told_once_and_found_again(clock: VirtualClock, broker: VirtualBroker) -> None:
    broker.down()
    hall = broker.transport("hall")
    hall.start()
    assert [type(event) for event in after(clock, 300_000, hall)] == [Trouble]
    broker.up()
    assert [type(event) for event in after(clock, 61_000, hall)] == [Connected]


@pytest.mark.parametrize(("how", "says_will"), [("cut", True), ("freeze", True), ("down", False), ("stop", False)])
def test_the_will_is_said_when_a_line_breaks_and_at_no_other_end(
    clock: VirtualClock, broker: VirtualBroker, how: str, says_will: bool
) -> None:
    ear = connected(clock, broker, "ear", "status")
    hall = broker.transport("hall", will=lambda: Message("status", b"lost", retain=True))
    hall.start()
    after(clock, 100, hall)
    if how == "stop":
        hall.stop(Message("status", b"stopped", retain=True))
    elif how == "down":
        broker.down()
        broker.up()
    else:
        getattr(broker, how)("hall")
    heard = [event.payload for event in after(clock, KEEPALIVE_MS + 2_000, ear) if isinstance(event, Received)]
    assert heard == ([b"lost"] if says_will else [b"stopped"] if how == "stop" else [])


def test_retained_messages_greet_a_newcomer_unless_the_broker_forgot(
    clock: VirtualClock, broker: VirtualBroker
) -> None:
    broker.say("ack", b"1", retain=True)
    broker.say("ack", b"2", retain=True)
    first = broker.transport("first", ("ack",))
    first.start()
    assert after(clock, 200, first)[1:] == [Received("ack", b"2", retain=True)]
    broker.down()
    broker.up(forget=True)
    second = broker.transport("second", ("ack",))
    second.start()
    assert [type(event) for event in after(clock, 200, second)] == [Connected]


def test_a_subscriber_that_is_away_gets_what_the_queue_could_hold(clock: VirtualClock, broker: VirtualBroker) -> None:
    ear = connected(clock, broker, "ear", "t")
    broker.cut("ear")
    for n in range(QUEUE_MOST + 50):
        broker.say("t", b"%d" % n)
    heard = [event for event in after(clock, 60_000, ear) if isinstance(event, Received)]
    assert [event.payload for event in heard] == [b"%d" % n for n in range(QUEUE_MOST)]
    assert broker.dropped == 50


def test_what_a_line_lost_on_its_way_comes_with_the_next_connection(clock: VirtualClock, broker: VirtualBroker) -> None:
    ear = connected(clock, broker, "ear", "t")
    for n in range(5):
        broker.say("t", b"%d" % n)
    broker.cut("ear")
    heard = [event for event in after(clock, 10_000, ear) if isinstance(event, Received)]
    assert [event.payload for event in heard] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_second_client_of_the_same_name_takes_over(clock: VirtualClock, broker: VirtualBroker) -> None:
    first = connected(clock, broker, "hall")
    second = broker.transport("hall")
    second.start()
    assert after(clock, 100, first)[0] == Disconnected("Session taken over")


# -- the receiver


def seal(seq: int, before: str) -> Line:
    body = f'{{"id":"{JOURNAL}:{seq}","journal":"{JOURNAL}","seq":{seq},"prevhash":"{before}"'.encode()
    digest = hashlib.sha256(body).hexdigest()
    return Line(seq, body + b',"hash":"' + digest.encode() + b'"}', digest)


class GrowingJournal:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.first_seq = 1

    @property
    def last_seq(self) -> int:
        return len(self.lines)

    def write(self) -> None:
        self.lines.append(seal(self.last_seq + 1, self.lines[-1].hash if self.lines else "0" * 64))

    def read_after(self, seq: int, limit: int) -> list[Line]:
        return self.lines[seq : seq + limit]

    def hash_of(self, seq: int) -> str | None:
        return self.lines[seq - 1].hash


@pytest.fixture
def lines() -> list[Line]:
    journal = GrowingJournal()
    for _ in range(5):
        journal.write()
    return journal.lines


def central(clock: VirtualClock, broker: VirtualBroker) -> Receiver:
    transport = broker.transport("central", subscriptions(ROOT))
    receiver = Receiver(transport, ROOT)
    receive_in_virtual_time(receiver, transport, clock)
    clock.advance_to(clock.now_us + 100_000)
    return receiver


def test_the_receiver_stores_once_leaves_gaps_and_acknowledges_what_it_has(
    clock: VirtualClock, broker: VirtualBroker, lines: list[Line]
) -> None:
    receiver = central(clock, broker)
    for index in (0, 1, 3, 1, 4):
        broker.say(ROOT + "event", lines[index].raw)
    clock.advance_to(clock.now_us + 1_000_000)
    assert (receiver.stored, receiver.gaps, receiver.repeats, receiver.violations) == (2, 2, 1, [])
    ack = broker.retained[ROOT + "ack"].payload
    assert json.loads(ack) == {"journal": JOURNAL, "seq": 2, "hash": lines[1].hash}


def test_the_receiver_keeps_what_else_the_hall_says(clock: VirtualClock, broker: VirtualBroker) -> None:
    receiver = central(clock, broker)
    for n in range(150):
        broker.say(ROOT + "answer", b"%d" % n)
    broker.say(ROOT + "status", b"online", retain=True)
    clock.advance_to(clock.now_us + 10_000_000)
    assert receiver.answers == [b"%d" % n for n in range(50, 150)]
    assert receiver.latest["status"] == b"online"


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda raw: raw.replace(b'"seq":2', b'"seq":3'), "does not match its hash"),
        (lambda raw: raw[:-1], "not an event"),
        (lambda raw: seal(2, "f" * 64).raw, "does not follow"),
        (lambda raw: b"[]", "not an event"),
    ],
)
def test_the_receiver_finds_what_was_tampered_with(
    clock: VirtualClock, broker: VirtualBroker, lines: list[Line], spoil: object, word: str
) -> None:
    assert callable(spoil)
    receiver = central(clock, broker)
    broker.say(ROOT + "event", lines[0].raw)
    broker.say(ROOT + "event", spoil(lines[1].raw))
    clock.advance_to(clock.now_us + 1_000_000)
    assert receiver.stored == 1
    assert [word in violation for violation in receiver.violations] == [True]


def test_a_repeat_with_other_bytes_is_a_broken_promise(
    clock: VirtualClock, broker: VirtualBroker, lines: list[Line]
) -> None:
    receiver = central(clock, broker)
    broker.say(ROOT + "event", lines[0].raw)
    broker.say(ROOT + "event", seal(1, "a" * 64).raw)
    clock.advance_to(clock.now_us + 1_000_000)
    assert receiver.violations == [f"{JOURNAL}:1 was repeated with other bytes"]


# -- storms


@dataclass
class Day:
    """A hall whose journal grows while everything between it and the central server misbehaves."""

    seed: int

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.clock = VirtualClock()
        self.broker = VirtualBroker(self.clock, random.Random(self.seed + 1))
        self.journal = GrowingJournal()
        self.hall = self.broker.transport("hall", (ROOT + "ack",))
        reader = VirtualWriter(self.clock, VirtualDisk(self.clock))
        self.outbox = Outbox(self.journal, self.hall, ROOT + "event", JOURNAL, reader)
        server = self.broker.transport("central", subscriptions(ROOT))
        self.stored: list[bytes] = []
        self.receiver = Receiver(server, ROOT, self.stored.append)
        receive_in_virtual_time(self.receiver, server, self.clock)
        self.hall.start()

    def run(self, for_ms: int, fault_share: float) -> None:
        until_ms = self.clock.now() + for_ms
        while (now_ms := self.clock.now()) < until_ms:
            if self.random.random() < 0.05:
                self.journal.write()
            if self.random.random() < fault_share:
                self.misbehave()
            for event in self.hall.poll():
                self.outbox.heard(event, now_ms)
                if isinstance(event, Received):
                    self.outbox.acknowledge(event.payload, now_ms)
            self.outbox.step(now_ms)
            self.clock.advance_to((now_ms + 100) * 1000)

    def misbehave(self) -> None:
        broker = self.broker
        match self.random.randrange(8):
            case 0:
                broker.down()
            case 1:
                broker.up(forget=self.random.random() < 0.5)
            case 2:
                broker.cut(self.random.choice(("hall", "central")))
            case 3:
                broker.freeze(self.random.choice(("hall", "central")))
            case 4:
                broker.lose_next_answers = 3
            case 5:
                broker.duplicate_next = 5
            case 6:
                broker.drop_next = 5
            case _:
                self.receiver.mute = not self.receiver.mute

    def calm(self) -> None:
        self.broker.up()
        self.receiver.mute = False


@pytest.mark.parametrize("seed", range(25))
def test_after_any_storm_every_line_has_arrived_once_in_effect_and_in_order(seed: int) -> None:
    day = Day(seed)
    day.run(600_000, fault_share=0.01)
    day.calm()
    day.run(240_000, fault_share=0.0)
    late = day.outbox.backlog(day.clock.now()).unacked
    if late:  # the longest silence may have made the outbox patient for up to an hour
        day.run(3_600_000, fault_share=0.0)
    day.run(5_000, fault_share=0.0)
    stored = [line.raw for line in day.journal.lines]
    assert day.receiver.violations == []
    assert day.stored == stored[: len(day.stored)]
    assert len(stored) - len(day.stored) <= 20  # what was written in the last second is still on its way


def test_a_seed_gives_the_same_day_twice() -> None:
    def trace(seed: int) -> list[Message]:
        day = Day(seed)
        day.run(300_000, fault_share=0.02)
        return [*day.broker.published, Message("stored", b"".join(day.stored)), Message("at", b"%d" % day.clock.now_us)]

    assert trace(3) == trace(3)
    assert trace(3) != trace(4)

"""The outbox on virtual time: what is sent again, when, and whose word is believed."""

import json
import random
from collections.abc import Callable

import pytest

from services.mqtt import Received
from services.outbox import ACK_WAIT_MS, CHUNK_LINES, PUBACK_WAIT_MS, Cursor, Delivery, Outbox
from sim.broker import VirtualBroker
from sim.clock import VirtualClock
from tests.services.journal_rig import JOURNAL, ROOT, MemoryJournal, Reader

SCAN_MS = 20
MINUTE_MS = 60_000


class Hall:
    """A journal, an outbox and a broker; the central server is the test's hand."""

    def __init__(
        self,
        lines: int = 0,
        *,
        cursor: Cursor | None = None,
        delivery: Delivery = Delivery.ACKNOWLEDGED,
        window: int = 20,
        first_seq: int = 1,
    ) -> None:
        self.clock = VirtualClock()
        self.journal = MemoryJournal(lines)
        self.journal.first_seq = first_seq
        self.reader = Reader()
        self.broker = VirtualBroker(self.clock, random.Random(1), latency_ms=(1, 1))
        self.transport = self.broker.transport("hall", (ROOT + "ack",))
        self.outbox = Outbox(
            self.journal,
            self.transport,
            ROOT + "event",
            JOURNAL,
            self.reader,
            delivery=delivery,
            cursor=cursor,
            window=window,
        )
        self.transport.start()

    def run(self, for_ms: int) -> None:
        until_ms = self.clock.now() + for_ms
        while (now_ms := self.clock.now()) < until_ms:
            for event in self.transport.poll():
                self.outbox.heard(event, now_ms)
                if isinstance(event, Received):
                    self.outbox.acknowledge(event.payload, now_ms)
            self.outbox.step(now_ms)
            due_ms = self.outbox.due(now_ms)
            upcoming = [until_ms, *([] if due_ms is None else [due_ms])]
            if (next_us := self.clock.next_us()) is not None:
                upcoming.append(next_us // 1000)
            step_ms = max(SCAN_MS, (min(upcoming) - now_ms) // SCAN_MS * SCAN_MS)  # skip scans in which nothing happens
            self.clock.advance_to((now_ms + step_ms) * 1000)

    def ack(self, seq: int, *, retain: bool = True) -> None:
        self.broker.say(ROOT + "ack", make_ack(self.journal, seq), retain=retain)

    @property
    def published(self) -> list[int]:
        return [json.loads(each.payload)["seq"] for each in self.broker.published]

    def forget_published(self) -> None:
        self.broker.published.clear()


def make_ack(journal: MemoryJournal, seq: int, /, **changes: object) -> bytes:
    return json.dumps({"journal": JOURNAL, "seq": seq, "hash": journal.lines[seq - 1].hash, **changes}).encode()


def test_lines_go_out_in_order_as_they_stand_in_the_journal() -> None:
    hall = Hall(300)
    hall.run(10_000)
    hall.journal.write(5)
    hall.run(1_000)
    assert [each.payload for each in hall.broker.published] == [line.raw for line in hall.journal.lines]
    assert hall.outbox.cursor == Cursor(sent=305, delivered=0)


# -- acks


def test_an_ack_moves_the_cursor_that_permits_deletion() -> None:
    hall = Hall(10)
    hall.run(5_000)
    hall.ack(7)
    hall.run(1_000)
    assert hall.outbox.cursor == Cursor(sent=10, delivered=7)
    assert not hall.outbox.refused_acks


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda journal: make_ack(journal, 5, journal="f" * 32), "unknown_journal"),
        (lambda journal: make_ack(journal, 5, seq=11), "future_seq"),
        (lambda journal: make_ack(journal, 5, seq=2**70), "future_seq"),
        (lambda journal: make_ack(journal, 5, hash="0" * 64), "wrong_hash"),
        (lambda journal: make_ack(journal, 5, hash=journal.lines[5].hash), "wrong_hash"),
        (lambda journal: make_ack(journal, 5, hash=journal.lines[4].hash.upper()), "malformed"),
        (lambda journal: make_ack(journal, 5, seq=0), "malformed"),
        (lambda journal: make_ack(journal, 5, seq=-5), "malformed"),
        (lambda journal: make_ack(journal, 5, seq=True), "malformed"),
        (lambda journal: make_ack(journal, 5, seq="5"), "malformed"),
        (lambda journal: make_ack(journal, 5, seq=5.0), "malformed"),
        (lambda _journal: b"", "malformed"),
        (lambda _journal: b"null", "malformed"),
        (lambda _journal: b"\xff\xfe\x00", "malformed"),
        (lambda _journal: b"[" * 100_000, "malformed"),
        (lambda _journal: b'{"seq":' + b"9" * 400 + b"}", "malformed"),
    ],
)
def test_an_ack_that_does_not_add_up_moves_nothing_and_is_counted(
    make: Callable[[MemoryJournal], bytes], reason: str
) -> None:
    hall = Hall(10)
    hall.run(5_000)
    hall.broker.say(ROOT + "ack", make(hall.journal))
    hall.run(1_000)
    assert hall.outbox.refused_acks == {reason: 1}
    assert hall.outbox.cursor == Cursor(sent=10, delivered=0)


def test_an_older_ack_takes_nothing_back() -> None:
    hall = Hall(10)
    hall.run(5_000)
    hall.ack(7)
    hall.run(100)
    hall.ack(3)
    hall.run(100)
    assert (hall.outbox.cursor.delivered, dict(hall.outbox.refused_acks)) == (7, {})


def test_an_ack_that_the_disk_cannot_confirm_is_not_believed() -> None:
    hall = Hall(10)
    hall.run(5_000)
    hall.journal.fail = True
    hall.ack(7)
    hall.run(100)
    assert (hall.outbox.cursor.delivered, hall.outbox.refused_acks) == (0, {"unreadable": 1})


def test_a_flood_of_acks_while_the_disk_stalls_is_bounded_and_the_newest_counts() -> None:
    hall = Hall(900)
    hall.run(10_000)
    hall.reader.stalled = True
    for seq in range(1, 901):
        hall.ack(seq)
    hall.run(1_000)
    assert hall.outbox.cursor.delivered == 0
    hall.reader.stalled = False
    hall.run(100)
    assert hall.outbox.cursor.delivered == 900


# -- resuming


@pytest.mark.parametrize(
    ("cursor", "retained", "delivery", "first"),
    [
        (Cursor(), None, Delivery.ACKNOWLEDGED, 1),  # a new site
        (Cursor(50, 40), None, Delivery.ACKNOWLEDGED, 41),  # the broker's word is not delivery
        (Cursor(50, 40), 45, Delivery.ACKNOWLEDGED, 46),  # the server has heard more than we knew
        (Cursor(), 45, Delivery.ACKNOWLEDGED, 46),  # the cache was lost
        (Cursor(50, 40), 30, Delivery.ACKNOWLEDGED, 41),
        (Cursor(50, 40), None, Delivery.BROKER, 51),
        (Cursor(500, 400), None, Delivery.BROKER, None),  # a cursor beyond the journal: nothing is left to say
    ],
)
def test_where_sending_resumes(
    cursor: Cursor, retained: int | None, delivery: Delivery, first: int | None
) -> None:
    hall = Hall(60, cursor=cursor, delivery=delivery)
    if retained is not None:
        hall.ack(retained)
    hall.run(10_000)
    assert hall.published == ([] if first is None else list(range(first, 61)))


def test_a_lost_cursor_resumes_at_the_first_line_still_kept() -> None:
    hall = Hall(60, first_seq=31)
    hall.run(10_000)
    assert hall.published == list(range(31, 61))
    assert hall.outbox.backlog(hall.clock.now()).unacked == 30


def test_a_new_connection_waits_for_the_retained_ack_and_no_longer() -> None:
    hall = Hall(60)
    hall.run(ACK_WAIT_MS)
    assert hall.published == []
    hall.run(1_000)
    assert hall.published == list(range(1, 61))

    informed = Hall(60)
    informed.ack(60)
    informed.run(200)
    informed.journal.write(1)
    informed.run(100)
    assert informed.published == [61]


def test_a_new_connection_repeats_what_was_not_acknowledged() -> None:
    hall = Hall(60)
    hall.run(5_000)
    hall.ack(40)
    hall.run(1_000)
    hall.forget_published()
    hall.broker.cut("hall")
    hall.run(5_000)
    assert hall.published == list(range(41, 61))


# -- repeating


def test_silence_is_answered_by_repeats_after_one_two_four_minutes_up_to_an_hour() -> None:
    hall = Hall(3)
    hall.run(5_000)
    hall.forget_published()
    starts: list[int] = []
    while len(starts) < 9:
        hall.run(1_000)
        if hall.published:
            assert hall.published == [1, 2, 3]
            hall.forget_published()
            starts.append(round(hall.clock.now() / MINUTE_MS))
    assert starts == [1, 3, 7, 15, 31, 63, 123, 183, 243]
    assert hall.outbox.repeats == 9


def test_an_ack_that_moves_makes_us_patient_only_for_a_minute_again() -> None:
    hall = Hall(10)
    hall.run(4 * MINUTE_MS)
    hall.ack(4)
    hall.run(1_000)
    hall.forget_published()
    hall.run(MINUTE_MS)
    assert hall.published == [5, 6, 7, 8, 9, 10]


def test_nothing_is_repeated_once_all_is_acknowledged() -> None:
    hall = Hall(10)
    hall.run(5_000)
    hall.ack(10)
    hall.run(1_000)
    hall.forget_published()
    hall.run(180 * MINUTE_MS)
    hall.journal.write(1)
    hall.run(1_000)
    assert hall.published == [11]  # and the minute of patience begins with it, not three hours ago


def test_history_is_sent_again_on_request() -> None:
    hall = Hall(30)
    hall.run(5_000)
    hall.ack(30)
    hall.run(1_000)
    hall.forget_published()
    hall.outbox.resend(11, hall.clock.now())
    hall.run(2_000)
    assert hall.published == list(range(11, 31))
    assert hall.outbox.cursor == Cursor(30, 30)
    hall.forget_published()
    hall.journal.forget_before(21)
    hall.outbox.resend(1, hall.clock.now())
    hall.run(2_000)
    assert hall.published == list(range(21, 31))


def test_where_the_broker_is_trusted_its_answer_is_delivery() -> None:
    hall = Hall(30, delivery=Delivery.BROKER)
    hall.run(60 * MINUTE_MS)
    assert hall.published == list(range(1, 31))
    assert hall.outbox.cursor == Cursor(30, 30)


# -- trouble


def test_a_connection_that_no_longer_answers_is_left() -> None:
    hall = Hall(5)
    hall.ack(5)
    hall.run(1_000)
    hall.broker.freeze("hall")
    hall.journal.write(1)
    hall.run(PUBACK_WAIT_MS + 3_000)
    assert hall.published == [6]
    assert hall.outbox.cursor.sent == 6


def test_lost_answers_of_the_broker_cost_a_reconnection_and_nothing_else() -> None:
    hall = Hall(window=5)
    hall.run(5_000)
    hall.broker.lose_next_answers = 2
    for _ in range(60):  # other answers keep coming: the connection looks alive
        hall.journal.write(1)
        hall.run(1_000)
    assert hall.outbox.cursor.sent == 60
    assert sorted(set(hall.published)) == list(range(1, 61))


def test_what_the_broker_refuses_is_offered_again_in_order_and_said() -> None:
    hall = Hall(10, window=3)
    hall.broker.denied_topics.add(ROOT + "event")
    hall.run(5_000)
    assert hall.outbox.trouble == "the broker refuses events: Not authorized"
    assert hall.outbox.cursor.sent == 0
    hall.broker.denied_topics.clear()
    hall.run(15_000)
    assert hall.published == list(range(1, 11))
    assert (hall.outbox.trouble, hall.outbox.cursor.sent) == ("", 10)


def test_a_disk_that_cannot_be_read_is_asked_again() -> None:
    hall = Hall(10)
    hall.journal.fail = True
    hall.run(30_000)
    assert hall.outbox.trouble == "the journal cannot be read: Input/output error"
    assert hall.journal.reads < 35
    hall.journal.fail = False
    hall.run(2_000)
    assert (hall.published, hall.outbox.trouble) == (list(range(1, 11)), "")


def test_a_stalled_disk_stops_neither_the_scan_nor_the_order() -> None:
    hall = Hall(3 * CHUNK_LINES)
    hall.reader.stalled = True
    hall.run(10_000)
    assert hall.published == []
    hall.broker.cut("hall")
    hall.run(10_000)
    hall.reader.stalled = False
    hall.run(20_000)
    assert hall.published == list(range(1, 3 * CHUNK_LINES + 1))


def test_the_backlog_tells_how_much_and_for_how_long() -> None:
    hall = Hall(10)
    hall.broker.down()
    hall.run(90_000)
    before = hall.outbox.backlog(hall.clock.now())
    assert (before.unsent, before.unacked, before.oldest_s) == (10, 10, 90)
    hall.broker.up()
    hall.run(70_000)
    sent = hall.outbox.backlog(hall.clock.now())
    assert (sent.unsent, sent.unacked, sent.oldest_s) == (0, 10, 160)
    hall.journal.write(5)
    hall.run(10_000)
    hall.ack(10)
    hall.run(1_000)
    newer = hall.outbox.backlog(hall.clock.now())
    assert (newer.unacked, newer.oldest_s) == (5, 11)
    hall.ack(15)
    hall.run(1_000)
    done = hall.outbox.backlog(hall.clock.now())
    assert (done.unacked, done.oldest_s) == (0, 0)


def test_days_without_a_broker_take_no_more_memory_than_a_day() -> None:
    hall = Hall(1)
    hall.broker.down()
    for _ in range(3_000):
        hall.journal.write(1)
        hall.run(60_000)
    assert hall.outbox.backlog(hall.clock.now()).oldest_s == 3_000 * 60
    assert len(hall.outbox._ages._marks) <= 512

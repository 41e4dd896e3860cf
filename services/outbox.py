"""The journal's reader: publishes every line once in effect, in order, from a cursor. There is no second queue.

Two cursors trail the journal. `sent` follows the broker's PUBACK, which is a promise of little worth: a broker may
answer and then drop what it took. `delivered` follows the central server's own `ack` message and alone says that a line
is safe elsewhere. So sending resumes after `delivered`: at each new connection, and when no `ack` has come for a minute
although we are ahead of it, then after two minutes, four, up to an hour while nothing moves. A repeat is the same
bytes, and the receiver knows it by its id. Where nobody acknowledges, `Delivery.BROKER` settles for PUBACK.

Within a connection a line is handed over only after its predecessor was. A new connection first waits a moment for the
retained `ack`, which the broker sends with its answer to our subscription: after the loss of our own cursor that saves
publishing every kept line again. A central server that has never acknowledged costs each connection that moment.

The disk is read in chunks by `reader`, a worker thread in the daemon, so that a slow card never holds up the scan; it
looks up the hash of an `ack` as well.
"""

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Protocol

from services.acks import Acks, HashSource
from services.mqtt import Connected, Disconnected, Event, Sent, Transport
from services.records import Line
from services.writer import Job, Writer

ACK_WAIT_MS = 2_000
"""How long a new connection waits for the retained `ack`."""
PATIENCE_MS = 60_000
PATIENCE_MOST_MS = 3_600_000
PUBACK_WAIT_MS = 20_000
"""A publication unanswered for this long means a dead connection, whatever it claims to be."""
REFUSED_WAIT_MS = 10_000
"""Before a line that the broker refused is offered again."""
READ_AGAIN_MS = 1_000
"""Before a failed reading of the journal is tried again."""
CHUNK_LINES = 200
AGES_MOST = 512


class LineSource(HashSource, Protocol):
    """What the outbox asks of a journal."""

    def read_after(self, seq: int, limit: int) -> list[Line]:
        """At most `limit` durable lines that follow `seq` without a gap; called by the reader, may raise OSError."""
        ...


class Delivery(StrEnum):
    """Whose word ends our duty to keep a line."""

    ACKNOWLEDGED = "acknowledged"  # the central server's
    BROKER = "broker"  # the broker's


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the journal has gone out; kept in the state cache, and cheap to lose."""

    sent: int = 0
    delivered: int = 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far behind the outside world is."""

    unsent: int
    """Lines the broker has not taken yet."""
    unacked: int
    """Lines that nobody else is known to hold yet, the unsent ones included."""
    oldest_s: int
    """For how long the oldest of these has been waiting, as far as this run of the program has seen."""


class Outbox:
    """Polled by the scan: `heard` for each event of the transport, `acknowledge` for each `ack`, then `step`."""

    def __init__(
        self,
        source: LineSource,
        transport: Transport,
        topic: str,
        journal: str,
        reader: Writer,
        *,
        delivery: Delivery = Delivery.ACKNOWLEDGED,
        cursor: Cursor | None = None,
        window: int = 20,
        ack_wait_ms: int = ACK_WAIT_MS,
    ) -> None:
        self.delivery = delivery
        self.repeats = 0
        """How often the central server's silence made us start again after its last `ack`."""
        self.trouble = ""
        """Why lines do not go out although there is a connection; empty while they do."""
        self._source = source
        self._transport = transport
        self._topic = topic
        self._window_most = window
        self._window = window
        self._reader = reader
        self._ack_wait_ms = ack_wait_ms if delivery is Delivery.ACKNOWLEDGED else 0

        last = source.last_seq
        restored = cursor or Cursor()
        self._sent = min(restored.sent, last)
        self._delivered = min(restored.delivered, last)
        self._next = self._resume_at
        """The next line to hand to the broker."""

        self._online = False
        self._in_flight: dict[int, tuple[int, int]] = {}
        """Token -> seq and when it was handed over, the oldest first."""
        self._ahead: deque[Line] = deque()
        """Lines read and not yet handed over; the first is `_next`."""
        self._reading: Job[list[Line]] | None = None
        self._acks = Acks(source, journal, reader)

        self._ack_wait_until_ms = 0
        self._refused_until_ms = 0
        self._read_again_ms = 0
        self._quiet_since_ms = 0
        self._patience_ms = PATIENCE_MS
        self._ages = _Ages()

    # -- what is known

    @property
    def cursor(self) -> Cursor:
        return Cursor(self._sent, self._delivered)

    @property
    def refused_acks(self) -> Counter[str]:
        """`ack` messages not believed, by reason."""
        return self._acks.refused

    def backlog(self, now_ms: int) -> Backlog:
        last = self._source.last_seq
        held = max(self._delivered, self._source.first_seq - 1)
        return Backlog(last - max(self._sent, held), last - held, self._ages.oldest_ms(held, now_ms) // 1000)

    def due(self, now_ms: int) -> int | None:
        """When `step` next has something to do, should nothing be heard until then; None: not before it is."""
        if self._reading or self._acks.busy:
            return now_ms
        if not self._online:
            return None
        start_ms = max(self._ack_wait_until_ms, self._refused_until_ms, self._read_again_ms)
        moments: list[int] = []
        if self._next <= self._source.last_seq and len(self._in_flight) < self._window:
            moments.append(start_ms)
        if self._in_flight:
            moments.append(self._oldest_handed_ms + PUBACK_WAIT_MS)
        if self._waits_for_ack:
            moments.append(self._quiet_since_ms + self._patience_ms)
        return max(now_ms, min(moments)) if moments else None

    # -- what is heard

    def heard(self, event: Event, now_ms: int) -> None:
        """An event of the transport; those about other messages are ignored."""
        match event:
            case Connected():
                self._online = True
                self._window = min(self._window_most, event.receive_maximum)
                self._ack_wait_until_ms = now_ms + self._ack_wait_ms
                self._refused_until_ms = now_ms
                self._quiet_since_ms = now_ms
                self._in_flight.clear()
                self._send_from(self._resume_at)
            case Disconnected():
                self._online = False
                self._in_flight.clear()
                self._ahead.clear()
            case Sent() if event.token in self._in_flight:
                self._answered(self._in_flight.pop(event.token)[0], event, now_ms)
            case _:
                pass

    def acknowledge(self, payload: bytes, now_ms: int) -> None:
        """The central server says that it has stored everything up to a line."""
        self._acks.heard(payload)
        self._check_acks(now_ms)

    def resend(self, seq: int, now_ms: int) -> None:
        """Publish everything from `seq` on again, in this connection: the central server has lost it."""
        self._send_from(max(1, min(seq, self._next)))
        self._quiet_since_ms = now_ms

    # -- what is done

    def step(self, now_ms: int) -> None:
        """Move on by what can be done now."""
        self._ages.note(self._source.last_seq, now_ms)
        self._check_acks(now_ms)
        if not self._online:
            self._take_chunk(now_ms)
            return
        if self._broker_is_mute(now_ms):
            return
        if now_ms < max(self._ack_wait_until_ms, self._refused_until_ms):
            return
        self._watch_ack(now_ms)
        self._read(now_ms)
        self._send(now_ms)

    @property
    def _resume_at(self) -> int:
        """After a new connection: the first line whose safety nobody has vouched for."""
        return max(self._source.first_seq, (self._delivered if self._acknowledged else self._sent) + 1)

    @property
    def _acknowledged(self) -> bool:
        return self.delivery is Delivery.ACKNOWLEDGED

    @property
    def _waits_for_ack(self) -> bool:
        return self._acknowledged and self._next - 1 > self._delivered

    def _send_from(self, seq: int) -> None:
        self._next = seq
        self._ahead.clear()

    def _read(self, now_ms: int) -> None:
        """Keep a chunk ahead of the window."""
        if self._next < self._source.first_seq:
            self._send_from(self._source.first_seq)
        self._take_chunk(now_ms)
        last_read = self._ahead[-1].seq if self._ahead else self._next - 1
        wanted = len(self._ahead) < self._window and last_read < self._source.last_seq
        if wanted and self._reading is None and now_ms >= self._read_again_ms:
            self._reading = self._reader.submit(partial(self._source.read_after, last_read, CHUNK_LINES))
            self._take_chunk(now_ms)

    def _take_chunk(self, now_ms: int) -> None:
        if self._reading is None or not self._reading.done:
            return
        reading, self._reading = self._reading, None
        try:
            lines = reading.result()
        except OSError as error:
            lines = []
            self.trouble = f"the journal cannot be read: {error.strerror or error}"
        if not lines:
            self._read_again_ms = now_ms + READ_AGAIN_MS
            return
        follows = self._ahead[-1].seq + 1 if self._ahead else self._next
        if self._online and lines[0].seq == follows:  # else we have turned elsewhere since
            self._ahead.extend(lines)

    def _send(self, now_ms: int) -> None:
        while self._ahead and len(self._in_flight) < self._window:
            token = self._transport.publish(self._topic, self._ahead[0].raw)
            if token is None:
                return
            if not self._waits_for_ack:
                self._quiet_since_ms = now_ms
            line = self._ahead.popleft()
            self._in_flight[token] = line.seq, now_ms
            self._next = line.seq + 1

    def _answered(self, seq: int, sent: Sent, now_ms: int) -> None:
        if not sent.ok:
            self.trouble = f"the broker refuses events: {sent.reason}"
            self._refused_until_ms = now_ms + REFUSED_WAIT_MS
            self._send_from(min(seq, self._next))
            return
        self.trouble = ""
        self._sent = max(self._sent, min((self._next, *(seq for seq, _ in self._in_flight.values()))) - 1)
        if not self._acknowledged:
            self._delivered = self._sent

    @property
    def _oldest_handed_ms(self) -> int:
        return next(iter(self._in_flight.values()))[1]

    def _broker_is_mute(self, now_ms: int) -> bool:
        if not self._in_flight or now_ms - self._oldest_handed_ms < PUBACK_WAIT_MS:
            return False
        self._online = False
        self._in_flight.clear()
        self._transport.reconnect(f"no answer to a publication for {PUBACK_WAIT_MS // 1000} s")
        return True

    def _watch_ack(self, now_ms: int) -> None:
        if self._waits_for_ack and now_ms - self._quiet_since_ms >= self._patience_ms:
            self.repeats += 1
            self._quiet_since_ms = now_ms
            self._patience_ms = min(self._patience_ms * 2, PATIENCE_MOST_MS)
            self._send_from(self._resume_at)

    def _check_acks(self, now_ms: int) -> None:
        heard = self._acks.busy
        for seq in self._acks.believed():
            self._believe(seq, now_ms)
        if heard and not self._acks.busy:
            self._ack_wait_until_ms = min(self._ack_wait_until_ms, now_ms)

    def _believe(self, seq: int, now_ms: int) -> None:
        if seq <= self._delivered or not self._acknowledged:
            return
        self._delivered = seq
        self._sent = max(self._sent, seq)
        self._quiet_since_ms = now_ms
        self._patience_ms = PATIENCE_MS
        if self._next <= seq:
            self._next = seq + 1
            while self._ahead and self._ahead[0].seq <= seq:
                self._ahead.popleft()


class _Ages:
    """Since when lines have been known, in bounded memory: when full, every other mark goes and the rest stay exact."""

    def __init__(self) -> None:
        self._marks: list[tuple[int, int]] = []
        """(last seq, first seen at), both rising."""

    def note(self, last: int, now_ms: int) -> None:
        if not self._marks or last > self._marks[-1][0]:
            self._marks.append((last, now_ms))
            if len(self._marks) > AGES_MOST:
                del self._marks[1::2]

    def oldest_ms(self, held: int, now_ms: int) -> int:
        """Age of the line after `held`. A mark that covers it may be a later line's: the age is then a little less."""
        while self._marks and self._marks[0][0] <= held:
            self._marks.pop(0)
        return now_ms - self._marks[0][1] if self._marks else 0

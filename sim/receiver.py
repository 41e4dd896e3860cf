"""The central server's receiver: stores every event exactly once in effect, checks the chain, and acknowledges.

It trusts nothing. A line counts when its hash is right and it follows the one before; a repeat must be the same bytes;
what comes after a gap is left until the gap has been filled, for an `ack` vouches for everything before it. Acks are
retained, and bundled. The same receiver listens on the virtual broker and, in a thread, on a real one.
"""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from hal.clock import Clock, Millis
from services.mqtt import Connected, Event, Received, Transport
from sim.broker import VirtualTransport
from sim.clock import VirtualClock

ACK_EVERY_MS: Millis = 200
STEP_S = 0.02
OUT_TOPICS = ("event", "status", "occupancy", "health", "answer")
"""What a hall publishes under its root."""

_HASH_FIELD = b',"hash":"'


def subscriptions(root: str) -> tuple[str, ...]:
    """What a receiver's transport must subscribe to; `root` ends in a slash."""
    return tuple(root + name for name in OUT_TOPICS)


@dataclass(slots=True)
class Stored:
    """What is known of one journal: the digest of each line from seq 1 on, and the last line's hash."""

    digests: list[bytes] = field(default_factory=list)
    last_hash: str = "0" * 64
    acked: int = 0

    @property
    def last_seq(self) -> int:
        return len(self.digests)


class Receiver:
    """Polled by whoever drives it: `step` whenever something may have come, and at `due`."""

    def __init__(self, transport: Transport, root: str, store: Callable[[bytes], None] | None = None) -> None:
        self.transport = transport
        self.journals: dict[str, Stored] = {}
        self.latest: dict[str, bytes] = {}
        """The last payload on each of the other topics, by the topic's last word."""
        self.answers: list[bytes] = []
        """The last answers to commands."""
        self.violations: list[str] = []
        """Promises that were broken: bytes that changed, hashes that do not add up."""
        self.repeats = 0
        self.gaps = 0
        """Lines that came before their predecessors, and were left."""
        self.mute = False
        """True: stores, but does not acknowledge."""
        self._root = root
        self.on_stored: Callable[[], None] = lambda: None
        """Told of each event that is new here."""
        self._store = store
        self._owed: dict[str, None] = {}
        self._next_ack_ms = 0

    @property
    def stored(self) -> int:
        """How many events there are, over all journals."""
        return sum(journal.last_seq for journal in self.journals.values())

    @property
    def due_ms(self) -> Millis | None:
        """When `step` has something to do by itself."""
        return self._next_ack_ms if self._owed and not self.mute else None

    def step(self, now_ms: Millis) -> None:
        for event in self.transport.poll():
            self._heard(event)
        if self._owed and not self.mute and now_ms >= self._next_ack_ms:
            self._acknowledge(now_ms)

    def remember(self, raw: bytes) -> None:
        """Know a line that was stored in an earlier life."""
        store, self._store = self._store, None
        self._take(raw)
        self._store = store

    def _heard(self, event: Event) -> None:
        match event:
            case Received(topic, payload, _) if topic == self._root + "event":
                self._take(payload)
            case Received(topic, payload, _) if topic.startswith(self._root):
                name = topic.removeprefix(self._root)
                self.latest[name] = payload
                if name == "answer":
                    self.answers = [*self.answers[-99:], payload]
            case Connected():
                self._owed.update(dict.fromkeys(self.journals))  # a broker that lost its memory needs the ack again
            case _:
                pass

    def _take(self, raw: bytes) -> None:
        try:
            line = json.loads(raw)
            name, seq, prevhash = str(line["journal"]), int(line["seq"]), str(line["prevhash"])
            claimed = str(line["hash"])
        except (ValueError, LookupError, TypeError) as error:
            self.violations.append(f"not an event ({error!r}): {raw[:80]!r}")
            return
        if hashlib.sha256(raw[: raw.rfind(_HASH_FIELD)]).hexdigest() != claimed or line["id"] != f"{name}:{seq}":
            self.violations.append(f"{name}:{seq} does not match its hash or id")
            return
        journal = self.journals.setdefault(name, Stored())
        digest = hashlib.sha256(raw).digest()
        if seq <= journal.last_seq:
            self.repeats += 1
            self._owed[name] = None  # whoever repeats has not heard our ack
            if journal.digests[seq - 1] != digest:
                self.violations.append(f"{name}:{seq} was repeated with other bytes")
        elif seq > journal.last_seq + 1:
            self.gaps += 1
        elif prevhash != journal.last_hash:
            self.violations.append(f"{name}:{seq} does not follow {name}:{seq - 1}")
        else:
            if self._store is not None:
                self._store(raw)
            journal.digests.append(digest)
            journal.last_hash = claimed
            self._owed[name] = None
            self.on_stored()

    def _acknowledge(self, now_ms: Millis) -> None:
        for name in list(self._owed):
            journal = self.journals[name]
            if not journal.last_seq:
                del self._owed[name]
                continue
            ack = {"journal": name, "seq": journal.last_seq, "hash": journal.last_hash}
            payload = json.dumps(ack, separators=(",", ":")).encode()
            if self.transport.publish(self._root + "ack", payload, retain=True) is None:
                break
            del self._owed[name]
            journal.acked = journal.last_seq
        self._next_ack_ms = now_ms + ACK_EVERY_MS


def receive_in_virtual_time(receiver: Receiver, transport: VirtualTransport, clock: VirtualClock) -> None:
    """Let the receiver act at the very moments at which something arrives or is due."""

    def step() -> None:
        receiver.step(clock.now())
        if receiver.due_ms is not None:
            clock.after(max(0, receiver.due_ms - clock.now()) * 1000 + 1000, step, quiet=True)

    transport.notice = step
    transport.start()


class ReceiverThread:
    """A receiver on a real broker, at its own pace."""

    def __init__(self, receiver: Receiver, clock: Clock) -> None:
        self.receiver = receiver
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    def start(self) -> None:
        self.receiver.transport.start()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self.receiver.transport.stop()

    def _run(self) -> None:
        while not self._stopping.wait(STEP_S):
            self.receiver.step(self._clock.now())

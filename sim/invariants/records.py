"""Records (21 to 23): told only when the medium holds them, never changed, never lost, and nothing hurt is believed."""

import hashlib
import json
import re
from collections.abc import Sequence

from firmware.codec import utc_ms_of
from firmware.ledger import Told
from hal.clock import Millis
from services.mqtt import Message
from sim.invariants.chronicle import Chronicle
from sim.invariants.medium import Medium
from sim.judge import Invariant, Scene
from sim.machine import End

CAUGHT_UP_MS: Millis = 300_000
"""A line to the central server that is well for so long has let everything through."""
SETTLED_US = 5_000_000
"""So long after its start, a daemon has said what is wrong with its journal."""
LOOK_EVERY_US = 3_600_000_000
POSITIONS_MOST = 5_000

_EVENT = re.compile(rb'"journal":"([0-9a-f]{32})","seq":([0-9]+),')
_HASH_AT = slice(-66, -2)


class Publications(Invariant):
    """Nothing is told before it is durable; a number is never reused, and a repeat is the same bytes; all arrive.

    Excused: a medium on which bits have turned over holds less than was durable, and the program cannot know.
    """

    number, name = 21, "publications"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        machine = scene.machine
        self._chronicle = Chronicle.of(scene)
        self._medium = Medium.of(machine)
        self._root = f"besuk/v1/{scene.config.site}/{scene.config.hall}/"
        self._published: dict[tuple[bytes, int], bytes] = {}
        """Journal and number -> the hash under which it went out."""
        self._highest: dict[bytes, int] = {}
        self._true: dict[int, tuple[int, str, str]] = {}
        """Number of a record -> inside, confidence and mode with it."""
        self._more: set[int] = set()
        """Numbers of records after which something happened that could not be written."""
        self._chronicle.hear(lambda fact, at: None, self._settled)
        self._started_us = 0
        before = machine.broker.on_arrival

        def arrived(message: Message) -> None:
            before(message)
            self._arrived(message)

        machine.broker.on_arrival = arrived

    def started(self) -> None:
        self._started_us = self.scene.clock.now_us if self.scene.machine.starts > 1 else 0
        self._note()

    def _settled(self) -> None:
        """What cannot be written is true all the same, and is part of what is said with the last record's number."""
        daemon = self.scene.machine.daemon
        if daemon is not None and daemon.controller.ledger.dead:
            self._more.add(len(self._chronicle.durable))

    def told(self, told: Sequence[Told]) -> None:
        self._note()
        self._medium.look()
        durable = len(self._chronicle.durable)
        if self._medium.last_seq < durable and not self.scene.machine.disk.flips and not self._chronicle.damaged:
            self.broken(f"record {durable} was told as durable, and the medium holds {self._medium.last_seq}")

    def _note(self) -> None:
        """What is true with the last record, to hold what is published against."""
        if self._chronicle.unwritten or self._chronicle.damaged:
            return
        account = self._chronicle.account
        seq = len(self._chronicle.durable)
        self._true[seq] = account.total, "suspect" if account.suspect else "exact", account.mode
        if len(self._true) > POSITIONS_MOST:
            del self._true[next(iter(self._true))]

    def _arrived(self, message: Message) -> None:
        if message.topic == f"{self._root}event":
            self._event(message.payload)
        elif message.topic == f"{self._root}occupancy" and not self._chronicle.damaged:
            self._occupancy(json.loads(message.payload))

    def _event(self, raw: bytes) -> None:
        found = _EVENT.search(raw)
        if found is None:
            self.broken(f"no event: {raw[:200]!r}")
        journal, seq, digest = found[1], int(found[2]), raw[_HASH_AT]
        first = self._published.setdefault((journal, seq), digest)
        if first != digest:
            self.broken(f"record {seq} goes out a second time with other bytes: {raw!r}")
        highest = self._highest.get(journal, 0)
        if seq > highest + 1:
            self.broken(f"record {seq} goes out, and {highest + 1} has not")
        self._highest[journal] = max(seq, highest)
        if self.scene.machine.disk.flips or self._chronicle.damaged:
            return
        if self._medium.hashes.get(seq) != digest.decode():
            self._medium.look()
        if self._medium.hashes.get(seq) != digest.decode():
            self.broken(f"record {seq} goes out, and a power cut now would lose it")

    def _occupancy(self, told: dict[str, object]) -> None:
        seq = told["seq"]
        if not isinstance(seq, int) or seq > len(self._chronicle.durable):
            self.broken(f"occupancy includes record {seq}, of {len(self._chronicle.durable)} durable ones")
        true = self._true.get(seq)
        if true is None or seq in self._more:
            return
        if (told["inside"], told["confidence"], told["mode"]) != true:
            self.broken(f"with record {seq} it is {true}, and occupancy says {told}")

    def stepped(self) -> None:
        if violations := self.scene.machine.receiver.violations:
            self.broken(f"the central server: {violations}")

    def ended(self) -> None:
        """While the medium lived, the central server has everything: the same bytes, and no gap.

        Where the broker's word ends the duty, all has been handed over; what the broker then loses, or still keeps for
        a central server that was away, may be missing there, and everything behind it.
        """
        machine = self.scene.machine
        if machine.disk.flips or self._chronicle.damaged or self._unwell("broker"):
            return
        self._medium.look(whole=True)
        lines = self._medium.lines()
        books = list(machine.receiver.journals.values())
        digests = books[0].digests if books else []
        first = self._medium.last_seq - len(lines)
        expected = [hashlib.sha256(line).digest() for line in lines]
        if self.scene.config.mqtt.delivery == "broker":
            handed = max(self._highest.values(), default=0)
            if handed < self._medium.last_seq:
                self.broken(f"the medium holds records up to {self._medium.last_seq}, the broker had {handed}")
            if machine.broker.dropped or machine.broker.forgot or self._unwell("central"):
                expected = expected[: max(0, len(digests) - first)]
        if digests[first:] != expected:
            self.broken(f"the medium holds records {first + 1} to {self._medium.last_seq}, the central server "
                        f"{len(digests)} of them, or others")  # fmt: skip

    def _unwell(self, device: str) -> bool:
        """In trouble, or not out of it, or the daemon not started, for long enough to have let everything through."""
        last_us = max(self.scene.troubled_us.get(device, 0), self._started_us)
        calm_ms = (self.scene.clock.now_us - last_us) // 1000
        return device in self.scene.hall.faults or (calm_ms < CAUGHT_UP_MS and last_us > 0)


class Segments(Invariant):
    """The journal only grows, in one chain; a segment goes when the central server has it and its time is over."""

    number, name = 22, "append only"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._chronicle = Chronicle.of(scene)
        self._medium = Medium.of(scene.machine)
        self._known: list[str] = []
        """The hash of each record that was told, from the first on."""
        self._look_us = LOOK_EVERY_US
        self._retired = 0
        """The last record that was deleted in good order."""

    def told(self, told: Sequence[Told]) -> None:
        self._medium.look()
        if self._medium.gone:
            self._went()
        if self._known and self._medium.last_seq < len(self._known):
            self._check()
        self._note()

    def started(self) -> None:
        """Recovery may cut a tail that was never told, and nothing else."""
        self._medium.look(whole=True)
        self._check()
        self._note()

    def next_us(self) -> int | None:
        return self._look_us

    def stepped(self) -> None:
        if self.scene.clock.now_us >= self._look_us:
            self._look_us = self.scene.clock.now_us + LOOK_EVERY_US
            self._medium.look(whole=True)
            self._check()

    def ended(self) -> None:
        self._medium.look(whole=True)
        self._check()

    def _note(self) -> None:
        hashes = self._medium.hashes
        for seq in range(len(self._known) + 1, min(len(self._chronicle.durable), self._medium.last_seq) + 1):
            self._known.append(hashes.get(seq, ""))

    def _check(self) -> None:
        """All that was told stands where it stood, in its chain."""
        if self._medium.gone:
            self._went()
        if self.scene.machine.disk.flips:
            return
        hashes = self._medium.hashes
        for seq, digest in enumerate(self._known, start=1):
            if hashes.get(seq, "") != digest and seq > self._retired:
                self.broken(f"record {seq} is not what it was, or not in its chain any more")

    def _went(self) -> None:
        """Only what is safe elsewhere, and old."""
        gone, self._medium.gone = self._medium.gone, []
        machine, config = self.scene.machine, self.scene.config
        acked = max((journal.last_seq for journal in machine.receiver.journals.values()), default=0)
        if config.mqtt.delivery == "acknowledged":
            acked = max((journal.acked for journal in machine.receiver.journals.values()), default=0)
        for name, last_seq, last in gone:
            if last_seq > acked:
                self.broken(f"{name} is deleted, up to record {last_seq}; the central server has vouched for {acked}")
            age_ms = machine.wall.read().utc_ms - utc_ms_of(json.loads(last)["time"])
            if age_ms < config.storage.keep:
                self.broken(f"{name} is deleted at an age of {age_ms // 60_000} min")
            self._retired = max(self._retired, last_seq)


class Corruption(Invariant):
    """What is hurt is found and said, and never read as if it were true; what is lost was never told.

    Excused: a bit that turns over in the very last records cannot be told from a torn tail, and is reported as one. A
    medium that writes its sectors in any order leaves a last batch with holes, which is damage like any other.
    """

    number, name = 23, "corruption"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._chronicle = Chronicle.of(scene)
        self._medium = Medium.of(scene.machine)
        self._known: dict[int, str] = {}
        self._expect_us: int | None = None
        self._scattered = False

    def stopped(self, how: End) -> None:
        self._scattered |= how == "power" and self.scene.machine.disk.scattered

    def told(self, told: Sequence[Told]) -> None:
        self._medium.look()
        for seq in range(len(self._known) + 1, len(self._chronicle.durable) + 1):
            self._known[seq] = self._medium.hashes.get(seq, "")

    def started(self) -> None:
        daemon = self.scene.machine.daemon
        assert daemon is not None
        journal = daemon.controller.ledger.journal
        self._expect_us = None
        if journal.damage is not None:
            if not self.scene.machine.disk.flips and not self._scattered:
                self.broken(f"a journal that nothing has hurt is found damaged: {journal.damage}")
            self._expect_us = self.scene.clock.now_us + SETTLED_US
        for line in journal.tail:
            if self._known.get(line.seq, line.hash) != line.hash:
                self.broken(f"record {line.seq} is believed, and is not what was sealed: {line.raw!r}")
        told = len(self._known)
        if journal.last_seq < told and journal.damage is None and not (journal.torn and self.scene.machine.disk.flips):
            self.broken(f"records {journal.last_seq + 1} to {told} were told as durable, and are lost without a word")
        if journal.damage is None:
            for seq in [seq for seq in self._known if seq > journal.last_seq]:
                del self._known[seq]

    def next_us(self) -> int | None:
        return self._expect_us

    def stepped(self) -> None:
        if self._expect_us is None or self.scene.clock.now_us < self._expect_us:
            return
        opinion = self.scene.opinion
        if opinion is None or self._chronicle.undecided:
            self._expect_us = self.scene.clock.now_us + SETTLED_US
            return
        self._expect_us = None
        if not opinion.degraded or not any(task.reason == "journal_damaged" for task in opinion.tasks.values()):
            self.broken("the journal is damaged, and neither the mode nor a task says so")


RECORDS: tuple[type[Invariant], ...] = (Publications, Segments, Corruption)

"""The journal as it lies on the disk: following the chain through its segments, and saying what is wrong with it.

Theory. Every record can be judged alone (its bytes are what was sealed, or they are not) and in its place (it follows
the one before, or it does not). From the first bad record on there are two cases:

* **torn tail**: in the last segment, nothing that follows is a whole record, and no more is missing than one batch can
  hold. That is what a power cut leaves of a batch that was never acknowledged; it may be cut off.
* **damage**: anything else. Acknowledged records have been hurt or are missing. Nothing is changed, nothing is guessed.

A last record that is whole but for a flipped bit cannot be told from a torn one, unless somebody (the checkpoint)
remembers that it had been acknowledged. Whoever cuts a tail must therefore say so.
"""

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.disk import Disk
from services.records import ZERO_HASH, Record, recognise, salvage

BATCH_BYTES_MAX = 1 << 20
"""The most that is written at once, so the most that a power cut can tear."""

_SEGMENT = re.compile(r"([0-9]{12})\.jsonl")

@dataclass(frozen=True, slots=True)
class Damage:
    """The first bad record: where it stands, and what is wrong."""

    segment: str
    line: int
    """Counted from 1 within the segment."""
    seq: int
    """The number of the record that belongs there."""
    why: str
    missing: int
    """Records that belong between the last good one and the newest one found, and are not to be found."""

    def __str__(self) -> str:
        return f"{self.segment} line {self.line}: record {self.seq}: {self.why}; {self.missing} missing"


class JournalError(Exception):
    """The journal cannot be used as asked; the message is for the technician."""


class WrongJournalError(JournalError):
    """The journal belongs to another site or hall, or to the other kind (simulated or real)."""


class JournalDamagedError(JournalError, OSError):
    """Acknowledged records have been hurt or are missing: to a reader, one more way in which a disk can fail."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(errno.EBADMSG, str(damage))
        self.damage = damage


@dataclass(frozen=True, slots=True)
class Torn:
    """The tail of the last segment that is no whole record, and was never acknowledged as far as anybody knows."""

    segment: str
    line: int
    seq: int
    offset: int
    size: int
    """Bytes from `offset` to the end of the segment."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A record that somebody remembers as acknowledged: the checkpoint's last."""

    seq: int
    hash: str


def segment_name(first_seq: int) -> str:
    return f"{first_seq:012d}.jsonl"


def segments(disk: Disk, folder: str) -> list[str]:
    """The names of the journal's segments, oldest first. Files with other names are nobody's business here."""
    return [name for name in disk.names(folder) if _SEGMENT.fullmatch(name)]


def first_seq(segment: str) -> int:
    return int(segment[:12])


class Walk:
    """Follows the chain through the given segments, from the first to the first bad record.

    Iterate over `records`, then look at `damage` and `torn`: at most one of them is set. `last` is the last good
    record, None before the first. The first segment's name is believed, and its first record's `prevhash` too unless
    that record is number 1: what was before it has been delivered and deleted, or is not walked this time.
    """

    def __init__(self, disk: Disk, folder: str, names: list[str], anchor: Anchor | None = None) -> None:
        self._disk = disk
        self._folder = folder
        self._names = names
        self._anchor = anchor
        self._bad_at = 0
        self.last: Record | None = None
        self.damage: Damage | None = None
        self.torn: Torn | None = None

    def records(self) -> Iterator[Record]:
        """The good records in order. Raises OSError when a segment cannot be read."""
        seq = first_seq(self._names[0]) if self._names else 1
        name, number, start = segment_name(seq), 1, 0
        for name in self._names:
            if first_seq(name) != seq:
                self._mark_damage(name, 1, seq, 0, f"a segment that begins with record {seq} should be here")
                return
            data = self._disk.read(f"{self._folder}/{name}")
            start, number = 0, 1
            while start < len(data):
                end = data.find(b"\n", start)
                record = recognise(data[start:end]) if end >= 0 else None
                if record is None:
                    self._judge(name, number, seq, start, data)
                    return
                why = self._misfit(record, seq)
                if why:
                    self._mark_damage(name, number, seq, start, why)
                    return
                self.last = record
                yield record
                start, number, seq = end + 1, number + 1, seq + 1
        if self._anchor is not None and self._anchor.seq >= seq:
            why = f"the journal ends here, but the checkpoint knows record {self._anchor.seq}"
            self._mark_damage(name, number, seq, start, why)
        elif self.last is None and seq > 1:
            self._mark_damage(name, number, seq, start, "no record is left to continue from")

    def rest(self) -> Iterator[Record]:
        """The whole records behind the damage, in the order in which they lie there."""
        if self.damage is None or self.damage.segment not in self._names:
            return
        start = self._bad_at
        for name in self._names[self._names.index(self.damage.segment) :]:
            yield from salvage(self._disk.read(f"{self._folder}/{name}")[start:])
            start = 0

    def _misfit(self, record: Record, seq: int) -> str:
        """Why a whole record does not belong here; empty when it does."""
        last = self.last
        if last is not None and record.origin.journal != last.origin.journal:
            return f"it belongs to another journal, {record.origin.journal}"
        if record.line.seq != seq:
            return f"record {record.line.seq} stands in its place"
        prevhash = last.line.hash if last is not None else ZERO_HASH if seq == 1 else record.prevhash
        if record.prevhash != prevhash:
            return "the chain is broken: it does not follow the record before it"
        if last is not None and not record.origin.continues(last.origin):
            return "it has another source or kind, or an earlier boot, than the record before it"
        if self._anchor is not None and self._anchor.seq == seq and self._anchor.hash != record.line.hash:
            return "the checkpoint knows another record with this number"
        return ""

    def _judge(self, name: str, number: int, seq: int, start: int, data: bytes) -> None:
        """Torn tail or damage? Called for the first line that is no whole record."""
        size = len(data) - start
        if name != self._names[-1]:
            why = "its bytes are not what was sealed, and a segment follows"
        elif next(salvage(data[start:]), None) is not None:
            why = "its bytes are not what was sealed, and whole records follow"
        elif self._anchor is not None and self._anchor.seq >= seq:
            why = f"its bytes are not what was sealed, but the checkpoint knows record {self._anchor.seq}"
        elif size > BATCH_BYTES_MAX:
            why = f"{size} bytes are no record, more than one batch can hold"
        elif self.last is None and seq > 1:
            why = "no record is left to continue from"
        else:
            self.torn = Torn(name, number, seq, start, size)
            return
        self._mark_damage(name, number, seq, start, why)

    def _mark_damage(self, name: str, number: int, seq: int, start: int, why: str) -> None:
        self._bad_at = start
        self.damage = Damage(name, number, seq, why, 0)
        found = {record.line.seq for record in self.rest()}
        newest = max(found | {seq, self._anchor.seq if self._anchor else 0})
        missing = sum(1 for number_ in range(seq, newest + 1) if number_ not in found)
        self.damage = Damage(name, number, seq, why, missing)


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` found."""

    journal: str
    """32 hex; empty when there is no record."""
    source: str
    simulated: bool
    segments: int
    records: int
    """Good ones, from `first_seq` to `last_seq`."""
    first_seq: int
    last_seq: int
    last_hash: str
    damage: Damage | None
    torn: Torn | None


def verify(disk: Disk, folder: str) -> Report:
    """Check every record of a journal, changing nothing. Raises OSError when it cannot be read."""
    names = segments(disk, folder)
    walk = Walk(disk, folder, names)
    records = sum(1 for _ in walk.records())
    last = walk.last
    if last is None:
        return Report("", "", False, len(names), 0, 0, 0, ZERO_HASH, walk.damage, walk.torn)
    return Report(
        last.origin.journal, last.origin.source, last.origin.simulated, len(names), records,
        last.line.seq - records + 1, last.line.seq, last.line.hash, walk.damage, walk.torn,
    )  # fmt: skip

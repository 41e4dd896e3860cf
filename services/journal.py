"""The journal: an append-only, hash-chained log of CloudEvents, one JSON object a line; the truth of the hall.

Theory. A batch of entries is numbered, chained and serialised in the scan (`seal`: pure), written in the writer's
thread (`store`: one append, durable when it returns), and taken note of in the scan (`committed` or `failed`). One
batch is under way at a time, so the only bytes that can ever be in doubt are those of one batch at the very end. After
a failed store nothing is believed: `reopen` checks the last segment and cuts it back to the last committed record,
even if the whole batch is found there, because nobody was ever told that it is.

Each opening is a new boot. A journal belongs to one source and one kind (simulated or not). A damaged journal can be
read up to the damage and behind it, and refuses to grow.

`docs/journal.md` describes the format and what to do about damage.
"""

import errno
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from services.disk import Disk
from services.records import ZERO_HASH, Entry, Line, Origin, Record, recognise, seal
from services.segments import BATCH_BYTES_MAX, Anchor, Damage, Torn, Walk, first_seq, segment_name, segments

SEGMENT_BYTES = 4 << 20
"""A segment that has grown beyond this is followed by a new one."""

VERIFY_BYTES = 16 << 20
"""How much of what the checkpoint covers already is verified again at a start, newest first."""

TAIL_LINES = 2_000
TAIL_BYTES = 2 << 20
"""How much of the newest is kept in memory."""

_CHUNK_BYTES = 256 << 10
_NOBODYS = "0" * 32

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
class Batch:
    """Sealed lines, and where they go."""

    lines: tuple[Line, ...]
    segment: str
    data: bytes
    bootms: int
    """The last line's."""


@dataclass(slots=True)
class _Segment:
    name: str
    size: int
    """Committed bytes."""


class Journal:
    """Made by `Journal.open`. `seal`, `committed` and `failed` belong to the scan; `read_after` to any thread."""

    def __init__(self, disk: Disk, folder: str, origin: Origin, segment_bytes: int, tail_lines: int) -> None:
        self._disk = disk
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._tail_lines = tail_lines
        self._segments: list[_Segment] = []
        self._under_way: Batch | None = None
        self._failed = False
        self._tail: deque[Line] = deque()
        self._tail_bytes = 0
        self._bootms = 0
        self._place = (0, 0)  # where reading last stopped: the number of the record there, and its offset
        self._lock = Lock()  # guards _segments, _tail, _place and last between the scan, the writer and a reader
        self._walk: Walk | None = None
        self.origin = origin
        """What all records of this boot have in common; its boot is the one that this opening began."""
        self.last = Line(0, b"", ZERO_HASH)
        """The last committed record; number 0 while there is none."""
        self.damage: Damage | None = None
        """Set once acknowledged records are known to be hurt or missing; then nothing more can be sealed."""
        self.torn: Torn | None = None
        """What recovery cut off at this opening. Tell somebody: see the theory in `services.segments`."""

    @property
    def id(self) -> str:
        """32 hex, made once when a journal is made."""
        return self.origin.journal

    @property
    def boot(self) -> int:
        """The number of this boot, from 1: one more than that of the last which left a record."""
        return self.origin.boot

    @property
    def first_seq(self) -> int:
        """The oldest record that is still kept; 1 in an empty journal."""
        with self._lock:
            return first_seq(self._segments[0].name) if self._segments else 1

    @property
    def last_seq(self) -> int:
        """The newest committed record; 0 in an empty journal."""
        return self.last.seq

    # -- opening

    @classmethod
    def open(
        cls,
        disk: Disk,
        folder: str,
        *,
        source: str,
        simulated: bool,
        new_id: Callable[[], str],
        anchor: Anchor | None = None,
        verify_bytes: int = VERIFY_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        tail_lines: int = TAIL_LINES,
    ) -> "Journal":
        """Recover what is there, or begin a new journal (whose first segment is written with the first batch).

        All records newer than `anchor` are verified (all records, without one), and older ones newest first up to
        `verify_bytes`. A torn tail is cut off (`torn`); damage is reported (`damage`) and nothing is changed.

        Raises OSError when the folder cannot be read or the disk cannot be written, WrongJournalError.
        """
        journal = cls(disk, folder, Origin(_NOBODYS, source, simulated, 1), segment_bytes, tail_lines)
        disk.ensure_folder(folder)
        journal._recover(anchor, verify_bytes)
        if journal.id == _NOBODYS:
            journal.origin = replace(journal.origin, journal=new_id())
        return journal

    def _recover(self, anchor: Anchor | None, verify_bytes: int) -> None:
        names = segments(self._disk, self._folder)
        worth = self._worth_walking(names, anchor, verify_bytes)
        walk = self._walk_through(worth, anchor)
        if walk.damage is not None and worth != names:
            walk = self._walk_through(names, anchor)  # now the whole truth is wanted, whatever it takes
        self.damage, self.torn = walk.damage, walk.torn
        kept = [name for name in names if self.damage is None or name <= self.damage.segment]
        self._segments = [_Segment(name, self._disk.size(self._path(name))) for name in kept]
        if self.damage is not None:
            self._walk = walk
            for record in walk.rest():
                self._continue(record)
        elif names:
            self._mend()

    def _walk_through(self, names: list[str], anchor: Anchor | None) -> Walk:
        self._tail.clear()
        self._tail_bytes = 0
        walk = Walk(self._disk, self._folder, names, anchor)
        for record in walk.records():
            self._continue(record)
            self._remember(record.line)
            self.last = record.line
        return walk

    def _worth_walking(self, names: list[str], anchor: Anchor | None, verify_bytes: int) -> list[str]:
        """The newest segments: all that the anchor does not cover, and more while they fit into `verify_bytes`."""
        if anchor is None:
            return names
        start, bytes_left = len(names), verify_bytes
        while start > 0:
            covered = start < len(names) and first_seq(names[start]) <= anchor.seq  # the one before ends before anchor
            bytes_left -= self._disk.size(self._path(names[start - 1]))
            if covered and bytes_left < 0 and len(names) - start >= 2:
                break
            start -= 1
        return names[start:]

    def _continue(self, record: Record) -> None:
        """This boot belongs to the journal of that record, and comes after its boot."""
        found, ours = record.origin, self.origin
        if found.boot < ours.boot and found.journal == ours.journal:
            return
        if (found.source, found.simulated) != (ours.source, ours.simulated):
            kinds = {True: "simulated", False: "real"}
            raise WrongJournalError(
                f"the journal in {self._folder!r} belongs to {found.source} ({kinds[found.simulated]}), "
                f"not to {ours.source} ({kinds[ours.simulated]})"
            )
        self.origin = Origin(found.journal, ours.source, ours.simulated, found.boot + 1)

    def _mend(self) -> None:
        """Cut a torn tail off, and make what is left durable: it may have been read from memory that never was."""
        if self.torn is not None:
            if self.torn.offset:
                self._disk.truncate(self._path(self.torn.segment), self.torn.offset)
                self._segments[-1].size = self.torn.offset
            else:
                self._disk.remove(self._path(self.torn.segment))
                self._segments.pop()
        elif self._segments[-1].size == 0:
            self._disk.remove(self._path(self._segments.pop().name))
        if self._segments:
            newest = self._segments[-1]
            self._disk.harden(self._path(newest.name), max(0, newest.size - BATCH_BYTES_MAX))

    # -- appending

    def seal(self, entries: Sequence[Entry]) -> Batch:
        """Number, chain and serialise; no I/O. The batch must be stored, then `committed` or `failed`, before the next.

        Raises TypeError or ValueError for what no record can hold, JournalDamagedError.
        """
        if self.damage is not None:
            raise JournalDamagedError(self.damage)
        if self._under_way is not None or self._failed:
            raise RuntimeError("a batch is under way, or has failed and the journal was not reopened")
        if not entries:
            raise ValueError("a batch needs at least one entry")
        seq, prevhash, bootms = self.last.seq, self.last.hash, self._bootms
        lines = []
        for entry in entries:
            seq += 1
            if entry.bootms < bootms:
                raise ValueError(f"bootms {entry.bootms} after {bootms}: the monotonic clock does not run backwards")
            bootms = entry.bootms
            lines.append(seal(self.origin, entry, seq, prevhash))
            prevhash = lines[-1].hash
        data = b"".join(line.raw + b"\n" for line in lines)
        if len(data) > BATCH_BYTES_MAX:
            raise ValueError(f"a batch of {len(data)} bytes; at most {BATCH_BYTES_MAX}")
        segment = self._segments[-1] if self._segments else None
        fits = segment is not None and segment.size < self._segment_bytes
        name = segment.name if segment is not None and fits else segment_name(lines[0].seq)
        self._under_way = Batch(tuple(lines), name, data, bootms)
        return self._under_way

    def store(self, batch: Batch) -> None:
        """Write a sealed batch; durable when this returns. Raises OSError. For the writer's thread."""
        self._disk.append(self._path(batch.segment), batch.data)

    def committed(self, batch: Batch) -> None:
        """`store` has returned: the batch counts."""
        self._end(batch)
        with self._lock:
            if not self._segments or self._segments[-1].name != batch.segment:
                self._segments.append(_Segment(batch.segment, 0))
            self._segments[-1].size += len(batch.data)
            self.last = batch.lines[-1]
            for line in batch.lines:
                self._remember(line)
        self._bootms = batch.bootms

    def failed(self, batch: Batch) -> None:
        """`store` has raised: the batch never was. Its numbers will be used again, after `reopen`."""
        self._end(batch)
        self._failed = True

    def reopen(self) -> None:
        """After a failed store: verify the last segment and cut off whatever was not committed.

        Raises OSError while the disk is still bad. Finding committed records hurt sets `damage`.
        """
        committed = self._segments[-1] if self._segments else None
        if committed is not None:
            self.damage = self.damage or self._damage_in(committed)
            if self.damage is not None:
                return
            self._disk.truncate(self._path(committed.name), committed.size)
        for name in segments(self._disk, self._folder):
            if committed is None or name > committed.name:
                self._disk.remove(self._path(name))
        self._failed = False

    def _damage_in(self, segment: _Segment) -> Damage | None:
        walk = Walk(self._disk, self._folder, [segment.name], Anchor(self.last.seq, self.last.hash))
        for record in walk.records():
            if record.line.seq == self.last.seq:
                return None
        self._walk = walk
        return walk.damage

    def _end(self, batch: Batch) -> None:
        if batch is not self._under_way:
            raise RuntimeError("not the batch that is under way")
        self._under_way = None

    # -- reading

    @property
    def tail(self) -> Sequence[Line]:
        """The newest committed records, as many as memory keeps."""
        with self._lock:
            return tuple(self._tail)

    def lines(self, after_seq: int = 0) -> Iterator[Line]:
        """All committed records after `after_seq`, verified, up to the damage if there is one.

        Raises OSError, and JournalDamagedError for damage that was not known.
        """
        seq = max(after_seq + 1, self.first_seq)
        while seq <= self.last.seq:
            found = self._read_disk(seq, 256)
            yield from found
            seq = found[-1].seq + 1

    def suffix(self) -> Iterator[Line]:
        """What can be recognised behind the damage: each record is whole, but some between them may be missing."""
        if self._walk is not None:
            yield from (record.line for record in self._walk.rest())

    def read_after(self, seq: int, limit: int) -> list[Line]:
        """At most `limit` committed records after `seq`, in order, beginning with the oldest that is kept.

        Raises OSError (JournalDamagedError is one). May be called from any thread.
        """
        with self._lock:
            if self._tail and seq + 1 >= self._tail[0].seq:
                start = seq + 1 - self._tail[0].seq
                return [self._tail[i] for i in range(start, min(start + limit, len(self._tail)))]
        wanted = max(seq + 1, self.first_seq)
        return self._read_disk(wanted, limit) if wanted <= self.last.seq else []

    def hash_of(self, seq: int) -> str | None:
        """The hash of a committed record; None when it is not kept, or not yet there. Raises as `read_after` does."""
        found = self.read_after(seq - 1, 1) if self.first_seq <= seq <= self.last_seq else []
        return found[0].hash if found else None

    def drop_segments(self, delivered_seq: int, expired: Callable[[Line], bool]) -> int:
        """Delete the oldest segments whose records are all delivered and whose last one has `expired`; how many.

        The newest segment always stays. The caller's checkpoint must cover `delivered_seq`. Raises OSError, in which
        case the rest is left for the next time. For the writer's thread.
        """
        dropped = 0
        while self.damage is None:
            with self._lock:
                kept = list(self._segments[:2])
            if len(kept) < 2 or (end := first_seq(kept[1].name) - 1) > delivered_seq:
                break
            last = self._last_line(kept[0])
            if last.seq != end:
                raise JournalDamagedError(Damage(kept[0].name, 0, end, "the segment does not end with this record", 1))
            if not expired(last):
                break
            self._disk.remove(self._path(kept[0].name))
            with self._lock:
                del self._segments[0]
                while self._tail and self._tail[0].seq <= end:
                    self._forget_oldest()
            dropped += 1
        return dropped

    def _last_line(self, segment: _Segment) -> Line:
        """The record at the end of a segment; number 0 when it is not whole."""
        size = min(segment.size, BATCH_BYTES_MAX)
        data = self._disk.read_at(self._path(segment.name), segment.size - size, size)
        record = recognise(data[data.rfind(b"\n", 0, -1) + 1 : -1])
        return record.line if record is not None else Line(0, b"", ZERO_HASH)

    def _read_disk(self, seq: int, limit: int) -> list[Line]:
        """At least one record from `seq` on, which is committed; at most `limit`, and only one segment's."""
        with self._lock:
            index = bisect_right(self._segments, seq, key=lambda segment: first_seq(segment.name)) - 1
            segment = self._segments[index]
            last_seq = min(seq + limit - 1, self.last.seq)
            next_seq, offset = first_seq(segment.name), 0
            if next_seq < self._place[0] <= seq:
                next_seq, offset = self._place
        found: list[Line] = []
        rest, prevhash, why = b"", None, ""
        while next_seq <= last_seq and not why:
            chunk = self._disk.read_at(self._path(segment.name), offset + len(rest), _CHUNK_BYTES)
            if not chunk:
                break
            *whole, rest = (rest + chunk).split(b"\n")
            for raw in whole[: last_seq - next_seq + 1]:
                record = recognise(raw)
                if record is None or record.line.seq != next_seq or prevhash not in (None, record.prevhash):
                    why = "read again, its bytes are not what was sealed"
                    break
                if next_seq >= seq:
                    found.append(record.line)
                prevhash = record.line.hash
                next_seq, offset = next_seq + 1, offset + len(raw) + 1
        if not found:
            line = next_seq - first_seq(segment.name) + 1
            raise JournalDamagedError(Damage(segment.name, line, next_seq, why or "read again, it is missing", 1))
        with self._lock:
            self._place = (next_seq, offset)
        return found

    def _remember(self, line: Line) -> None:
        self._tail.append(line)
        self._tail_bytes += len(line.raw)
        while len(self._tail) > self._tail_lines or (self._tail_bytes > TAIL_BYTES and len(self._tail) > 1):
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._tail_bytes -= len(self._tail.popleft().raw)

    def _path(self, segment: str) -> str:
        return f"{self._folder}/{segment}"

"""The committed records of a journal: the newest from memory, the others from the disk, verified as they are read.

This is the part of a journal that any thread may use; the scan's part is `services.journal`. Records that have been
committed never change, so a lock is needed only for where they are: in memory, or at which place of which segment.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

from services.disk import Disk
from services.records import ZERO_HASH, Line, recognise
from services.segments import BATCH_BYTES_MAX, Damage, JournalDamagedError, Walk, first_seq

TAIL_LINES = 2_000
TAIL_BYTES = 2 << 20
"""How much of the newest is kept in memory."""

_CHUNK_BYTES = 256 << 10


@dataclass(slots=True)
class Segment:
    """One file of the journal."""

    name: str
    size: int
    """Committed bytes."""


class Committed:
    """What is kept, from `first_seq` to `last_seq`, without a gap."""

    def __init__(self, disk: Disk, folder: str, tail_lines: int) -> None:
        self._disk = disk
        self._folder = folder
        self._tail_lines = tail_lines
        self._tail: deque[Line] = deque()
        self._tail_bytes = 0
        self._segments: list[Segment] = []
        self._place = (0, 0)  # where reading last stopped: the number of the record there, and its offset
        self._lock = Lock()
        self._walk: Walk | None = None  # the one that found the damage
        self.last = Line(0, b"", ZERO_HASH)
        """The last committed record; number 0 while there is none."""
        self.damage: Damage | None = None
        """Set once acknowledged records are known to be hurt or missing; then the journal does not grow any more."""

    @property
    def first_seq(self) -> int:
        """The oldest record that is still kept; 1 in an empty journal."""
        with self._lock:
            return first_seq(self._segments[0].name) if self._segments else 1

    @property
    def last_seq(self) -> int:
        """The newest committed record; 0 in an empty journal."""
        return self.last.seq

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
                start = seq + 1 - self._tail[0].seq  # near the end, as a rule: a deque is quick there
                return [self._tail[at] for at in range(start, min(start + limit, len(self._tail)))]
        wanted = max(seq + 1, self.first_seq)
        return self._read_disk(wanted, limit) if wanted <= self.last.seq else []

    def hash_of(self, seq: int) -> str | None:
        """The hash of a committed record; None when it is not kept, or not yet there. Raises as `read_after` does."""
        found = Committed.read_after(self, seq - 1, 1) if self.first_seq <= seq <= self.last_seq else []
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
            if self._disk.exists(self._path(kept[0].name)):  # else it went the last time, but could not be made sure of
                last = self._last_line(kept[0])
                if last.seq != end:
                    why = "the segment does not end with this record"
                    raise JournalDamagedError(Damage(kept[0].name, end - first_seq(kept[0].name) + 1, end, why, 1))
                if not expired(last):
                    break
                self._disk.remove(self._path(kept[0].name))
            with self._lock:
                del self._segments[0]
                while self._tail and self._tail[0].seq <= end:
                    self._forget_oldest()
            dropped += 1
        return dropped

    def _last_line(self, segment: Segment) -> Line:
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

    def _grow(self, lines: Sequence[Line], segment: str, size: int) -> None:
        with self._lock:
            if not self._segments or self._segments[-1].name != segment:
                self._segments.append(Segment(segment, 0))
            self._segments[-1].size += size
            self.last = lines[-1]
            for line in lines:
                self._remember(line)

    def _remember(self, line: Line) -> None:
        self._tail.append(line)
        self._tail_bytes += len(line.raw)
        while len(self._tail) > self._tail_lines or (self._tail_bytes > TAIL_BYTES and len(self._tail) > 1):
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._tail_bytes -= len(self._tail.popleft().raw)

    def _path(self, segment: str) -> str:
        return f"{self._folder}/{segment}"

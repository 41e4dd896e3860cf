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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.committed import TAIL_LINES, Committed, Segment
from services.disk import Disk
from services.records import Entry, Line, Origin, Record, seal
from services.segments import (
    BATCH_BYTES_MAX,
    Anchor,
    Damage,
    JournalDamagedError,
    Torn,
    Walk,
    WrongJournalError,
    first_seq,
    segment_name,
    segments,
)

SEGMENT_BYTES = 4 << 20
"""A segment that has grown beyond this is followed by a new one."""

VERIFY_BYTES = 16 << 20
"""How much of what the checkpoint covers already is verified again at a start, newest first."""

_NOBODYS = "0" * 32


@dataclass(frozen=True, slots=True)
class Batch:
    """Sealed lines, and where they go."""

    lines: tuple[Line, ...]
    segment: str
    data: bytes
    bootms: int
    """The last line's."""


class Journal(Committed):
    """Made by `Journal.open`. What is here belongs to the scan, but for `store` and `reopen`, which the writer runs."""

    def __init__(self, disk: Disk, folder: str, origin: Origin, segment_bytes: int, tail_lines: int) -> None:
        super().__init__(disk, folder, tail_lines)
        self._segment_bytes = segment_bytes
        self._under_way: Batch | None = None
        self._bootms = 0
        self.broken = False
        """It can be read, but not written until `reopened`: a store has failed, or the disk at the start."""
        self.in_doubt = False
        """The end of what was found at the start may stand in the page cache alone: a kill came before its flush, and
        the disk takes nothing now. It must not be told to anybody until `reopen` has made it durable (`reopened`)."""
        self.origin = origin
        """What all records of this boot have in common; its boot is the one that this opening began."""
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

        A disk that can be read but not written leaves the journal `broken`, to be reopened later.

        Raises OSError when the journal cannot be read, WrongJournalError.
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
        self._segments = [Segment(name, self._disk.size(self._path(name))) for name in kept]
        if self.damage is not None:
            self._walk = walk
            for record in walk.rest():
                self._continue(record)
            return
        if self.torn is not None:
            self._segments[-1].size = self.torn.offset
        if self._segments and self._segments[-1].size == 0:
            self._segments.pop()
        try:
            self._cut_back()
        except OSError:
            self.broken = self.in_doubt = True  # it can be read all the same; `reopen` will say what is wrong

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

    def _cut_back(self) -> None:
        """Leave on the disk what is committed and nothing else, and make that durable.

        What was found at a start may have been read from a page cache whose medium never got it. At the end of the
        newest segment that can be one batch; all before was committed before that batch was begun.
        """
        newest = self._segments[-1] if self._segments else None
        for name in segments(self._disk, self._folder):
            if newest is None or name > newest.name:
                self._disk.remove(self._path(name))
        if newest is not None:
            if self._disk.size(self._path(newest.name)) != newest.size:
                self._disk.truncate(self._path(newest.name), newest.size)
            self._disk.harden(self._path(newest.name), max(0, newest.size - BATCH_BYTES_MAX))

    # -- reading

    def read_after(self, seq: int, limit: int) -> list[Line]:
        """As `Committed.read_after`; nothing while the end of the journal is `in_doubt`."""
        return [] if self.in_doubt else super().read_after(seq, limit)

    # -- appending

    def seal(self, entries: Sequence[Entry]) -> Batch:
        """Number, chain and serialise; no I/O. The batch must be stored, then `committed` or `failed`, before the next.

        Raises TypeError or ValueError for what no record can hold, JournalDamagedError.
        """
        if self.damage is not None:
            raise JournalDamagedError(self.damage)
        if self._under_way is not None or self.broken:
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
        self._grow(batch.lines, batch.segment, len(batch.data))
        self._bootms = batch.bootms

    def failed(self, batch: Batch) -> None:
        """`store` has raised: the batch never was, and the journal is `broken`. Its numbers will be used again."""
        self._end(batch)
        self.broken = True

    def reopen(self) -> None:
        """While `broken`: verify the newest segment and cut off whatever was not committed. For the writer's thread.

        Raises OSError while the disk is still bad. Finding committed records hurt sets `damage`.
        """
        if self._segments:
            self.damage = self.damage or self._damage_in(self._segments[-1])
        if self.damage is None:
            self._cut_back()

    def reopened(self) -> None:
        """`reopen` has returned, and found no damage: what is there is durable, and may grow and be told."""
        self.broken = self.in_doubt = False

    def _damage_in(self, segment: Segment) -> Damage | None:
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

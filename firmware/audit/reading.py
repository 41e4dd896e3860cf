"""Finding a journal on a disk and reading it, record by record, without a daemon and without changing anything.

A chain cannot tell that its end was cut off: what is left of it is whole. So whoever reads a journal also reads the
checkpoints beside it, and what they remember must be there, as it must for the daemon at a start.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.disk import FolderDisk
from services.records import ZERO_HASH, Record
from services.segments import Damage, Torn, Walk, segments


class NoJournalError(Exception):
    """There is no journal at this place."""


def place(journal: Path) -> tuple[FolderDisk, str]:
    """The disk and folder of a journal, given its own folder or the state directory around it."""
    folder = _folder(journal)
    if not folder.is_dir():
        why = "is a file, not a folder" if folder.exists() else "there is no such folder"
        raise NoJournalError(f"{journal}: {why}")
    disk = FolderDisk(folder.parent)
    if not segments(disk, folder.name):
        raise NoJournalError(f"{journal}: there is no journal in it (no NNNNNNNNNNNN.jsonl)")
    return disk, folder.name


def lies_within(journal: Path, file: Path) -> bool:
    """Whether writing this file would put something into a journal's folder, perhaps over a segment."""
    folder = _folder(journal)
    target = file.resolve()
    if target.is_relative_to(folder):
        return True
    return target.exists() and any(target.samefile(one) for one in folder.iterdir())  # another name of the same bytes


def _folder(journal: Path) -> Path:
    return (journal / "journal" if (journal / "journal").is_dir() else journal).resolve()


class Reading:
    """The records of a journal in order, each verified; once they are read, what ended them. One segment in memory."""

    def __init__(self, journal: Path) -> None:
        """Raises NoJournalError, OSError."""
        from firmware.audit.known import known_beside  # it brings the whole hall along, which most commands do without

        disk, folder = place(journal)
        self.known = known_beside(disk, folder)
        """What the checkpoints remember; read before the journal, which may grow meanwhile."""
        self.segments = segments(disk, folder)
        self._walk = Walk(disk, folder, self.segments, self.known.anchor)

    def records(self) -> Iterator[Record]:
        """Every record up to the first bad one. Raises OSError."""
        return self._walk.records()

    def events(self) -> Iterator[dict[str, Any]]:
        """Every event up to the first bad record, parsed. Raises OSError."""
        return (record.line.event for record in self._walk.records())

    @property
    def last(self) -> Record | None:
        """The last good record so far."""
        return self._walk.last

    @property
    def damage(self) -> Damage | None:
        """Set once the records are read, if acknowledged ones are hurt or missing."""
        return self._walk.damage

    @property
    def torn(self) -> Torn | None:
        """Set once the records are read, if a tail is there that was never acknowledged."""
        return self._walk.torn


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a journal is worth."""

    journal: str
    """32 hex digits; empty when there is no record, as `source` is."""
    source: str
    simulated: bool
    segments: int
    records: int
    """Good ones, from `first_seq` to `last_seq`."""
    first_seq: int
    last_seq: int
    last_hash: str
    damage: str
    """The first bad or missing record, and what is wrong; empty when the chain is whole."""
    torn: str
    notes: tuple[str, ...]
    """Checkpoints that could not be asked, and why."""

    @property
    def whole(self) -> bool:
        """There are records, and none is hurt or missing."""
        return bool(self.records) and not self.damage


def check(journal: Path) -> Verdict:
    """Verify every record, and that all are there of which a checkpoint knows. Raises NoJournalError, OSError."""
    reading = Reading(journal)
    records = sum(1 for _ in reading.records())
    last, notes = reading.last, tuple(reading.known.notes)
    damage, torn, files = str(reading.damage or ""), torn_tail(reading.torn), len(reading.segments)
    if last is None:
        return Verdict("", "", False, files, 0, 0, 0, ZERO_HASH, damage, torn, notes)
    origin, line = last.origin, last.line
    return Verdict(
        origin.journal, origin.source, origin.simulated, files, records, line.seq - records + 1, line.seq, line.hash,
        damage, torn, notes,
    )  # fmt: skip


def torn_tail(torn: Torn | None) -> str:
    """A torn tail in words; empty when there is none."""
    if torn is None:
        return ""
    behind = f" behind record {torn.seq - 1}" if torn.seq > 1 else ""
    return f"a torn tail of {torn.size} bytes{behind}: never acknowledged, cut off at the next start"


def events(journal: Path) -> Iterator[dict[str, Any]]:
    """Every event up to the first bad record. Raises NoJournalError, OSError."""
    yield from Reading(journal).events()

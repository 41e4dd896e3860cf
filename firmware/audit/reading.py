"""Finding a journal on a disk and reading it, record by record, without a daemon and without changing anything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.disk import FolderDisk
from services.records import Record
from services.segments import Anchor, Damage, Report, Torn, Walk, segments, verify


class NoJournalError(Exception):
    """There is no journal at this place."""


def place(journal: Path) -> tuple[FolderDisk, str]:
    """The disk and folder of a journal, given its own folder or the state directory around it."""
    folder = _folder(journal)
    if not folder.is_dir():
        raise NoJournalError(f"{journal}: there is no such folder")
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

    def __init__(self, journal: Path, anchor: Anchor | None = None) -> None:
        """`anchor`: a record that somebody knows, and that must be there. Raises NoJournalError, OSError."""
        disk, folder = place(journal)
        self._walk = Walk(disk, folder, segments(disk, folder), anchor)

    def records(self) -> Iterator[Record]:
        """Every record up to the first bad one. Raises OSError."""
        return self._walk.records()

    def events(self) -> Iterator[dict[str, Any]]:
        """Every event up to the first bad record, parsed. Raises OSError."""
        return (record.line.event for record in self._walk.records())

    @property
    def damage(self) -> Damage | None:
        """Set once the records are read, if acknowledged ones are hurt or missing."""
        return self._walk.damage

    @property
    def torn(self) -> Torn | None:
        """Set once the records are read, if a tail is there that was never acknowledged."""
        return self._walk.torn


def check(journal: Path) -> Report:
    """Verify every record. Raises NoJournalError, OSError."""
    return verify(*place(journal))


def events(journal: Path) -> Iterator[dict[str, Any]]:
    """Every event up to the first bad record. Raises NoJournalError, OSError."""
    yield from Reading(journal).events()

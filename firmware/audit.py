"""What a journal can be asked without a daemon: is it whole, and what does it tell of a ticket, a card, a locker?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.disk import FolderDisk
from services.segments import Report, Walk, segments, verify


class NoJournalError(Exception):
    """There is no journal at this place."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events to show; what is None does not matter."""

    ticket: str | None = None
    card: str | None = None
    locker: int | None = None
    visit: str | None = None
    type: str | None = None
    since: str | None = None
    until: str | None = None

    def takes(self, event: Mapping[str, Any], aliases: set[str]) -> bool:
        """`aliases`: other names under which the ticket or card is spoken of (its visit, its hash)."""
        data = event["data"]
        if self.ticket is not None and data.get("ticket") != self.ticket and data.get("visit") not in aliases:
            return False
        if self.card is not None and self.card != data.get("card") and data.get("card") not in aliases:
            return False
        if self.locker is not None and data.get("locker") != self.locker:
            return False
        if self.visit is not None and data.get("visit") != self.visit:
            return False
        if self.type is not None and not event["type"].removeprefix("besuk.").startswith(self.type):
            return False
        return not (self.since and event["time"] < self.since) and not (self.until and event["time"] > self.until)


def place(journal: Path) -> tuple[FolderDisk, str]:
    """The disk and folder of a journal, given its own folder or the state directory around it."""
    folder = journal / "journal" if (journal / "journal").is_dir() else journal
    if not folder.is_dir():
        raise NoJournalError(f"{journal}: there is no such folder")
    disk = FolderDisk(folder.resolve().parent)
    if not segments(disk, folder.resolve().name):
        raise NoJournalError(f"{journal}: there is no journal in it (no NNNNNNNNNNNN.jsonl)")
    return disk, folder.resolve().name


def check(journal: Path) -> Report:
    """Verify every record. Raises NoJournalError, OSError."""
    return verify(*place(journal))


def events(journal: Path) -> Iterator[dict[str, Any]]:
    """Every event up to the first bad record. Raises NoJournalError, OSError."""
    disk, folder = place(journal)
    for record in Walk(disk, folder, segments(disk, folder)).records():
        yield record.line.event


def show(journal: Path, wanted: Filter) -> Iterator[dict[str, Any]]:
    """The events that a filter takes. A ticket takes its visit's events along, a card's number those of its hash."""
    aliases: set[str] = set()
    for event in events(journal):
        data = event["data"]
        if wanted.ticket and event["type"] == "besuk.visit.bound" and data.get("ticket") == wanted.ticket:
            aliases.add(data["visit"])
        if wanted.card and event["type"] == "besuk.card.enrolled" and data["number"] == wanted.card:
            aliases.add(data["card"])
        if wanted.takes(event, aliases):
            yield event


def sentence(event: Mapping[str, Any]) -> str:
    """One event on one line, as a person reads it."""
    told = " ".join(f"{key}={_plain(value)}" for key, value in event["data"].items())
    mark = "" if event["clock"] == "synced" else "?"
    return f"{event['seq']:>7} {event['time']}{mark} {event['type'].removeprefix('besuk.'):<24} {told}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_plain(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_plain(one) for one in value) + "]"
    return str(value)

"""What a journal can be asked without a daemon: is it whole, and what does it tell of a ticket, a card, a locker?"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from firmware.api.plain import plain
from services.disk import FolderDisk
from services.segments import Report, Walk, segments, verify


class NoJournalError(Exception):
    """There is no journal at this place."""


@dataclass(frozen=True, slots=True)
class Span:
    """A day, minute, second or millisecond, as precisely as it was written; without an offset, in the site's time."""

    begin: datetime
    length: timedelta

    def behind(self, at: datetime) -> timedelta:
        """How long ago it began at this time; negative before."""
        return at - (self.begin if self.begin.tzinfo else self.begin.replace(tzinfo=at.tzinfo))


_SPAN = re.compile(
    r"\d{4}-\d\d-\d\d(?P<minute>[T ]\d\d:\d\d(?P<second>:\d\d(?P<ms>\.\d{3})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)


def span(text: str) -> Span:
    """A time as people type it. Raises ValueError, which says what is allowed."""
    form = _SPAN.fullmatch(text)
    try:
        begin = datetime.fromisoformat(text) if form else None
    except ValueError:
        begin = None
    if form is None or begin is None:
        raise ValueError(f"{text!r} is not allowed; 2026-11-21, 2026-11-21T08:31:07 or 2026-11-21T08:31:07+08:00")
    precise = {"ms": timedelta(milliseconds=1), "second": timedelta(seconds=1), "minute": timedelta(minutes=1)}
    return Span(begin, next((length for part, length in precise.items() if form[part]), timedelta(days=1)))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events to show; what is None does not matter."""

    ticket: str | None = None
    card: str | None = None
    locker: int | None = None
    visit: str | None = None
    type: str | None = None
    since: Span | None = None
    until: Span | None = None

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
        at = datetime.fromisoformat(event["time"])
        if self.since is not None and self.since.behind(at) < timedelta():
            return False
        return self.until is None or self.until.behind(at) < self.until.length


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
    told = " ".join(f"{key}={plain(value)}" for key, value in event["data"].items())
    mark = "" if event["clock"] == "synced" else "?"
    return f"{event['seq']:>7} {event['time']}{mark} {event['type'].removeprefix('besuk.'):<24} {told}"

"""Which events of a journal are wanted: by ticket, card, locker, visit, type, and by time as people write it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


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


def chosen(events: Iterable[dict[str, Any]], wanted: Filter) -> Iterator[dict[str, Any]]:
    """The events that a filter takes. A ticket takes its visit's events along, a card's number those of its hash."""
    aliases: set[str] = set()
    for event in events:
        data = event["data"]
        if wanted.ticket and event["type"] == "besuk.visit.bound" and data.get("ticket") == wanted.ticket:
            aliases.add(data["visit"])
        if wanted.card and event["type"] == "besuk.card.enrolled" and data["number"] == wanted.card:
            aliases.add(data["card"])
        if wanted.takes(event, aliases):
            yield event

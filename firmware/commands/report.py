"""`besuk report`: a day of the journal in pictures, as one page."""

import datetime
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from firmware import audit
from firmware.codec import UnknownFactError
from firmware.commands.console import CONFIG, ConfigPath, Journal, configuration, fail, journal_path, note, out
from firmware.core.site import Site

app = typer.Typer(rich_markup_mode=None)


class Events:
    """The events of a journal, from its beginning each time they are asked for; then `damage` says what ended them."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self.damage = ""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Raises NoJournalError, OSError."""
        reading = audit.Reading(self._journal)
        yield from reading.events()
        self.damage = str(reading.damage or "")


@app.command()
def report(
    journal: Journal = None,
    day: Annotated[str | None, typer.Option(help="2026-11-21; the last day of opening without it.")] = None,
    out_file: Annotated[str, typer.Option("--out", metavar="FILE.html", help="Where to write it; - for stdout.")] = "",
    language: Annotated[Literal["id", "en"] | None, typer.Option(help="The site's language without it.")] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """A day in pictures: waiting times against the promise, occupancy, lockers, faults, overrides."""
    from firmware.report import NoSuchDayError, figures_of, page
    from firmware.report.words import Words

    if day is not None and not _is_date(day):
        fail(f"--day: {day!r} is not allowed; a day such as 2026-11-21", 2)
    settings = configuration(config) if journal is None or config != CONFIG or config.exists() else None
    try:
        where = journal_path(journal, config)
        events = Events(where)
        source = next((event["source"] for event in events), "")
        if not source:
            fail(events.damage or "the journal holds no record", 1)
        site_name, hall = source.split("/")[-2:]
        site = Site(site=site_name, hall=hall, capacity=0)
        if settings is not None:
            if (settings.site, settings.hall) == (site_name, hall):
                site = settings.as_site()
            else:
                note(f"warning: {config} is of {settings.site}/{settings.hall}, the journal of {site_name}/{hall}: "
                     "capacity and lockers are told by the journal alone")  # fmt: skip
        figures = figures_of(events, site, day)
    except (audit.NoJournalError, NoSuchDayError, UnknownFactError) as error:
        fail(str(error), 1)
    except OSError as error:
        fail(f"the journal cannot be read: {error.strerror or error}", 1)
    if events.damage:
        note(f"warning: the journal is damaged, and the page ends there: {events.damage}")
    html = page(figures, Words(language or site.language, figures.midnight_ms), events.damage)
    if out_file == "-":
        sys.stdout.write(html)
        return
    target = Path(out_file or f"besuk-{figures.day}.html")
    try:
        if audit.lies_within(where, target):
            fail(f"--out: {target} lies in the journal's folder", 2)
        target.write_text(html, encoding="utf-8")
    except OSError as error:
        fail(f"{target}: cannot be written: {(error.strerror or str(error)).lower()}", 1)
    out(str(target))


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False

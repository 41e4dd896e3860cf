"""`besuk audit`: ask a journal, without a daemon."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from firmware import audit
from firmware.commands.console import (
    CONFIG,
    ConfigPath,
    Journal,
    JsonFlag,
    configuration,
    fail,
    journal_path,
    note,
    out,
)  # fmt: skip

app = typer.Typer(help="Ask a journal, without a daemon.", no_args_is_help=True, rich_markup_mode=None)

Ticket = Annotated[str | None, typer.Option(help="A ticket, with all of its visit.")]
Card = Annotated[str | None, typer.Option(help="Printed number or hash.")]
Locker = Annotated[int | None, typer.Option(help="A locker's number.")]
Visit = Annotated[str | None, typer.Option(help="A visit.")]
Kind = Annotated[str | None, typer.Option("--type", help="Beginning of a type: locker, gate.passed...")]
Since = Annotated[str | None, typer.Option(help="From this time on: 2026-11-21, 2026-11-21T08:31.")]
Until = Annotated[str | None, typer.Option(help="Up to the end of this day, minute or second.")]


class Form(StrEnum):
    """What a journal can be exported as."""

    CSV = "csv"
    JSON = "json"


@contextmanager
def readable() -> Iterator[None]:
    """What hinders reading is one line and exit code 1; the reader of a pipe may leave when it has seen enough."""
    try:
        yield
    except audit.NoJournalError as error:
        fail(str(error), 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        fail(f"the journal cannot be read: {error.strerror or error}", 1)


@app.command("verify")
def verify(journal: Journal = None, config: ConfigPath = CONFIG, as_json: JsonFlag = False) -> None:
    """Check the hash chain of every record, and name the first bad one."""
    where = journal_path(journal, config)
    with readable():
        report = audit.check(where)
    if as_json:
        out(json.dumps({**asdict(report), "whole": report.whole}, ensure_ascii=False))
    elif report.records:
        out(f"journal {report.journal} of {report.source}{' (simulated)' if report.simulated else ''}")
        out(f"{report.records} records in {report.segments} segments, {report.first_seq} to {report.last_seq}, "
            f"last hash {report.last_hash}")  # fmt: skip
        for line in (report.torn, *report.notes):
            if line:
                out(line)
        out(f"DAMAGED: {report.damage}" if report.damage else "the chain is whole")
    if not report.records:
        note(": ".join(filter(None, (str(where), "the journal holds no record", report.damage or report.torn))))
    raise typer.Exit(0 if report.whole else 1)


@app.command("show")
def show(
    journal: Journal = None, ticket: Ticket = None, card: Card = None, locker: Locker = None, visit: Visit = None,
    kind: Kind = None, since: Since = None, until: Until = None, config: ConfigPath = CONFIG,
    as_json: JsonFlag = False,
) -> None:  # fmt: skip
    """Show events by ticket, card, locker, visit, type or time."""
    wanted = choice(ticket, card, locker, visit, kind, since, until)
    with readable():
        reading = audit.Reading(journal_path(journal, config))
        found = False
        for event in audit.chosen(reading.events(), wanted):
            found = True
            out(json.dumps(event, ensure_ascii=False, separators=(",", ":")) if as_json else audit.sentence(event))
        if not found:
            note("no event fits")
        tell_damage(reading)


@app.command("export")
def export(
    journal: Journal = None,
    form: Annotated[Form, typer.Option("--format", help="csv for a spreadsheet; json: one event a line.")] = Form.CSV,
    file: Annotated[Path | None, typer.Option("--out", help="Write to this file, instead of stdout.")] = None,
    ticket: Ticket = None, card: Card = None, locker: Locker = None, visit: Visit = None,
    kind: Kind = None, since: Since = None, until: Until = None, config: ConfigPath = CONFIG,
) -> None:  # fmt: skip
    """Write events as CSV or JSON; the options of `show` choose which."""
    wanted = choice(ticket, card, locker, visit, kind, since, until)
    where = journal_path(journal, config)
    with readable():
        reading = audit.Reading(where)
        if file is not None and audit.lies_within(where, file):
            fail(f"--out: {file} lies in the journal's folder", 2)
        count = write(form, audit.chosen(reading.events(), wanted), file)
        if file is not None or not count:
            note(f"{count or 'no'} {'event' if count == 1 else 'events'} written")
        tell_damage(reading)


def write(form: Form, events: Iterable[dict[str, Any]], file: Path | None) -> int:
    """Write events to a file, or to stdout; how many. Exit code 1 when the file cannot be written."""
    from firmware.audit.export import write_csv, write_json

    to = write_csv if form is Form.CSV else write_json
    if file is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        count = to(events, sys.stdout)
        sys.stdout.flush()
        return count
    try:
        with file.open("w", encoding="utf-8", newline="") as opened:
            return to(events, opened)
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror or error}", 1)


@app.command("replay")
def replay(
    journal: Journal = None,
    until: Annotated[str | None, typer.Option(help="A record's number, or a time: 2026-11-21T08:31.")] = None,
    as_story: Annotated[bool, typer.Option("--story", help="What happened up to then, moment by moment.")] = False,
    config: ConfigPath = CONFIG,
    as_json: JsonFlag = False,
) -> None:
    """Fold a journal into the state at a moment, and compare the state cache with it."""
    from firmware.audit.replay import ReplayError
    from firmware.audit.replay import replay as replay_journal
    from firmware.audit.shown import as_json as told
    from firmware.audit.shown import as_text

    if as_story and as_json:
        fail("--story and --json: not both; besuk audit show --json tells each event in JSON", 2)
    moment = int(until) if until and until.isdecimal() else span("--until", until, "; or a record's number: 8025")
    where = journal_path(journal, config)
    with readable():
        try:
            found = replay_journal(where, configuration(config).as_site(), moment)
        except ReplayError as error:
            fail(str(error), 1)
        if as_story:
            for line in audit.story(event for event in audit.events(where) if event["seq"] <= found.seq):
                out(line)
        elif as_json:
            out(json.dumps(told(found), ensure_ascii=False))
        else:
            for line in as_text(found):
                out(line)
    if not found.sound and as_story:
        note("the journal is not sound: see besuk audit replay without --story")
    raise typer.Exit(0 if found.sound else 1)


def tell_damage(reading: audit.Reading) -> None:
    """What was read ends at damage, or was nothing: say so, and leave with exit code 1."""
    if reading.damage is None and reading.last is None:
        fail("the journal holds no record", 1)
    if reading.damage is not None:
        fail(f"the journal is damaged, and nothing behind that was read: {reading.damage}", 1)


def choice(
    ticket: str | None, card: str | None, locker: int | None, visit: str | None, kind: str | None, since: str | None,
    until: str | None,
) -> audit.Filter:  # fmt: skip
    """Which events are asked for; exit code 2 for a time that is none."""
    return audit.Filter(ticket, card, locker, visit, kind, span("--since", since), span("--until", until))


def span(option: str, text: str | None, also: str = "") -> audit.Span | None:
    """A time that somebody typed, or exit code 2 with what is allowed; `also`: what else is."""
    try:
        return None if text is None else audit.span(text)
    except ValueError as error:
        fail(f"{option}: {error}{also}", 2)

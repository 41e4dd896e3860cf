"""`besuk audit`: ask a journal, without a daemon."""

import json
import os
import sys
from typing import Annotated

import typer

from firmware import audit
from firmware.commands.console import CONFIG, ConfigPath, Journal, JsonFlag, fail, journal_path, note, out

app = typer.Typer(help="Ask a journal, without a daemon.", no_args_is_help=True, rich_markup_mode=None)


@app.command("verify")
def verify(journal: Journal = None, config: ConfigPath = CONFIG, as_json: JsonFlag = False) -> None:
    """Check the hash chain of every record, and name the first bad one."""
    try:
        report = audit.check(journal_path(journal, config))
    except audit.NoJournalError as error:
        fail(str(error), 1)
    except OSError as error:
        fail(f"the journal cannot be read: {error.strerror or error}", 1)
    if as_json:
        told = {name: getattr(report, name) for name in ("journal", "source", "simulated", "segments", "records",
                                                         "first_seq", "last_seq", "last_hash")}  # fmt: skip
        told["damage"] = str(report.damage) if report.damage else ""
        told["torn"] = str(report.torn) if report.torn else ""
        out(json.dumps(told))
    else:
        out(f"journal {report.journal} of {report.source}{' (simulated)' if report.simulated else ''}")
        out(f"{report.records} records in {report.segments} segments, {report.first_seq} to {report.last_seq}, "
            f"last hash {report.last_hash}")  # fmt: skip
        if report.torn:
            out(f"a torn tail of {report.torn.size} bytes behind record {report.torn.seq - 1}: "
                "never acknowledged, cut off at the next start")  # fmt: skip
        out(f"DAMAGED: {report.damage}" if report.damage else "the chain is whole")
    raise typer.Exit(1 if report.damage else 0)


@app.command("show")
def show(
    journal: Journal = None,
    ticket: Annotated[str | None, typer.Option(help="A ticket, with all of its visit.")] = None,
    card: Annotated[str | None, typer.Option(help="Printed number or hash.")] = None,
    locker: Annotated[int | None, typer.Option(help="A locker's number.")] = None,
    visit: Annotated[str | None, typer.Option(help="A visit.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Beginning of a type: locker, gate.passed...")] = None,
    since: Annotated[str | None, typer.Option(help="From this time on: 2026-11-21, 2026-11-21T08:31.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to the end of this day, minute or second.")] = None,
    config: ConfigPath = CONFIG,
    as_json: JsonFlag = False,
) -> None:
    """Show events by ticket, card, locker, visit, type or time."""
    wanted = audit.Filter(
        ticket=ticket, card=card, locker=locker, visit=visit, type=kind,
        since=span("--since", since), until=span("--until", until),
    )  # fmt: skip
    found = False
    try:
        for event in audit.show(journal_path(journal, config), wanted):
            found = True
            out(json.dumps(event, ensure_ascii=False, separators=(",", ":")) if as_json else audit.sentence(event))
    except audit.NoJournalError as error:
        fail(str(error), 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of a pipe has seen enough
    if not found:
        note("no event fits")


def span(option: str, text: str | None) -> audit.Span | None:
    """A time that somebody typed, or exit code 2 with what is allowed."""
    try:
        return None if text is None else audit.span(text)
    except ValueError as error:
        fail(f"{option}: {error}", 2)

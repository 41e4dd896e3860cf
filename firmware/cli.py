"""`besuk`: the command line. Results go to stdout, the rest to stderr; a user's mistake is one line, never a trace.

Exit codes: 0 done; 1 refused, a violation, or a fault that a restart may cure; 2 usage or configuration; 3 no hardware.
"""

import getpass
import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from firmware.api.plain import lines, row
from firmware.clashes import doubts
from firmware.config import Config, ConfigError, load

if TYPE_CHECKING:
    from firmware import audit

app = typer.Typer(
    name="besuk", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False, help="The edge controller of a visit hall: lockers, queue sign, turnstile.",
)  # fmt: skip
sim_app = typer.Typer(help="The same daemon over a virtual hall.", invoke_without_command=True, rich_markup_mode=None)
audit_app = typer.Typer(help="Ask a journal, without a daemon.", no_args_is_help=True, rich_markup_mode=None)
card_app = typer.Typer(help="The stock of visit cards.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(sim_app, name="sim")
app.add_typer(audit_app, name="audit")
app.add_typer(card_app, name="card")

ConfigPath = Annotated[Path, typer.Option("--config", help="The site's configuration file.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Journal = Annotated[Path | None, typer.Option("--journal", help="The journal's folder, or the state folder around it.")]
Socket = Annotated[Path | None, typer.Option("--socket", help="The running daemon's control socket.")]
CONFIG = Path("config.yaml")


def login_name() -> str:
    """Who works at this machine, as a staff id."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user whom no file knows: KeyError until Python 3.12
        name = ""
    return re.sub("[^a-z0-9-]", "", name.lower())[:32] or "technician"


Technician = Annotated[
    str,
    typer.Option("--actor", help="Staff id of whoever acts.", default_factory=login_name, show_default="login name"),
]


def note(text: str) -> None:
    """One line on stderr."""
    print(f"besuk: {text}", file=sys.stderr)  # noqa: T201


def fail(text: str, code: int) -> NoReturn:
    """One line on stderr, and the end."""
    note(text)
    raise typer.Exit(code)


def out(text: str) -> None:
    """A result."""
    print(text, flush=True)  # noqa: T201


def configuration(path: Path) -> Config:
    """The configuration, or exit code 2 with one line for each mistake."""
    try:
        return load(path)
    except ConfigError as error:
        advice = "; name it with --config FILE" if path == CONFIG and not path.exists() else ""
        for mistake in error.mistakes:
            note(mistake + advice)
        raise typer.Exit(2) from None


@app.command()
def run(config: ConfigPath = CONFIG) -> None:
    """Run the hall on this machine's hardware."""
    settings = configuration(config)
    log_to_stderr()
    from firmware.service import run as serve_hall

    raise typer.Exit(serve_hall(settings))


@app.command()
def check(
    config: ConfigPath = CONFIG,
    hardware: Annotated[bool, typer.Option("--hardware", help="Ask every device as well.")] = False,
) -> None:
    """Check a configuration, and with --hardware every device that it names."""
    settings = configuration(config)
    site = settings.as_site()
    out(
        f"{config}: in order: {len(site.readers)} readers, {len(site.lockers)} lockers, {len(site.lanes)} lanes, "
        f"{len(site.signs)} signs, {len(site.contacts)} contacts"
    )
    for doubt in doubts(settings.wiring):
        note(f"warning: {doubt}")
    if hardware:
        from firmware.probe import probe

        raise typer.Exit(probe(settings, out))


@app.command()
def version(as_json: JsonFlag = False) -> None:
    """Version, Python, and the Pi's own modules."""
    from firmware.boot import VERSION
    from firmware.machine import drivers_found

    told = {"besuk": VERSION, "python": sys.version.split()[0], **drivers_found()}
    if as_json:
        out(json.dumps(told))
    else:
        for name, value in told.items():
            out(f"{name}: {value}")


# -- the virtual hall


@sim_app.callback()
def sim(
    context: typer.Context,
    config: ConfigPath = CONFIG,
    speed: Annotated[float, typer.Option(min=0.01, max=1000, help="Hall time against real time.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of cards and people.")] = 1,
    visitors: Annotated[int | None, typer.Option(min=0, help="0: nobody comes by himself.")] = None,
    broker: Annotated[str, typer.Option(help="embedded, HOST:PORT, or none.")] = "embedded",
    web: Annotated[str, typer.Option(help="HOST:PORT of the pages, or none.")] = "",
    state: Annotated[Path | None, typer.Option(help="Continue where this folder's hall stopped.")] = None,
) -> None:
    """Run the live virtual hall until Ctrl-C."""
    context.obj = config
    if context.invoked_subcommand is not None:
        return
    settings = configuration(config)
    log_to_stderr()
    from sim.live import main as live

    web_at = web or f"{settings.web.host}:{settings.web.port}"
    raise typer.Exit(
        live(settings, speed=speed, seed=seed, visitors=visitors, broker=broker, web=web_at, state=state)
    )


@sim_app.command("day")
def sim_day(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="Seed of the day.")] = 1,
    visitors: Annotated[int, typer.Option(min=0, max=5_000, help="How many come.")] = 220,
    counters: Annotated[int, typer.Option(min=1, max=20, help="Counters that are staffed.")] = 2,
    faults: Annotated[str, typer.Option(help="none (some and storm come later).")] = "none",
    report: Annotated[Path | None, typer.Option(help="A page about the day (comes later).")] = None,
    journal: Annotated[Path | None, typer.Option(help="Keep the day's state folder here.")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write everything that happened, one line each.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="The site's configuration file.")] = None,
) -> None:
    """Run one seeded day in virtual time, and say how it went."""
    settings = configuration(config or context.obj or CONFIG)
    from sim.run import main_day

    raise typer.Exit(
        main_day(
            settings, seed=seed, visitors=visitors, counters=counters, faults=faults,
            report=report, journal=journal, trace=trace,
        )
    )  # fmt: skip


# -- people who ask the running daemon


class DeskCommand(TyperCommand):
    """Its help ends with every action."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        from firmware.api.usage import usage  # late: it knows the whole program

        formatter.write(f"\n{usage()}\n")


@app.command(cls=DeskCommand)
def desk(
    action: Annotated[str, typer.Argument(help="What to do, out of the list below; help prints that list.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE...")] = None,
    actor: Annotated[str, typer.Option(help="Staff id of whoever acts.")] = "",
    socket: Socket = None,
    config: ConfigPath = CONFIG,
    as_json: JsonFlag = False,
) -> None:
    """Do what an officer or guard does: `besuk desk call counter=1 --actor officer-1`."""
    if action == "help" or arguments == ["help"]:
        from firmware.api.usage import FORMS, usage

        if action != "help" and action not in FORMS:
            fail(f"no action {action!r}; there are {', '.join(FORMS)}", 2)
        out(usage() if action == "help" else usage([action]))
        return
    if not actor and action != "show":
        fail("--actor ID is missing: who does this?", 2)
    answer_with(ask(socket_path(socket, config), action, pairs(arguments or []), actor or "nobody"), as_json)


@card_app.command("enrol")
def card_enrol(
    number: Annotated[str, typer.Option(help="The number printed on the card.")],
    actor: Technician,
    reader: Annotated[str, typer.Option(help="The reader on which the card lies.")] = "desk",
    uid: Annotated[str | None, typer.Option(help="Its UID in hex, instead of a reader.")] = None,
    socket: Socket = None,
    config: ConfigPath = CONFIG,
    as_json: JsonFlag = False,
) -> None:
    """Give a new card its printed number."""
    where = {"uid": uid} if uid else {"reader": reader}
    answer_with(ask(socket_path(socket, config), "enrol", {"number": number, **where}, actor), as_json)


@card_app.command("retire")
def card_retire(
    card: Annotated[str, typer.Argument(help="Printed number or hash.")],
    reason: Annotated[str, typer.Option(help="Why, as a code: broken, worn_out...")],
    actor: Technician,
    socket: Socket = None,
    config: ConfigPath = CONFIG,
    as_json: JsonFlag = False,
) -> None:
    """Take a card out of use for good."""
    answer_with(ask(socket_path(socket, config), "retire", {"card": card, "reason": reason}, actor), as_json)


@card_app.command("show")
def card_show(
    card: Annotated[str | None, typer.Argument(help="Printed number or hash; all cards without it.")] = None,
    socket: Socket = None,
    config: ConfigPath = CONFIG,
    as_json: JsonFlag = False,
) -> None:
    """Show cards and where they are."""
    answer = ask(socket_path(socket, config), "show", {"what": "cards"}, "nobody")
    if not answer["ok"]:
        answer_with(answer, as_json)
    cards = answer["result"]["cards"]
    found = [one for one in cards if card in (None, one["number"], one["card"])]
    if card and not found:
        fail(f"no card {card!r} is enrolled", 1)
    if as_json:
        out(json.dumps(found))
    for one in found if not as_json else []:
        out(row(one))


def socket_path(socket: Path | None, config: Path) -> Path:
    """Where the daemon listens: as told, as BESUK_SOCKET says, or in the configuration's state folder."""
    if socket is not None:
        return socket
    if "BESUK_SOCKET" in os.environ:
        return Path(os.environ["BESUK_SOCKET"])
    return Path(configuration(config).storage.state) / "control.sock"


def pairs(arguments: list[str]) -> dict[str, Any]:
    """`key=value` words; a value that begins like a JSON object or list is one."""
    told: dict[str, Any] = {}
    for word in arguments:
        key, equals, value = word.partition("=")
        if not equals or not key:
            fail(f"{word!r} is no key=value", 2)
        if key in told:
            fail(f"{key}= is given twice", 2)
        try:
            told[key] = json.loads(value) if value[:1] in ("{", "[") else value
        except ValueError:
            fail(f"{key}: {value!r} is no JSON", 2)
    return told


def ask(socket: Path, action: str, arguments: Mapping[str, Any], actor: str) -> Mapping[str, Any]:
    """The daemon's answer, or exit code 1 when nobody answers."""
    from services.control import ControlError
    from services.control import ask as ask_daemon

    try:
        return ask_daemon(socket, action, arguments, actor)
    except ControlError as error:
        fail(str(error), 1)


def answer_with(answer: Mapping[str, Any], as_json: bool) -> NoReturn:
    """Show an answer and leave with its exit code."""
    if as_json:
        out(json.dumps(answer, ensure_ascii=False))
    elif answer["ok"]:
        for line in lines(answer["result"]) if answer["result"] else ["done"]:
            out(line)
    else:
        note(f"{answer['error']['code']}: {answer['error']['message']}")
    if answer["ok"]:
        raise typer.Exit(0)
    raise typer.Exit(2 if answer["error"]["code"] in ("bad_arguments", "unknown_action") else 1)


# -- the journal


def journal_path(journal: Path | None, config: Path) -> Path:
    return journal or Path(configuration(config).storage.state)


@audit_app.command("verify")
def audit_verify(journal: Journal = None, config: ConfigPath = CONFIG, as_json: JsonFlag = False) -> None:
    """Check the hash chain of every record, and name the first bad one."""
    from firmware import audit

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


@audit_app.command("show")
def audit_show(
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
    from firmware import audit

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


def span(option: str, text: str | None) -> "audit.Span | None":
    """A time that somebody typed, or exit code 2 with what is allowed."""
    from firmware import audit

    try:
        return None if text is None else audit.span(text)
    except ValueError as error:
        fail(f"{option}: {error}", 2)


def log_to_stderr() -> None:
    """Plain lines for people and journald."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()

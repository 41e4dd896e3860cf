"""`besuk desk` and `besuk card`: what officers and technicians ask of the running daemon, over its control socket."""

import getpass
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from firmware.api.plain import lines, row
from firmware.commands.console import CONFIG, ConfigPath, JsonFlag, configuration, fail, note, out

app = typer.Typer(rich_markup_mode=None)
card_app = typer.Typer(help="The stock of visit cards.", no_args_is_help=True, rich_markup_mode=None)
Socket = Annotated[Path | None, typer.Option("--socket", help="The running daemon's control socket.")]


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

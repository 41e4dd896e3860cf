"""`besuk staff`: who may sign in at the pages. Works on the state folder, whether the daemon runs or not."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from firmware.commands.console import CONFIG, ConfigPath, configuration, fail, note, out
from firmware.staff import PIN_ALLOWED, Role, StaffError, StaffFile, member

app = typer.Typer(help="Who may sign in at the pages.", no_args_is_help=True, rich_markup_mode=None)
Id = Annotated[str, typer.Argument(metavar="ID", help="Staff id, such as officer-1; never a name.")]
State = Annotated[Path | None, typer.Option("--state", help="The state folder, instead of the configuration's.")]


@app.command("add")
def staff_add(
    id: Id,
    role: Annotated[Role, typer.Option(help="What this person is here for.")],
    state: State = None,
    config: ConfigPath = CONFIG,
) -> None:
    """Let somebody sign in. Asks for the PIN twice, or reads it as one line from a pipe."""
    file = staff_file(state, config)

    def do() -> None:
        if not file.path.parent.is_dir():
            raise StaffError(f"{file.path.parent}: no such state folder; besuk makes it when it first runs")
        if id in file.members():
            raise StaffError(f"{id}: is there already; another PIN: besuk staff pin {id}")
        file.put(member(id, role, ask_pin(id)))

    carefully(do)
    out(f"{id} may sign in as {role}")


@app.command("pin")
def staff_pin(id: Id, state: State = None, config: ConfigPath = CONFIG) -> None:
    """Give somebody another PIN. Asks for it twice, or reads it as one line from a pipe."""
    file = staff_file(state, config)

    def do() -> None:
        known = file.members().get(id)
        if known is None:
            raise StaffError(f"{id}: not one of the staff; add somebody: besuk staff add {id} --role ROLE")
        file.put(member(id, known.role, ask_pin(id)))

    carefully(do)
    out(f"{id} has a new PIN")


@app.command("remove")
def staff_remove(id: Id, state: State = None, config: ConfigPath = CONFIG) -> None:
    """Somebody works here no more; whoever is signed in under that id is signed out."""
    carefully(lambda: staff_file(state, config).remove(id))
    out(f"{id} may not sign in any more")


@app.command("list")
def staff_list(state: State = None, config: ConfigPath = CONFIG) -> None:
    """Who may sign in, and as what; the file that says so on stderr."""
    file = staff_file(state, config)

    def do() -> None:
        members = file.members()
        note(f"as {file.path} has it")
        for one in members.values():
            out(f"{one.id} {one.role}")
        if not members:
            note("nobody may sign in yet: besuk staff add ID --role officer|guard|supervisor")

    carefully(do)


def staff_file(state: Path | None, config: Path) -> StaffFile:
    """The file of a state folder."""
    return StaffFile(state or Path(configuration(config).storage.state))


def ask_pin(id: str) -> str:
    """The PIN from the keyboard, where nobody sees it, or from a pipe. Raises StaffError."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    first: str = typer.prompt(f"PIN for {id} ({PIN_ALLOWED})", hide_input=True, err=True)
    if typer.prompt("The same once more", hide_input=True, err=True) != first:
        raise StaffError("the two PINs differ; nothing was changed")
    return first


def carefully(do: Callable[[], None]) -> None:
    """A user's mistake is one line and exit code 2, a file in trouble one line and 1."""
    try:
        do()
    except StaffError as error:
        fail(str(error), 2)
    except OSError as error:
        fail(f"{error.filename or 'the staff file'}: {(error.strerror or str(error)).lower()}", 1)

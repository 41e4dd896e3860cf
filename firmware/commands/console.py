"""What all commands share: how they speak, how they fail, and where they find a configuration or a running daemon.

Results go to stdout, the rest to stderr; a user's mistake is one line, never a trace. Exit codes: 0 done; 1 refused, a
violation, or a fault that a restart may cure; 2 usage or configuration; 3 no hardware.
"""

import logging
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from firmware.config import Config, ConfigError, load

ConfigPath = Annotated[Path, typer.Option("--config", help="The site's configuration file.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Journal = Annotated[Path | None, typer.Option("--journal", help="The journal's folder, or the state folder around it.")]
CONFIG = Path("config.yaml")


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


def journal_path(journal: Path | None, config: Path) -> Path:
    """Where the journal is: as told, or in the configuration's state folder."""
    return journal or Path(configuration(config).storage.state)


def log_to_stderr() -> None:
    """Plain lines for people and journald."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")

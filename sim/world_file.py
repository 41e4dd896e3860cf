"""`world.json`: what the virtual hall remembers of itself when its process is killed. The daemon never reads it.

The file is written whole, aside, and renamed over the one before, so it is there and whole whenever the process dies.
It is not flushed: a virtual hall outlives kills, not power cuts. `Keeper` writes it before a change can be seen.
"""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.writer import Job, Writer

log = logging.getLogger(__name__)

T = TypeVar("T")

NAME = "world.json"
FORMAT = 1


class WorldFileError(ValueError):
    """The file cannot be used; the text is for the user."""


class LockerRecord(BaseModel):
    """One door, and whether something lies behind it."""

    door: Literal["open", "closed"]
    content: bool


class HallRecord(BaseModel):
    """`VirtualHall.snapshot`, as it stands in the file."""

    model_config = ConfigDict(extra="forbid")
    inside: int
    lockers: dict[str, LockerRecord]
    readers: dict[str, list[str]]
    taps: list[tuple[str, str, int]] = Field(default_factory=list)
    contacts: dict[str, bool]
    faults: dict[str, str]
    stock: list[tuple[str, str]]


class WorldRecord(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")
    format: int
    wall_utc_ms: int
    """The hall's true time, whatever a fault makes the daemon's clock say."""
    prepared: bool
    """Whether the cards have been enrolled and the first session opened."""
    hall: HallRecord
    people: Any = None
    """Whatever the visitors want to remember."""


def load(path: Path) -> WorldRecord | None:
    """The world as it was left; None when there is none. Raises WorldFileError."""
    try:
        record = WorldRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise WorldFileError(f"{path}: {where}: {first['msg']}; remove it to begin with an empty hall") from error
    except OSError as error:
        raise WorldFileError(f"{path}: {error.strerror or error}") from error
    if record.format != FORMAT:
        raise WorldFileError(f"{path}: format {record.format} is not known; remove it to begin with an empty hall")
    return record


@dataclass
class Keeper:
    """Keeps the file in step with the world. `record` makes what belongs there, as of now."""

    path: Path
    record: Callable[[], WorldRecord]
    changed: bool = False
    """Something moved since the file was written."""
    _in_trouble: bool = False

    def mark(self, what: str) -> None:
        """Something is about to be seen; for `VirtualHall.on_change`."""
        self.changed = True

    def keep(self) -> None:
        """Write if something has changed."""
        if self.changed:
            self.write()

    def write(self) -> None:
        """Write in any case. A disk that refuses is told once: the hall goes on."""
        aside = self.path.with_name(self.path.name + ".aside")
        try:
            aside.write_text(json.dumps(self.record().model_dump(), separators=(",", ":")), encoding="utf-8")
            os.replace(aside, self.path)
        except OSError as error:
            if not self._in_trouble:
                log.error("%s cannot be written (%s): a kill would forget the hall", self.path, error.strerror)
            self._in_trouble = True
            return
        self._in_trouble = self.changed = False


class WorldFirst(Writer):
    """A writer before which the world is kept, its time too: nothing durable is ever later than the world."""

    def __init__(self, keeper: Keeper, writer: Writer) -> None:
        self._keeper = keeper
        self._writer = writer
        self._last: Job[Any] | None = None

    @property
    def idle(self) -> bool:
        """Whether everything handed over is done."""
        return self._last is None or self._last.done

    def submit(self, job: Callable[[], T]) -> Job[T]:
        self._keeper.write()
        handed = self._writer.submit(job)
        self._last = handed
        return handed

    def close(self) -> None:
        self._writer.close()

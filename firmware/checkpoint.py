"""The hall as tables and back: what the state cache holds. Each table of the hall is a table there, a document each.

A checkpoint names the last record it includes, by number and hash; a start folds only what came after. It also carries
the telemetry cursor. Nothing in it is needed while the journal is whole: without it that is folded from its beginning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pydantic import TypeAdapter

from firmware.core.state import Hall, Unwritten
from services.outbox import Cursor
from services.segments import Anchor

FORMAT = 1
Tables = dict[str, list[dict[str, Any]]]

MISFITS = (LookupError, TypeError, ValueError, AttributeError, StopIteration)
"""What reading tables of another form raises."""

_HALL: TypeAdapter[Hall] = TypeAdapter(Hall)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A hall, the record it includes last, and how far telemetry has come."""

    hall: Hall
    anchor: Anchor
    cursor: Cursor
    at: int
    """Hall time of that record: should the journal be lost, time does not run backwards."""


def tables_of(hall: Hall) -> Tables:
    """The hall in tables: those of things one document a thing, the rest in the one document of `hall`."""
    whole = _HALL.dump_python(hall, mode="json", exclude={"unwritten"})
    tables: Tables = {}
    for name, value in list(whole.items()):
        if isinstance(value, dict) and value and all(isinstance(row, dict) for row in value.values()):
            tables[name] = list(whole.pop(name).values())
    return {"hall": [whole], **tables}


def hall_of(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Hall:
    """The hall that tables describe. Raises one of `MISFITS` when they are of another form."""
    whole = dict(tables["hall"][0])
    for field in fields(Hall):
        rows = tables.get(field.name)
        if rows is not None and field.name != "hall":
            whole[field.name] = {next(iter(row.values())): row for row in rows}
    hall = _HALL.validate_python(whole)
    hall.unwritten = Unwritten()
    return hall


def pack(checkpoint: Checkpoint) -> Tables:
    about = {
        "format": FORMAT,
        "seq": checkpoint.anchor.seq,
        "hash": checkpoint.anchor.hash,
        "sent": checkpoint.cursor.sent,
        "delivered": checkpoint.cursor.delivered,
        "at": checkpoint.at,
    }
    return {"about": [about], **tables_of(checkpoint.hall)}


def unpack(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Checkpoint | None:
    """The checkpoint in a cache; None when it is of another form, as after an update."""
    try:
        about = tables["about"][0]
        if about["format"] != FORMAT:
            return None
        return Checkpoint(
            hall_of(tables),
            Anchor(about["seq"], about["hash"]),
            Cursor(about["sent"], about["delivered"]),
            about["at"],
        )
    except MISFITS:
        return None

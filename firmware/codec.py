"""Facts as JSON data and back. What a journal line says under `data` is exactly what a fact holds, without its Nones.

One name differs: the class of a ticket is `class` on the wire and `letter` here, where Python has taken the word.
"""

import datetime
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

from firmware.core.facts import Fact
from services.records import Entry

PREFIX = "besuk."
_WIRE = {"letter": "class"}
_HERE = {wire: here for here, wire in _WIRE.items()}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in Fact.TYPES.values()}


class UnknownFactError(ValueError):
    """A journal holds a fact that this version does not know: it was written by a newer one."""


def data_of(fact: Fact) -> dict[str, Any]:
    """What a journal line carries of a fact."""
    told = {name: getattr(fact, name) for name in _FIELDS[type(fact)]}
    return {
        _WIRE.get(name, name): list(value) if isinstance(value, tuple) else value
        for name, value in told.items()
        if value is not None
    }


def fact_of(event: Mapping[str, Any]) -> Fact:
    """The fact in a journal line, parsed. Raises UnknownFactError for a type or a form that this version lacks."""
    name = event["type"].removeprefix(PREFIX)
    kind = Fact.TYPES.get(name)
    if kind is None:
        raise UnknownFactError(f"record {event['seq']} is a {name!r}, which this version does not know")
    known = _FIELDS[kind]
    told = {_HERE.get(key, key): tuple(v) if isinstance(v, list) else v for key, v in event["data"].items()}
    try:
        return kind(**{key: value for key, value in told.items() if key in known})
    except TypeError as error:
        raise UnknownFactError(f"record {event['seq']} is no {name!r} of this version: {error}") from error


def entry_of(fact: Fact, time: str, bootms: int, clock: Literal["synced", "unsynced"]) -> Entry:
    """A fact as the journal takes it."""
    return Entry(PREFIX + fact.type_name(), data_of(fact), time, bootms, clock)


def label(utc_ms: int, offset: datetime.timezone) -> str:
    """A moment as people and RFC 3339 write it: `2026-11-21T08:31:07.250+08:00`."""
    moment = datetime.datetime.fromtimestamp(utc_ms // 1000, offset).replace(microsecond=utc_ms % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds")


def utc_ms_of(label_text: str) -> int:
    """The moment that a label names, in milliseconds since 1970."""
    moment = datetime.datetime.fromisoformat(label_text)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return (moment - epoch) // datetime.timedelta(milliseconds=1)

"""A journal for other programs: CSV for a spreadsheet, JSON lines for everything else. One event at a time in memory.

CSV is RFC 4180 (commas, CRLF, quotes doubled) in UTF-8 with one row an event and always the same columns, in the order
of COLUMNS; columns are only ever added, at the end. What an event tells beyond its own columns stands in `more`, as a
JSON object, so nothing is lost. A cell of text that a spreadsheet would take for a formula begins with an apostrophe.

JSON is one event a line, byte for byte as the journal holds it, so that each line's hash can still be checked.
"""

import csv
import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

ABOUT = ("seq", "time", "clock", "boot", "bootms", "simulated", "type")
"""What every event has of its own."""
DATA = (
    "visit", "ticket", "card", "number", "locker", "bank", "lane", "reader", "counter", "direction", "persons",
    "carried", "purpose", "reason", "actor", "second", "device", "task", "count",
)  # fmt: skip
"""What many events tell; empty where one does not."""
COLUMNS = (*ABOUT, *DATA, "more", "journal", "hash")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that Excel, LibreOffice and others compute instead of showing it."""


def write_csv(events: Iterable[Mapping[str, Any]], file: TextIO) -> int:
    """Write the events as CSV; how many. `file` must leave line ends as they are (newline="")."""
    rows = csv.writer(file, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    count = 0
    for event in events:
        rows.writerow([_cell(value) for value in _row(event)])
        count += 1
    return count


def write_json(events: Iterable[Mapping[str, Any]], file: TextIO) -> int:
    """Write the events as JSON, one a line; how many."""
    count = 0
    for event in events:
        file.write(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n")
        count += 1
    return count


def _row(event: Mapping[str, Any]) -> list[Any]:
    data = event["data"]
    more = {key: value for key, value in data.items() if key not in DATA}
    return [
        *(event[name] for name in ABOUT),
        *(data.get(name) for name in DATA),
        json.dumps(more, ensure_ascii=False, separators=(",", ":")) if more else None,
        event["journal"],
        event["hash"],
    ]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return str(value)

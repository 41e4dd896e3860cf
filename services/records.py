"""One record of the journal: how it is written, and how it is recognised again, byte for byte.

A record is a CloudEvents 1.0 event on one line of JSON: keys in a fixed order, no white space, no floats and no nulls
(they have no single way of being written), non-ASCII as it is. Its last member is the SHA-256 of all bytes before
`,"hash":"`, and the member before that is the `hash` of the preceding record. So each record can be judged alone.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

ZERO_HASH = "0" * 64
"""What the first record names as the hash of the one before."""

_START = b'{"specversion":"1.0","id":"'
_HEAD = re.compile(
    rb'\{"specversion":"1\.0","id":"([0-9a-f]{32}):([1-9][0-9]*)","source":"([^"\\]+)","type":"([^"\\]+)",'
    rb'"time":"[^"\\]+","datacontenttype":"application/json","sequence":"([0-9]{12,})","journal":"\1","seq":\2,'
    rb'"boot":([1-9][0-9]*),"bootms":"[0-9]+","clock":"(?:un)?synced","simulated":(true|false),"data":\{'
)
_TAIL = re.compile(rb'\},"prevhash":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}')
_TAIL_BYTES = 154
_HASH_BYTES = 75  # `,"hash":"`, 64 digits, `"}`
_SOURCE = re.compile(r"[!#-\[\]-~]+")
_TYPE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)")
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to be recorded."""

    type: str
    """Such as `besuk.locker.opened`."""
    data: Mapping[str, Any]
    """JSON without floats and nulls."""
    time: str
    """The label: RFC 3339 with milliseconds and offset."""
    bootms: int
    """Milliseconds of the monotonic clock since this boot."""
    clock: Literal["synced", "unsynced"]


@dataclass(frozen=True, slots=True)
class Origin:
    """What all records of one boot have in common. Raises ValueError for what cannot be written."""

    journal: str
    """32 lower-case hex digits."""
    source: str
    simulated: bool
    boot: int

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.journal):
            raise ValueError(f"not a journal id (32 hex): {self.journal!r}")
        if not _SOURCE.fullmatch(self.source):
            raise ValueError(f"not a source (visible ASCII, no quotes): {self.source!r}")

    def continues(self, before: "Origin") -> bool:
        """True when records of this origin may follow those of `before`."""
        if self is before:
            return True
        ours, theirs = (self.journal, self.source, self.simulated), (before.journal, before.source, before.simulated)
        return ours == theirs and self.boot >= before.boot


@dataclass(frozen=True, slots=True)
class Line:
    """One record: its number, its bytes without the newline, and its hash."""

    seq: int
    raw: bytes
    hash: str

    @property
    def event(self) -> dict[str, Any]:
        """The record, parsed."""
        event: dict[str, Any] = json.loads(self.raw)
        return event


@dataclass(frozen=True, slots=True)
class Record:
    """A line that is whole: its bytes are what was once sealed, wherever it belongs."""

    line: Line
    origin: Origin
    prevhash: str


def seal(origin: Origin, entry: Entry, seq: int, prevhash: str) -> Line:
    """Write one record. Raises TypeError or ValueError for what a record cannot hold."""
    if not _TYPE.fullmatch(entry.type):
        raise ValueError(f"not an event type: {entry.type!r}")
    if not _TIME.fullmatch(entry.time):
        raise ValueError(f"not a time with milliseconds and offset: {entry.time!r}")
    if entry.clock not in ("synced", "unsynced"):
        raise ValueError(f"neither synced nor unsynced: {entry.clock!r}")
    data = json.dumps(_plain(entry.data), ensure_ascii=False, separators=(",", ":"))
    body = (
        f'{{"specversion":"1.0","id":"{origin.journal}:{seq}","source":"{origin.source}","type":"{entry.type}",'
        f'"time":"{entry.time}","datacontenttype":"application/json","sequence":"{seq:012d}",'
        f'"journal":"{origin.journal}","seq":{seq},"boot":{origin.boot},"bootms":"{entry.bootms}",'
        f'"clock":"{entry.clock}","simulated":{"true" if origin.simulated else "false"},'
        f'"data":{data},"prevhash":"{prevhash}"'
    ).encode()
    digest = hashlib.sha256(body).hexdigest()
    return Line(seq, body + f',"hash":"{digest}"}}'.encode(), digest)


def recognise(raw: bytes) -> Record | None:
    """The record in a line without its newline; None when it is not, byte for byte, what was sealed."""
    head = _HEAD.match(raw)
    if head is None:
        return None
    tail = _TAIL.fullmatch(raw, max(len(raw) - _TAIL_BYTES, head.end() - 1))
    if tail is None or hashlib.sha256(memoryview(raw)[:-_HASH_BYTES]).hexdigest().encode() != tail[2]:
        return None
    seq = int(head[2])
    if int(head[5]) != seq:
        return None
    return Record(Line(seq, raw, tail[2].decode()), _origin(*head.group(1, 3, 7, 6)), tail[1].decode())


def salvage(data: bytes) -> Iterator[Record]:
    """Every whole record in `data`, even behind rubbish on the same line (a lost newline joins two records)."""
    at = data.find(_START)
    while at >= 0:
        end = data.find(b"\n", at)
        record = recognise(data[at:end]) if end >= 0 else None
        if record is not None:
            yield record
            at = end
        at = data.find(_START, at + 1)


@lru_cache(maxsize=64)
def _origin(journal: bytes, source: bytes, simulated: bytes, boot: bytes) -> Origin:
    """The same object for all records of a boot."""
    return Origin(journal.decode(), source.decode(), simulated == b"true", int(boot))


def _plain(value: object) -> object:
    """The value as json knows it. TypeError for what a record does not hold: floats, nulls, keys that are no text."""
    match value:
        case str() | bool() | int():
            return value
        case Mapping():
            if not all(isinstance(key, str) for key in value):
                raise TypeError(f"keys must be text: {value!r}")
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    raise TypeError(f"a record holds integers, text, booleans, objects and arrays of them, not {value!r}")

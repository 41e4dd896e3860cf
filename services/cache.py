"""The state cache: a checkpoint in TinyDB, on a storage that cannot tear. Delete it and a start takes longer.

TinyDB's own `JSONStorage` rewrites its file in place, so a power cut leaves rubbish. `SafeStorage` writes aside and
renames, ends the file with a checksum, and keeps the one before. The file stays a TinyDB database that anybody can open
with `TinyDB(path)`: the checksum is one more table, the last, over all bytes of the file before it:

    {"lockers":{"1":{...},"2":{...}},"checksum":{"1":{"sha256":"<64 hex>"}}}

What is damaged is never an exception and never believed; it is told in `trouble`.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tinydb.storages import Storage

from services.disk import Disk

CHECKSUM = "checksum"
"""The name of the table that is no data."""

COPY = ".last"
"""The ending of the checkpoint before."""

_SEAL = re.compile(rb'[{,]"checksum":\{"1":\{"sha256":"([0-9a-f]{64})"\}\}\}')
_SEAL_BYTES = len(',"checksum":{"1":{"sha256":""}}}') + 64

Tables = dict[str, dict[str, Any]]


class SafeStorage(Storage):
    """A TinyDB storage over the durable verbs. Writing raises OSError; reading does so only when the disk is dead."""

    def __init__(self, disk: Disk, path: str) -> None:
        self.trouble: list[str] = []
        """What was wrong at the last `read`, for the technician; empty when nothing was."""
        self._disk = disk
        self._path = path
        self._good = False  # what lies at `path` is known to be whole, and worth keeping as the copy

    def read(self) -> Tables | None:
        self.trouble = []
        found = self._read(self._path)
        self._good = found is not None
        return found if found is not None else self._read(self._path + COPY)

    def write(self, data: Mapping[str, Mapping[Any, Any]]) -> None:
        if CHECKSUM in data:
            data = {name: table for name, table in data.items() if name != CHECKSUM}
        body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()[:-1]
        digest = hashlib.sha256(body).hexdigest()
        comma = "," if data else ""
        if self._good:
            self._disk.rename(self._path, self._path + COPY)
            self._good = False
        self._disk.replace(self._path, body + f'{comma}"{CHECKSUM}":{{"1":{{"sha256":"{digest}"}}}}}}'.encode())
        self._good = True

    def _read(self, path: str) -> Tables | None:
        try:
            content = self._disk.read(path)
        except FileNotFoundError:
            self.trouble.append(f"{path} is missing")
            return None
        start = len(content) - _SEAL_BYTES
        seal = _SEAL.fullmatch(content, max(0, start))
        if seal is None:
            self.trouble.append(f"{path} is cut short or is no checkpoint ({len(content)} bytes)")
            return None
        body = content[: start + (content[start : start + 1] == b"{")]
        if hashlib.sha256(body).hexdigest().encode() != seal[1]:
            self.trouble.append(f"{path} does not match its checksum")
            return None
        tables: Tables = json.loads(content)
        del tables[CHECKSUM]
        return tables


class StateCache:
    """Tables of documents, saved whole in one write."""

    def __init__(self, disk: Disk, path: str) -> None:
        self._storage = SafeStorage(disk, path)

    @property
    def trouble(self) -> str:
        """Why the last `load` gave nothing, or an older checkpoint; empty when all was well."""
        return "; ".join(self._storage.trouble)

    def save(self, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Replace everything. Raises OSError, and then the checkpoint before is still there."""
        self._storage.write({name: dict(enumerate(documents, start=1)) for name, documents in tables.items()})

    def load(self) -> dict[str, list[dict[str, Any]]] | None:
        """The newest checkpoint that is whole; None when there is none. Look at `trouble`. Raises OSError."""
        tables = self._storage.read()
        if tables is None:
            return None
        return {name: list(documents.values()) for name, documents in tables.items()}

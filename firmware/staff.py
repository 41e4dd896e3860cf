"""Who works here: ids, roles and PINs. Names of people are nowhere.

A PIN is kept as an argon2id hash in `staff.json` beside the journal, readable by the daemon's user alone; `besuk staff`
writes it, the pages read it again whenever it has changed. A role says what somebody may ask for on the pages. The
control socket knows no roles: whoever may open it is the daemon's own user.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from pydantic import BaseModel, ConfigDict, ValidationError

from firmware.api.arguments import STAFF, STAFF_ID
from services.disk import FolderDisk

NAME = "staff.json"
FORMAT = 1
PIN = re.compile(r"[0-9]{6,12}")
PIN_ALLOWED = "6 to 12 digits, not all alike and not in a row"
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""19 MiB and two passes: OWASP's least for argon2id, some tenths of a second on a Raspberry Pi."""


class Role(StrEnum):
    """What somebody is here for."""

    OFFICER = "officer"
    GUARD = "guard"
    SUPERVISOR = "supervisor"


BOTH = frozenset({"search", "lost", "quarantine", "show"})
OFFICERS = BOTH | {
    "ticket", "call", "recall", "serve", "park", "miss", "transfer", "book", "cancel_booking", "bind", "issue",
    "return", "enrol", "open", "close",
}  # fmt: skip
GUARDS = BOTH | {
    "recount", "confirm_count", "inspect", "release", "service", "lockdown", "reset", "resolve",
}  # fmt: skip
SUPERVISORS = OFFICERS | GUARDS | {"capacity", "retire", "clear"}
MAY: Mapping[Role, frozenset[str]] = {Role.OFFICER: OFFICERS, Role.GUARD: GUARDS, Role.SUPERVISOR: SUPERVISORS}
"""What each role may ask for. Only a supervisor closes with an exception."""


class StaffError(ValueError):
    """The staff file cannot be used, or what was asked of it makes no sense; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of the staff; `pin` is an argon2 hash."""

    id: str
    role: Role
    pin: str = field(repr=False)

    def knows(self, pin: str) -> bool:
        """Whether that is the PIN. Takes tenths of a second on purpose."""
        try:
            return HASHER.verify(self.pin, pin)
        except (VerifyMismatchError, InvalidHashError):
            return False


@cache
def nobody() -> Member:
    """Compared with when the id is unknown, so that an answer takes as long either way."""
    return Member("", Role.OFFICER, HASHER.hash(""))


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    role: Role
    pin: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    format: int
    staff: dict[str, _Entry]


def member(id: str, role: Role, pin: str) -> Member:
    """A new one. Raises StaffError for an id or PIN that is not allowed."""
    if not re.fullmatch(STAFF, id):
        raise StaffError(f"{id!r} is not allowed: {STAFF_ID}")
    steps = {(ord(after) - ord(before)) for before, after in pairwise(pin)}
    if not PIN.fullmatch(pin) or steps in ({0}, {1}, {-1}):
        raise StaffError(f"that PIN is not allowed: {PIN_ALLOWED}")
    return Member(id, role, HASHER.hash(pin))


class StaffFile:
    """`staff.json` in a state folder."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._seen: tuple[int, int, int] | None = None
        self._members: dict[str, Member] = {}

    @property
    def path(self) -> Path:
        return self._state / NAME

    def members(self) -> Mapping[str, Member]:
        """Everybody, by id; read again if the file has changed. Raises StaffError."""
        try:
            found = self.path.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._seen:
                self._members = self._read(self.path.read_bytes())
                self._seen = stamp
        except FileNotFoundError:
            self._members, self._seen = {}, None
        except OSError as error:
            raise StaffError(f"{self.path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
        return dict(self._members)

    def put(self, one: Member) -> None:
        """Add somebody, or change role and PIN. Raises StaffError, OSError."""
        self._write({**self.members(), one.id: one})

    def remove(self, id: str) -> None:
        """Somebody works here no more. Raises StaffError, OSError."""
        members = dict(self.members())
        if members.pop(id, None) is None:
            raise StaffError(f"{id}: not one of the staff; there are {', '.join(members) or 'none'}")
        self._write(members)

    def _read(self, raw: bytes) -> dict[str, Member]:
        try:
            file = _File.model_validate_json(raw)
        except ValidationError as error:
            raise StaffError(f"{self.path}: is not a staff file; restore it, or remove it and add everybody") from error
        if file.format != FORMAT:
            raise StaffError(f"{self.path}: has format {file.format}; this version reads {FORMAT}")
        return {id: Member(id, one.role, one.pin) for id, one in file.staff.items()}

    def _write(self, members: Mapping[str, Member]) -> None:
        file: dict[str, Any] = {
            "format": FORMAT,
            "staff": {one.id: {"role": one.role, "pin": one.pin} for one in members.values()},
        }
        disk = FolderDisk(self._state)
        try:
            disk.replace(NAME, json.dumps(file, indent=1).encode())
        finally:
            disk.close()


class Demo:
    """Staff of a virtual hall: some of whom no file knows, and those of its staff file, where it has one. For an id of
    both, the file counts."""

    def __init__(self, members: Mapping[str, Member], file: StaffFile | None = None) -> None:
        self._members = members
        self._file = file

    def members(self) -> Mapping[str, Member]:
        """Everybody, by id. Raises StaffError."""
        return {**self._members, **(self._file.members() if self._file else {})}

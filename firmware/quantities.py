"""The words in which a technician writes a value: "30 min", "4 MiB", "19200 8N1", "1-16", "08:00-12:00".

Each kind of value is one small class that reads it, strictly, and can say in one line what it allows. That line stands
in the error message and in the table of `docs/configuration.md`, so neither can drift from what is really accepted.
Used as metadata: `Annotated[int, Between(0, 15)]`; pydantic takes the reading from `__get_pydantic_core_schema__`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from firmware.core.site import VisitHours
from hal.bus import SerialSettings

MS_OF_UNIT = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "days": 86_400_000}
BYTES_OF_UNIT = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

_QUANTITY = re.compile(r"(0|[1-9][0-9]{0,8}) ([A-Za-z]+)")
_RANGE = re.compile(r"([1-9][0-9]{0,2})-([1-9][0-9]{0,2})")
_SERIAL = re.compile(r"([1-9][0-9]{2,6}) ([78])([NEO])([12])")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")

BAUD_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


@runtime_checkable
class Kind(Protocol):
    """A kind of value that can say what it allows."""

    @property
    def allowed(self) -> str: ...


def quantity_text(amount: int, units: dict[str, int]) -> str:
    """The shortest way to write an amount: 1800000 ms is "30 min". The largest unit that leaves a whole number wins."""
    unit = max((unit for unit, size in units.items() if amount % size == 0), key=lambda unit: units[unit])
    return f"{amount // units[unit]} {unit}" if amount else f"0 {next(iter(units))}"


def duration_text(ms: int) -> str:
    """Milliseconds as a technician writes them."""
    return quantity_text(ms, MS_OF_UNIT)


def size_text(size: int) -> str:
    """Bytes (a whole number of KiB) as a technician writes them."""
    return quantity_text(size, BYTES_OF_UNIT)


def _quantity(text: object, units: dict[str, int]) -> int:
    """One whole number, one space, one unit. Raises ValueError for anything else."""
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[2] not in units:
        raise ValueError(text)
    return int(match[1]) * units[match[2]]


class _Read:
    """A kind whose value is read from text by `read`, which raises ValueError for what it does not allow."""

    read: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)


@dataclass(frozen=True)
class Between:
    """A whole number within two bounds, both allowed."""

    low: int
    high: int
    what: str = ""

    @property
    def allowed(self) -> str:
        span = f"{self.low} {'or' if self.high == self.low + 1 else 'to'} {self.high}"
        return f"{span} ({self.what})" if self.what else span

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.int_schema(strict=True, ge=self.low, le=self.high)


@dataclass(frozen=True)
class Words:
    """Text of a given form."""

    pattern: str
    what: str

    @property
    def allowed(self) -> str:
        return self.what

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.str_schema(strict=True, pattern=f"^(?:{self.pattern})\\z")


@dataclass(frozen=True)
class Duration(_Read):
    """A length of time, read to milliseconds; bounds in the same words."""

    low: str
    high: str

    @property
    def allowed(self) -> str:
        return f'a time from "{self.low}" to "{self.high}", in {", ".join(MS_OF_UNIT)}'

    def read(self, text: object) -> int:
        ms = _quantity(text, MS_OF_UNIT)
        if not _quantity(self.low, MS_OF_UNIT) <= ms <= _quantity(self.high, MS_OF_UNIT):
            raise ValueError(text)
        return ms


@dataclass(frozen=True)
class Size(_Read):
    """A size on disk, read to bytes."""

    low: str
    high: str

    @property
    def allowed(self) -> str:
        return f'a size from "{self.low}" to "{self.high}", in {", ".join(BYTES_OF_UNIT)}'

    def read(self, text: object) -> int:
        size = _quantity(text, BYTES_OF_UNIT)
        if not _quantity(self.low, BYTES_OF_UNIT) <= size <= _quantity(self.high, BYTES_OF_UNIT):
            raise ValueError(text)
        return size


@dataclass(frozen=True)
class Line(_Read):
    """How a serial line is set, read to `SerialSettings`."""

    @property
    def allowed(self) -> str:
        return f'speed, bits, parity and stop bits, such as "9600 8N1"; speeds {", ".join(map(str, BAUD_RATES))}'

    def read(self, text: object) -> SerialSettings:
        match = _SERIAL.fullmatch(text) if isinstance(text, str) else None
        if match is None or int(match[1]) not in BAUD_RATES:
            raise ValueError(text)
        parity: Any = match[3]
        return SerialSettings(int(match[1]), 7 if match[2] == "7" else 8, parity, 1 if match[4] == "1" else 2)


@dataclass(frozen=True)
class LockerRange(_Read):
    """Consecutive locker numbers, read to a tuple of them."""

    @property
    def allowed(self) -> str:
        return 'first and last locker number, such as "1-16"; numbers 1 to 999'

    def read(self, text: object) -> tuple[int, ...]:
        match = _RANGE.fullmatch(text) if isinstance(text, str) else None
        if match is None or int(match[1]) > int(match[2]):
            raise ValueError(text)
        return tuple(range(int(match[1]), int(match[2]) + 1))


@dataclass(frozen=True)
class Hours(_Read):
    """A session of the day, read to minutes after midnight."""

    @property
    def allowed(self) -> str:
        return 'opening and closing time, such as "08:00-12:00"'

    def read(self, text: object) -> VisitHours:
        match = _HOURS.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(text)
        hours = VisitHours(int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4]))
        if hours.opens_minute >= hours.closes_minute:
            raise ValueError(text)
        return hours

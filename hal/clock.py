"""Time, as decisions see it: integer milliseconds of one monotonic clock that starts at 0 with the daemon.

Wall time is a label with a quality. It decides nothing but the calendar day of a session, and only when it is trusted.
"""

import time
from dataclasses import dataclass
from typing import Protocol

Millis = int


class Clock(Protocol):
    """A monotonic clock."""

    def now(self) -> Millis:
        """Milliseconds since this clock was made; never decreases."""
        ...


@dataclass(frozen=True, slots=True)
class WallTime:
    """What the calendar clock says, and whether it is disciplined by a time source."""

    utc_ms: int
    """Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted."""
    synced: bool


class WallClock(Protocol):
    """A calendar clock that knows whether it may be believed."""

    def read(self) -> WallTime: ...


class MonotonicClock:
    """The machine's monotonic clock, counted from the moment of construction."""

    def __init__(self) -> None:
        self._start_ns = time.monotonic_ns()

    def now(self) -> Millis:
        return (time.monotonic_ns() - self._start_ns) // 1_000_000

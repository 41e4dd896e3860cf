"""The machine's calendar clock, and whether a time source disciplines it: adjtimex(2), asked through ctypes.

The Pi has no battery clock: until the first synchronisation its time is a guess. The kernel knows: adjtimex returns
TIME_ERROR (5) while STA_UNSYNC is set, which time daemons clear once they trust their source.
"""

import ctypes
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

TIME_ERROR = 5
TIMEX_BYTES = 512
"""More than any Linux's `struct timex` (208 bytes on 64 bit). All zeros: `modes` is 0, which reads and sets nothing."""


class Reading(NamedTuple):
    """Equal in shape to `hal.clock.WallTime`."""

    utc_ms: int
    """Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted."""
    synced: bool


class SystemWallClock:
    """The calendar clock. About 20 us a reading."""

    def __init__(self, adjtimex: Callable[[Any], int] | None = None) -> None:
        """`adjtimex` is the C library's, unless a test knows better."""
        self._adjtimex = adjtimex or ctypes.CDLL(None, use_errno=True).adjtimex
        self._timex = ctypes.create_string_buffer(TIMEX_BYTES)

    def read(self) -> Reading:
        return Reading(time.time_ns() // 1_000_000, self._synced())

    def _synced(self) -> bool:
        """Raises OSError when the kernel refuses to tell: the service's system-call filter, never a clock's state."""
        ctypes.memset(self._timex, 0, TIMEX_BYTES)
        state = self._adjtimex(self._timex)
        if state < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"adjtimex: {os.strerror(number)}")
        return state != TIME_ERROR

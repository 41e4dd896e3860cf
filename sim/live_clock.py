"""The calendar clock of a live hall: it runs with hall time, and a hand makes it jump or lose its source."""

from hal.clock import WallTime
from sim.clock import VirtualClock, VirtualWallClock

JUMP_MS = 3_600_000
FAULTS = {"unsynced": 0, "jumped": JUMP_MS, "jumped_back": -JUMP_MS}


class LiveWallClock:
    """A `WallClock`. `true_ms` is the hall's own time, whatever is shown to the daemon."""

    def __init__(self, clock: VirtualClock, start_utc_ms: int) -> None:
        self._true = VirtualWallClock(clock, start_utc_ms)
        self._by_ms = 0
        self._synced = True

    @property
    def true_ms(self) -> int:
        return self._true.read().utc_ms

    def read(self) -> WallTime:
        return WallTime(self.true_ms + self._by_ms, self._synced)

    def fault(self, fault: str | None) -> None:
        """Begin one of FAULTS, or let the source set the clock right (None)."""
        self._by_ms = FAULTS[fault] if fault else 0
        self._synced = fault != "unsynced"

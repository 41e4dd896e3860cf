"""Scan after scan in virtual time, and when a scan may be left out.

A scan is left out only when it could hold nothing but empty polls: since anything moved, each driver has asked again
and has nothing under way; nothing is on the agenda of virtual time; and whatever drivers, rules, sign and telemetry do
by themselves lies ahead. What is left out is a whole number of poll rounds, so that each repeated poll keeps its place
on the grid. That a run with every scan gives the same trace is a test, not a hope.
"""

from collections.abc import Callable

from firmware.daemon import SCAN_MS, Daemon
from hal.seen import POLL_ROUND_MS
from sim.clock import VirtualClock

SCAN_US = SCAN_MS * 1000
ROUND_US = POLL_ROUND_MS * 1000
SEEN_US = {"arm": SCAN_US, "contact": SCAN_US, "card": 300_000}
"""By the first word of what moved: after this long its driver is busy with it, or is done. Contacts are read in every
scan, readers look ten times a second; everything else is asked once in a round of polls."""


class Pace:
    """Drives a daemon. `look` is called after each scan; what moves, and who asks, is said with `moved` and `asked`."""

    def __init__(self, clock: VirtualClock, daemon: Daemon, look: Callable[[], None], *, skip: bool = True) -> None:
        self.scans = 0
        self.skipped = 0
        """Scans that were left out."""
        self._clock = clock
        self._daemon = daemon
        self._look = look
        self._skip = skip
        self._start_us = clock.now_us
        self._seen_us = clock.now_us + ROUND_US

    def moved(self, what: str) -> None:
        """Something in the world is not as it was: in words, as the virtual hall tells it."""
        seen_us = self._clock.now_us + SEEN_US.get(what.partition(" ")[0], ROUND_US)
        self._seen_us = max(self._seen_us, seen_us)

    def asked(self) -> None:
        """Somebody may have asked for something: the next scan will hear it."""
        self._seen_us = max(self._seen_us, self._clock.now_us + SCAN_US)

    def round(self) -> None:
        """One scan, and the time to the next that matters."""
        self._daemon.step()
        self._look()
        self.scans += 1
        next_us = (self._clock.now_us // SCAN_US + 1) * SCAN_US
        if self._skip and next_us > self._seen_us + SCAN_US:
            rounds = self._empty_rounds(next_us)
            self.skipped += rounds * ROUND_US // SCAN_US
            next_us += rounds * ROUND_US
        self._clock.advance_to(next_us)

    def _empty_rounds(self, next_us: int) -> int:
        """How many whole rounds of polls from `next_us` on would find nothing."""
        agenda_us = self._clock.next_us()
        if agenda_us is not None and agenda_us < next_us + ROUND_US:
            return 0
        idle_ms = self._daemon.idle_until()
        moments = [agenda_us, None if idle_ms is None else self._start_us + idle_ms * 1000]
        soonest_us = min((moment for moment in moments if moment is not None), default=next_us)
        return max(0, soonest_us - next_us) // ROUND_US

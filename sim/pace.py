"""Scan after scan in virtual time, and when a scan may be left out.

A scan is left out only when it could hold nothing but empty polls: since anything moved, each driver has asked again
and has nothing under way; nothing is on the agenda of virtual time; and whatever drivers, rules, sign and telemetry do
by themselves lies ahead. What is left out is a whole number of poll rounds, so that each repeated poll keeps its place
on the grid. That a run with every scan gives the same trace is a test, not a hope.
"""

from collections.abc import Callable

from firmware.daemon import SCAN_MS
from hal.seen import POLL_ROUND_MS
from sim.machine import Machine

SCAN_US = SCAN_MS * 1000
ROUND_US = POLL_ROUND_MS * 1000
SEEN_US = {"arm": SCAN_US, "contact": SCAN_US, "card": 300_000}
"""By the first word of what moved: after this long its driver is busy with it, or is done. Contacts are read in every
scan, readers look ten times a second; everything else is asked once in a round of polls."""


class Pace:
    """Drives a machine. `look` is called after each scan, and after whatever happens while the daemon is down; `wake`
    says when it must be called next, whatever happens. What moves, and who asks, is said with `moved` and `asked`.
    """

    def __init__(
        self, machine: Machine, look: Callable[[], None], *, wake: Callable[[], int | None] = lambda: None,
        skip: bool = True,
    ) -> None:  # fmt: skip
        self.scans = 0
        self.skipped = 0
        """Scans that were left out."""
        self._clock = machine.clock
        self._machine = machine
        self._look = look
        self._wake = wake
        self._skip = skip
        self._seen_us = 0

    def started(self) -> None:
        """There is a new daemon: it knows nothing yet."""
        self._seen_us = self._clock.now_us + ROUND_US

    def moved(self, what: str) -> None:
        """Something in the world is not as it was: in words, as the virtual hall tells it."""
        seen_us = self._clock.now_us + SEEN_US.get(what.partition(" ")[0], ROUND_US)
        self._seen_us = max(self._seen_us, seen_us)

    def asked(self) -> None:
        """Somebody may have asked for something: the next scan will hear it."""
        self._seen_us = max(self._seen_us, self._clock.now_us + SCAN_US)

    def round(self) -> None:
        """One scan, and the time to the next that matters."""
        ran = self._machine.step()
        self._look()
        self.scans += ran
        next_us = (self._clock.now_us // SCAN_US + 1) * SCAN_US
        if self._skip and not ran:
            next_us = self._next_moment(next_us)
        elif self._skip and next_us > self._seen_us + SCAN_US:
            rounds = self._empty_rounds(next_us)
            self.skipped += rounds * ROUND_US // SCAN_US
            next_us += rounds * ROUND_US
        self._clock.advance_to(next_us)

    def _next_moment(self, next_us: int) -> int:
        """While nothing scans: on the grid, behind the next thing that happens."""
        agenda_us = self._clock.next_us()
        return next_us if agenda_us is None else max(next_us, -(-agenda_us // SCAN_US) * SCAN_US)

    def _empty_rounds(self, next_us: int) -> int:
        """How many whole rounds of polls from `next_us` on would find nothing."""
        daemon = self._machine.daemon
        agenda_us = self._clock.next_us()
        if daemon is None or (agenda_us is not None and agenda_us < next_us + ROUND_US):
            return 0
        idle_ms = daemon.idle_until()
        idle_us = None if idle_ms is None else self._machine.started_us + idle_ms * 1000
        moments = [agenda_us, idle_us, self._wake()]
        soonest_us = min((moment for moment in moments if moment is not None), default=next_us)
        return max(0, soonest_us - next_us) // ROUND_US

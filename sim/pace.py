"""Scan after scan in virtual time, and which scans may be left out.

A scan is held when something can come of it: a deadline of drivers, rules, sign or telemetry has come (`idle_until`),
something on the agenda of virtual time has happened since the scan before, somebody asked or moved something, or a
judge wants to look. Every other scan could hold nothing but questions whose answers are known, and is left out. That
must not show even in the microseconds: a driver that has to ask its device may be in the middle of a question when
something happens, and time has passed for what it sent; so scans are taken up again from where such a question begins.
That a run with every scan gives the same trace is a test, not a hope.
"""

from collections.abc import Callable

from firmware.daemon import Daemon
from hal.seen import SCAN_MS
from sim.air import POWER_UP_US
from sim.machine import Machine

SCAN_US = SCAN_MS * 1000
HOLD_US = 1_200_000
"""After faults, repairs and whatever is not known here no scan is left out for so long: by then every driver, and
whoever looks once a second, has met it."""
MIDST_US = 12_000
"""In so long what a scan asks has been asked: five readers need 3 ms at 500 kHz, a command to a board 6 ms at 9600."""
SLOW_HZ = 500_000
"""Of slower readers that is not so certain."""
NEVER_THE_SAME = frozenset({"garbled", "noisy"})
"""Faults under which no two questions are answered alike."""


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
        self._roused = False
        """Something moved, or somebody asked, since the last scan began."""
        self._hold_until_us = 0
        self._moved_us: dict[str, int] = {}
        """When each device that has to be asked last moved."""
        spi = [reader.spi for reader in machine.config.wiring.readers.values() if reader.spi is not None]
        self._midst_us = SCAN_US if any(wire.hz < SLOW_HZ for wire in spi) else MIDST_US
        banks = machine.config.wiring.banks.items()
        self._bank_of = {str(locker): name for name, bank in banks for locker in bank.numbers}

    def started(self) -> None:
        """There is a new daemon: it asks everything anew."""
        self._moved_us.clear()
        self._roused = True

    def moved(self, what: str) -> None:
        """Something in the world is not as it was: in words, as the virtual hall tells it."""
        self._roused = True
        match what.split():
            case ["card", _, _, reader]:
                self._moved_us[reader] = self._clock.now_us + POWER_UP_US  # a card needs so long to come to itself
            case ["locker", _, "latch", _]:
                """No board tells of it."""
            case ["locker", number, *_]:
                self._moved_us[self._bank_of[number]] = self._clock.now_us
            case ["arm" | "contact", *_]:
                """Heard by edges."""
            case _:
                self._hold_until_us = self._clock.now_us + HOLD_US

    def asked(self) -> None:
        """Somebody may have asked for something: the next scan will hear it."""
        self._roused = True

    def round(self) -> None:
        """One scan, and the time to the next that matters."""
        self._roused = False
        ran = self._machine.step()
        self._look()
        self.scans += ran
        next_us = (self._clock.now_us // SCAN_US + 1) * SCAN_US
        if self._skip:
            daemon = self._machine.daemon
            later_us = self._next_scan(daemon, next_us) if ran and daemon else self._next_moment(next_us)
            if ran and daemon and later_us > next_us:
                self.skipped += (later_us - next_us) // SCAN_US
                daemon.passed_over((later_us - SCAN_US - self._machine.started_us) // 1000)
            next_us = later_us
        self._clock.advance_to(next_us)

    def _next_moment(self, next_us: int) -> int:
        """While nothing scans: on the grid, behind the next thing that happens."""
        moments = [moment for moment in (self._clock.next_us(), self._wake()) if moment is not None]
        return max(next_us, _grid(min(moments, default=0)))

    def _next_scan(self, daemon: Daemon, next_us: int) -> int:
        """The next scan that must be held, from `next_us` on."""
        agenda_us = self._clock.next_us()
        if self._roused or next_us <= self._hold_until_us or (agenda_us is not None and agenda_us <= next_us):
            return next_us
        if not NEVER_THE_SAME.isdisjoint(self._machine.hall.faults.values()):
            return next_us
        started_us = self._machine.started_us
        moved = {device: (us - started_us) // 1000 for device, us in self._moved_us.items()}
        idle_ms = daemon.idle_until(moved)
        idle_us = None if idle_ms is None else started_us + idle_ms * 1000
        moments = [moment for moment in (agenda_us, idle_us, self._wake()) if moment is not None]
        scan_us = _grid(min(moments, default=next_us))
        if scan_us <= next_us:
            return next_us
        begun_us = [scan_us, self._begun_us(daemon, scan_us)]
        if agenda_us is not None and agenda_us - (scan_us - SCAN_US) < self._midst_us:
            # It happens in the midst of what the scan before asks, and may come late by it.
            begun_us.append(self._begun_us(daemon, scan_us - SCAN_US))
        return max(next_us, min(us for us in begun_us if us is not None))

    def _begun_us(self, daemon: Daemon, scan_us: int) -> int | None:
        """From where scans are held, so that every question has been begun that would be under way at `scan_us`; None
        where none would be.
        """
        scan_ms = (scan_us - self._machine.started_us) // 1000
        begun_ms = daemon.under_way(scan_ms)
        return None if begun_ms is None else scan_us - (scan_ms - begun_ms) * 1000


def _grid(moment_us: int) -> int:
    """The first scan that is not before this moment."""
    return -(-moment_us // SCAN_US) * SCAN_US

"""Scan after scan in virtual time, and which scans may be left out.

A scan is held when something can come of it: a deadline of drivers, rules, sign or telemetry has come (`idle_until`),
something on the agenda of virtual time has happened since the scan before, somebody asked or moved something, or a
judge wants to look. Every other scan could hold nothing but questions whose answers are known, and is left out. In a
scan that is held, a reader or bank whose answer is known is not asked.

That must not show even in the microseconds, and something may happen in the middle of a question that was left out:
a hand is about to touch the device, a lock is to be pulsed, the daemon hangs. Then what would have been asked by now is
asked after all, at the very moments at which it would have been. Nobody can tell, for scanning takes no time, and
nothing but that device has anything to do with what is asked of it.

That a run with every scan gives the same trace is a test, not a hope.
"""

from collections.abc import Callable, Sequence
from functools import partial

from firmware.daemon import CLOCK_LOOK_MS, Daemon
from hal.clock import Millis
from hal.lock_board import LockBoards
from hal.seen import NOTHING_MOVED, SCAN_MS, Asking
from sim.air import POWER_UP_US
from sim.machine import Listener, Machine
from sim.mfrc522 import Mfrc522
from sim.serial_line import VirtualLine

SCAN_US = SCAN_MS * 1000
FOUND_US = 2 * SCAN_US
"""After a device's fault or repair no scan is left out for so long: a driver has found that its plug was pulled, and
says itself when it goes on."""
HOLD_US = 1_200_000
"""So long after what befalls disk, broker or clock, or is not known here: by then whoever looks once a second has met
it."""
NEVER_THE_SAME = frozenset({"garbled", "noisy"})
"""Faults under which no two questions are answered alike."""
FOR_EVER: Millis = 1 << 62


class Pace(Listener):
    """Drives a machine. `look` is called after each scan, and after whatever happens while the daemon is down; `wake`
    says when it must be called next, whatever happens. What moves, and who asks, is said with `moved` and `rouse`.
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
        self._ran = True
        """The last scan was held: the daemon neither was down nor hung."""
        self._hold_until_us = 0
        self._moved: dict[str, Millis] = {}
        """When each device that has to be asked last moved, in the daemon's time."""
        self._scan_us = 0
        """The last moment at which a scan was held, or would have been were the daemon not down."""
        self._asking: dict[str, Asking] = {}
        """Drivers that need not ask, for that can be made good."""
        self._lines: dict[str, VirtualLine] = {}
        """Those of banks."""
        self._asked_us: dict[str, int] = {}
        """When each of them was last polled; what could have been asked before needs no making good."""
        banks = machine.config.wiring.banks.items()
        self._bank_of = {str(locker): name for name, bank in banks for locker in bank.numbers}
        hall = machine.hall
        self._devices = {*hall.readers, *hall.arms, *hall.boards, *hall.signs, *(f"locker-{n}" for n in hall.lockers)}
        if skip:
            hall.on_touch = self._make_good
        hall.on_shown = self.rouse
        machine.listeners.append(self)

    def started(self) -> None:
        """There is a new daemon: it asks everything anew."""
        faults = self._machine.hall.faults
        self._moved = {device: FOR_EVER for device, fault in faults.items() if fault in NEVER_THE_SAME}
        self._asked_us.clear()
        self._roused = True
        daemon = self._machine.daemon
        assert daemon is not None
        devices, hall = daemon.controller.panel.devices, self._machine.hall
        self._asking = {
            name: driver for name, driver in devices.readers.items()
            if isinstance(driver, Asking) and isinstance(hall.readers[name], Mfrc522)
        }  # fmt: skip
        for name, bank in devices.banks.items():
            wire = self._machine.config.wiring.banks[name].rs485
            if isinstance(bank, LockBoards) and wire is not None:
                self._asking[name], self._lines[name] = bank, hall.lines[wire.line]
                if self._skip:
                    bank.unlock = partial(self._unlock, name, bank.unlock)  # type: ignore[method-assign]

    def _unlock(self, bank: str, unlock: Callable[[int], None], channel: int) -> None:
        """A pulse waits for the line: so the bank must be in the middle of whatever it would be."""
        self._make_good(bank)
        unlock(channel)

    def hangs(self) -> None:
        """It stops in the middle of what it would have asked by now."""
        for name in self._asked_us:
            self._make_good(name)
        self._passed_over(self._past_us(), *self._asked_us)

    def moved(self, what: str) -> None:
        """Something in the world is not as it was: in words, as the virtual hall tells it."""
        self._roused = True
        match what.split():
            case ["card", _, _, reader]:
                self._has_moved(reader, POWER_UP_US)  # a card needs so long to come to itself
            case ["locker", _, "latch", _]:
                """No board tells of it."""
            case ["locker", number, *_]:
                self._has_moved(self._bank_of[number])
            case ["arm" | "contact", *_]:
                """Heard by edges."""
            case ["fault", device, fault] if device in self._devices:
                self._has_moved(device)
                if fault in NEVER_THE_SAME:
                    self._moved[device] = FOR_EVER
                self._hold_until_us = max(self._hold_until_us, self._clock.now_us + FOUND_US)
            case ["mended", device] if device in self._devices:
                self._moved.pop(device, None)
                self._has_moved(device)
                self._hold_until_us = max(self._hold_until_us, self._clock.now_us + FOUND_US)
            case _:
                self._hold_until_us = self._clock.now_us + HOLD_US

    def _has_moved(self, device: str, settles_us: int = 0) -> None:
        """`settles_us`: after so long it is as it will stay."""
        self._moved[device] = max(self._moved.get(device, 0), self._ms(self._clock.now_us + settles_us))

    def rouse(self) -> None:
        """Somebody may have asked for something: the next scan will hear it."""
        self._roused = True

    def round(self) -> None:
        """One scan, and the time to the next that matters."""
        ran = self.scan()
        next_us = (self._clock.now_us // SCAN_US + 1) * SCAN_US
        if self._skip:
            daemon = self._machine.daemon
            later_us = self._next_scan(daemon, next_us) if ran and daemon else self._next_moment(next_us)
            self.skipped += (later_us - next_us) // SCAN_US if ran else 0
            next_us = later_us
        self._clock.advance_to(next_us)

    def scan(self) -> bool:
        """One scan, now; False when the daemon is down or hangs."""
        daemon = self._machine.daemon
        if daemon is not None and self._skip:
            daemon.controller.panel.resting = self._rest() if self._ran else ()
        self._roused = False
        self._scan_us = self._clock.now_us
        for name in self._asking:
            if daemon is not None and name not in daemon.controller.panel.resting:
                self._asked_us[name] = self._scan_us
        self._ran = self._machine.step()
        self._look()
        self.scans += self._ran
        return self._ran

    # -- which scans

    def _next_moment(self, next_us: int) -> int:
        """While nothing scans: on the grid, behind the next thing that happens."""
        moments = [moment for moment in (self._clock.next_us(), self._wake()) if moment is not None]
        return max(next_us, _grid(min(moments, default=0)))

    def _next_scan(self, daemon: Daemon, next_us: int) -> int:
        """The next scan that must be held, from `next_us` on. What is quiet before that happens already."""
        clock = self._clock
        idle_us: int | None = None
        while True:
            loud_us = clock.next_loud_us()
            if self._roused or next_us <= self._hold_until_us or (loud_us is not None and loud_us <= next_us):
                return next_us
            if idle_us is None:
                idle_us = self._machine.started_us + self._idle_until(daemon) * 1000
            moments = [moment for moment in (loud_us, idle_us, self._wake()) if moment is not None]
            scan_us = max(next_us, _grid(min(moments)))
            soon_us = clock.next_us()
            if soon_us is None or soon_us >= scan_us or soon_us == loud_us:
                return scan_us
            clock.advance_to(soon_us)
            next_us = max(next_us, _grid(soon_us))

    def _idle_until(self, daemon: Daemon) -> Millis:
        """When the daemon next has something to do, if nothing happens before."""
        idle = daemon.idle_until(self._moved)
        if self._machine.hall.faults.get("clock") == "drifting":  # there is always something new to see
            idle = min(idle, (self._ms(self._clock.now_us) // CLOCK_LOOK_MS + 1) * CLOCK_LOOK_MS)
        return idle

    def _ms(self, us: int) -> Millis:
        """A moment in the daemon's time."""
        return (us - self._machine.started_us) // 1000

    # -- which questions

    def _rest(self) -> Sequence[str]:
        """Who is not asked in the scan that comes now, for the answer would be as it was. The others are where they
        would be had they been asked all the time.
        """
        now_us = self._clock.now_us
        resting: list[str] = []
        awake: list[str] = []
        for name, asked_us in self._asked_us.items():
            due = self._asking[name].due(self._ms(asked_us), self._moved.get(name, NOTHING_MOVED))
            heard = name in self._lines and self._lines[name].host_has()
            held = now_us <= self._hold_until_us
            (awake if held or heard or due <= self._ms(now_us) else resting).append(name)
        for name in awake:
            if self._asked_us[name] < now_us - SCAN_US:
                self._make_good(name)
        self._passed_over(now_us - SCAN_US, *awake)
        return resting

    def _past_us(self) -> int:
        """The last scan that is over."""
        return max(self._scan_us, (self._clock.now_us - 1) // SCAN_US * SCAN_US)

    def _passed_over(self, last_us: int, *names: str) -> None:
        """Up to that scan all that was left out is known to the daemon, and to those who are polled now."""
        daemon = self._machine.daemon
        if daemon is not None:
            daemon.passed_over(self._ms(last_us))
            for name in names:
                self._asking[name].passed_over(self._ms(last_us))

    def _make_good(self, name: str) -> None:
        """Ask what would have been asked by now, when it would have been."""
        driver, machine, clock = self._asking.get(name), self._machine, self._clock
        if driver is None or name not in self._asked_us or machine.daemon is None or machine.hung:
            return
        now_us = clock.now_us
        last_us = self._past_us()
        begun_ms = driver.under_way(self._ms(last_us))
        if begun_ms is None:
            return
        begun_us = last_us - (self._ms(last_us) - begun_ms) * 1000
        for us in range(max(begun_us, self._asked_us[name] + SCAN_US), last_us + 1, SCAN_US):
            clock.now_us = min(clock.now_us, us - 1)
            clock.advance_to(us - 1)  # nothing but what the device does when it is asked
            clock.now_us = self._asked_us[name] = us
            driver.passed_over(self._ms(us - SCAN_US))
            news = driver.poll(self._ms(us))
            assert not news, f"{name} was left alone, and had {news} to tell"
        clock.advance_to(now_us - 1)
        clock.now_us = now_us


def _grid(moment_us: int) -> int:
    """The first scan that is not before this moment."""
    return -(-moment_us // SCAN_US) * SCAN_US

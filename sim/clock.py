"""Virtual time: it passes when the run advances it to the next moment, or when something costs the program time.

A scan of the wires costs it none: at a chip behind a bus transfers take their time (`BusClock`), but all that a scan
asks and does happens at the scan's own moment. So it cannot show whether a reader was asked whose answer is known.

Things of the virtual world that happen later (a spring opens a door, an arm comes home) are put on the one agenda here
and happen in order of time, then of entry, so that a seed gives one history only.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass

from hal.clock import Millis, WallTime


class WireError(AssertionError):
    """A driver broke its device's protocol. The real chip might shrug; the virtual one fails the run."""


@dataclass(slots=True, eq=False)
class Appointment:
    """Something that will happen; `cancel` it if it no longer will."""

    at_us: int
    action: Callable[[], None]
    over: bool = False
    """It has happened, or never will."""

    def cancel(self) -> None:
        self.over = True


class VirtualClock:
    """A monotonic clock in microseconds that a run advances by hand; `now` gives it in milliseconds."""

    def __init__(self, start_us: int = 0) -> None:
        self.now_us = start_us
        self._agenda: list[tuple[int, int, Appointment]] = []
        self._loud: list[tuple[int, int, Appointment]] = []
        self._entries = 0

    def now(self) -> Millis:
        return self.now_us // 1000

    def charge(self, us: int) -> None:
        """Time passes because the program waits. What falls due meanwhile happens at the next `advance_to`."""
        self.now_us += us

    def after(self, delay_us: int, action: Callable[[], None], *, quiet: bool = False) -> Appointment:
        """Put `action` on the agenda, `delay_us` from now. `quiet`: neither people nor the daemon can see anything of
        it, but for what it puts on the agenda in its turn.
        """
        self._entries += 1
        appointment = Appointment(self.now_us + delay_us, action)
        entry = appointment.at_us, self._entries, appointment
        heapq.heappush(self._agenda, entry)
        if not quiet:
            heapq.heappush(self._loud, entry)
        return appointment

    def next_us(self) -> int | None:
        """When the next thing on the agenda happens; None when nothing is planned."""
        return _first_us(self._agenda)

    def next_loud_us(self) -> int | None:
        """When the next thing happens that is not quiet."""
        return _first_us(self._loud)

    def advance_to(self, until_us: int) -> None:
        """Let time pass up to `until_us`; what is due happens in order, each at its own time or later."""
        while (due_us := self.next_us()) is not None and due_us <= until_us:
            appointment = heapq.heappop(self._agenda)[2]
            appointment.over = True
            self.now_us = max(self.now_us, appointment.at_us)
            appointment.action()
        self.now_us = max(self.now_us, until_us)


def _first_us(agenda: list[tuple[int, int, Appointment]]) -> int | None:
    while agenda and agenda[0][2].over:
        heapq.heappop(agenda)
    return agenda[0][0] if agenda else None


class BusClock:
    """Time at one chip behind a bus: the world's, and later than that by what transfers to the chip have taken since.

    Each chip has its own, as if it had a bus for itself.
    """

    __slots__ = ("_world", "now_us")

    def __init__(self, world: VirtualClock) -> None:
        self._world = world
        self.now_us = world.now_us

    def charge(self, us: int) -> None:
        """A transfer takes so long."""
        world_us = self._world.now_us
        self.now_us = (self.now_us if self.now_us > world_us else world_us) + us

    def catch_up(self) -> None:
        """Somebody in the world is at the chip: it is at least as late as there."""
        self.now_us = max(self.now_us, self._world.now_us)


class VirtualWallClock:
    """A calendar clock that follows virtual time, until a test makes it jump or lose its source."""

    def __init__(self, clock: VirtualClock, start_utc_ms: int, *, synced: bool = True) -> None:
        self._clock = clock
        self._offset_ms = start_utc_ms - clock.now()
        self.synced = synced

    def read(self) -> WallTime:
        return WallTime(self._clock.now() + self._offset_ms, self.synced)

    def jump(self, by_ms: int) -> None:
        """Somebody, or a time source, sets the clock."""
        self._offset_ms += by_ms

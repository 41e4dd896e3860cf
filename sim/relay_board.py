"""A virtual relay board on GPIO: relays that drive lockers' solenoids, reeds and sensors that close to ground.

Relays are energised by a high level and pulled down, so a pin that nobody drives leaves them at rest. The supply feeds
one solenoid: a second one at the same time raises WireError.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sim.clock import WireError
from sim.gpio import VirtualPins
from sim.locker import BURNS_US, Locker


@dataclass(frozen=True, slots=True)
class LockerWires:
    """The GPIO (BCM) numbers at which one locker's wires end."""

    relay: int
    reed: int
    content: int | None = None


class VirtualRelayBoard:
    """Lockers and the wires between them and the Pi's header."""

    def __init__(
        self, pins: VirtualPins, wires: Sequence[LockerWires], lockers: Sequence[Locker], *, reed_inverts: bool = False
    ) -> None:
        """`reed_inverts`: switches of the other make, whose contact is open while the door is shut."""
        self._pins = pins
        self._reed_inverts = reed_inverts
        self.lockers = lockers
        self.fed: set[int] = set()
        """The relays, by GPIO number, that have current now."""
        for ends, locker in zip(wires, lockers, strict=True):
            self._connect(ends, locker)

    def _connect(self, ends: LockerWires, locker: Locker) -> None:
        def relay(level: bool) -> None:
            if level:
                if self.fed:
                    raise WireError(f"relay on GPIO{ends.relay} energised while another one is: the supply breaks down")
                self.fed.add(ends.relay)
            else:
                self.fed.discard(ends.relay)
            locker.energise(level)

        def switches() -> None:
            self._pins.drive(ends.reed, False if locker.reed_closed != self._reed_inverts else None)
            if ends.content is not None:
                self._pins.drive(ends.content, False if locker.occupied else None)

        locker.blameless = lambda: self._pins.now_us - BURNS_US < self._pins.stands_still_until_us
        self._pins.watch(ends.relay, relay, rest=False)
        locker.wires.append(switches)
        switches()

"""What must come of something, in its time: the half of an invariant that no single moment can show.

A promise is owed from some moment on, and is broken when it has not been kept although everything that it needs has
been well for as long as it takes. Trouble never ends a promise: it only has to be waited for again. Its devices and
the daemon are always needed, the disk unless it is said otherwise.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from hal.clock import Millis
from sim.invariants.chronicle import Reckoner
from sim.judge import Scene

SLOW_US = 500_000
"""A commit that takes longer is a disk in trouble, whatever name its fault has."""


@dataclass(frozen=True, slots=True)
class Promise:
    """`what` must be so at `due_us`, or as soon after as all has been well for `calm_ms`."""

    what: str
    due_us: int
    calm_ms: Millis
    devices: tuple[str, ...]
    disk: bool


class Promising(Reckoner):
    """A reckoner that is owed something now and then. It calls `owe`, and `kept` when it need not wait any more."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._promises: dict[Hashable, Promise] = {}
        self._look_us: int | None = None
        self._hung_us = self._slow_us = -1
        """When the loop last stood still, and when the disk last kept it waiting; as far as anything was owed then."""
        self._busy_since_us: int | None = None

    def owe(
        self, key: Hashable, what: str, *devices: str, calm_ms: Millis, after_ms: Millis = 0, disk: bool = True
    ) -> None:
        """From `after_ms` on, and `calm_ms` of well-being later at the latest, `kept(key)` must have been called.

        What is owed already stays as it is: asking again puts nothing off.
        """
        if key in self._promises:
            return
        due_us = self.scene.clock.now_us + (after_ms + calm_ms) * 1000
        self._promises[key] = Promise(what, due_us, calm_ms, devices, disk)
        self._look_us = due_us if self._look_us is None else min(self._look_us, due_us)

    def kept(self, key: Hashable) -> None:
        """It came true, or need not any more."""
        self._promises.pop(key, None)

    def owed(self, key: Hashable) -> bool:
        return key in self._promises

    def stepped(self) -> None:
        if not self._promises:
            self._look_us = None
            return
        self._note_trouble()
        now_us = self.scene.clock.now_us
        if self._look_us is not None and now_us >= self._look_us:
            self._look_us = min((self._look_at(key, promise) for key, promise in list(self._promises.items())))

    def next_us(self) -> int | None:
        return self._look_us

    def calm_for_ms(self, *devices: str, disk: bool = True) -> Millis:
        """For how long these, the daemon, the pins and (unless told otherwise) the disk have been without trouble."""
        needed = (*devices, "disk", "daemon") if disk else (*devices, "daemon")
        troubled_us = max(self._hung_us, self._slow_us) if disk else self._hung_us
        return min(self.scene.well_for_ms(*needed), (self.scene.clock.now_us - troubled_us) // 1000)

    def _look_at(self, key: Hashable, promise: Promise) -> int:
        """The next moment at which to look at this promise."""
        now_us = self.scene.clock.now_us
        if promise.due_us > now_us:
            return promise.due_us
        missing_ms = promise.calm_ms - self.calm_for_ms(*promise.devices, disk=promise.disk)
        if missing_ms <= 0:
            self.broken(promise.what)
        return now_us + missing_ms * 1000

    def _note_trouble(self) -> None:
        machine, now_us = self.scene.machine, self.scene.clock.now_us
        if machine.hung or self.scene.hall.pins.failing:
            self._hung_us = now_us
        ledger = machine.daemon.controller.ledger if machine.daemon else None
        if ledger is None or not ledger.busy:
            self._busy_since_us = None
        elif self._busy_since_us is None:
            self._busy_since_us = now_us
        slow = self._busy_since_us is not None and now_us - self._busy_since_us > SLOW_US
        if slow or (ledger is not None and (ledger.dead or ledger.waiting)):
            self._slow_us = now_us

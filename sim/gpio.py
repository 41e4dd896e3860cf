"""Virtual GPIO: a gpiozero pin factory whose pins end in wires of the virtual hall.

Between a driver's pin and its device there is a wire. The driver's end is a gpiozero pin like any other: it is claimed,
pulled, read, written, watched for edges. The far end belongs to the virtual world: it drives the wire high or low, or
leaves it open so that the pull decides, and it is told of each level that the driver puts on it. Wires outlive pins:
a daemon that dies lets go of all its pins, and its successor finds every wire as the world left it.

gpiozero's own mock pin takes time stamps from the machine, keeps each change for ever and forgets what drives it when
its pull is set; this one does none of that. Callbacks run in the caller's thread, at once; there are no threads here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from gpiozero import PinFixedPull, PinInvalidFunction, PinInvalidPull
from gpiozero.pins.mock import MockFactory, MockPin

from sim.clock import VirtualClock

PI_4B = "c03111"
"""Revision code of the board whose header is imitated: GPIO0-27, fixed pull-ups on GPIO2 and GPIO3."""


@dataclass(eq=False, slots=True)
class Wire:
    """What hangs on one pin, seen from the far end."""

    driven: bool | None = None
    """The level that the world puts on it; None while it leaves it open."""
    plugged: bool = True
    rest: bool = False
    """What the far end reads while no output drives the wire: its own pull resistor."""
    told: bool = False
    watchers: list[Callable[[bool], None]] = field(default_factory=list)
    pin: "VirtualPin | None" = None
    """The pin that is connected now; a pin of a dead daemon is not."""

    @property
    def level(self) -> bool:
        """What the far end reads."""
        if self.plugged and self.pin is not None and self.pin.is_output:
            return self.pin.high
        return self.rest

    def tell(self) -> None:
        """Tell the watchers, if the far end reads differently from before."""
        level = self.level
        if level != self.told:
            self.told = level
            for watcher in self.watchers:
                watcher(level)


class VirtualPin(MockPin):  # type: ignore[misc]  # gpiozero carries no types
    """A pin that reads its wire, honours its pull, and keeps no history."""

    _state: bool

    def __init__(self, factory: "VirtualPins", info: Any) -> None:
        self._board = factory
        super().__init__(factory, info)
        self._wire = factory.wire(self._number)
        self._wire.pin = self
        self._settle()

    # -- the hand's face, as MockPin has it

    def drive_high(self) -> None:
        self._wire.driven = True
        self._settle()

    def drive_low(self) -> None:
        self._wire.driven = False
        self._settle()

    # -- gpiozero's face

    @property
    def is_output(self) -> bool:
        return bool(self._function == "output")

    @property
    def high(self) -> bool:
        return bool(self._state)

    def output_with_state(self, state: bool) -> None:
        """Claim as an output at the wanted level in one step; gpiozero's default would pass through low."""
        self._function = "output"
        self._change_state(bool(state))
        self._tell()

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction("function must be input or output")
        if value == self._function:
            return
        self._function = value
        if value == "output":
            self._change_state(False)  # lgpio's gpio_claim_output starts low
            self._tell()
        else:
            self._tell()
            self._settle()

    def _get_state(self) -> bool:
        if self._board.failing:
            self._check_chip()
        return self._state

    def _set_state(self, value: float) -> None:
        self._check_chip()
        super()._set_state(value)
        self._tell()

    def _set_pull(self, value: str) -> None:
        if self._function != "input":
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        if self.info.pull and value != self.info.pull:
            raise PinFixedPull(f"{self!r} has a fixed pull resistor")
        if value not in ("floating", "up", "down"):
            raise PinInvalidPull("pull must be floating, up, or down")
        self._pull = value
        self._settle()

    def _change_state(self, value: bool) -> bool:
        if self._state == value:
            return False
        self._state = value
        self._last_change = self.factory.ticks()
        return True

    def clear_states(self) -> None:
        """MockPin begins its list of all changes here; this pin has none."""
        self._last_change = self.factory.ticks()

    def _settle(self) -> None:
        """As an input, take the level of the wire, or of the pull where the wire is open; report the edge."""
        if self._function != "input" or self._wire.pin is not self:
            return
        driven = self._wire.driven if self._wire.plugged else None
        level = driven if driven is not None else self._pull == "up"
        edge = "rising" if level else "falling"
        if self._change_state(level) and self._when_changed is not None and self._edges in ("both", edge):
            self._call_when_changed()

    def _check_chip(self) -> None:
        if self._board.failing:
            raise OSError(5, "Input/output error")

    def _tell(self) -> None:
        if self._wire.pin is self:
            self._wire.tell()


class VirtualPins(MockFactory):  # type: ignore[misc]
    """The pin factory of a virtual hall: pass it as `pin_factory=` to every gpiozero device.

    Pins are named by their GPIO (BCM) number. Each factory is a board of its own; any number may exist at a time.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._wires: dict[int, Wire] = {}
        self.failing = False
        self.stands_still_until_us = 0
        """The host's program hangs until then: outputs stay as they are, and no driver is blamed for that."""
        super().__init__(revision=PI_4B, pin_class=VirtualPin)
        self._res_lock = RLock()
        """Devices of a daemon that died are swept up at any moment, also while the next one claims its pins."""

    def ticks(self) -> float:
        """Virtual seconds."""
        return self._clock.now_us / 1_000_000

    @property
    def now_us(self) -> int:
        return self._clock.now_us

    def wire(self, number: int) -> Wire:
        return self._wires.setdefault(number, Wire())

    # -- the world's face: the far ends of the wires

    def watch(self, number: int, callback: Callable[[bool], None], *, rest: bool = False) -> None:
        """Call `callback(level)` at each change of what the far end of this output reads.

        `rest` is its level while no output drives the wire (before the claim, after the close, unplugged): the pull
        resistor of the board on the far end. Nothing is called now; the level to begin with is `rest`, or `level`.
        """
        wire = self.wire(number)
        if not wire.watchers:
            wire.rest = rest
            wire.told = wire.level
        wire.watchers.append(callback)

    def level(self, number: int) -> bool:
        """What the far end of this wire reads now."""
        return self.wire(number).level

    def drive(self, number: int, level: bool | None) -> None:
        """Put a level on an input's wire, or leave it open (None), so that the pin's pull decides."""
        wire = self.wire(number)
        wire.driven = level
        self._moved(wire)

    def unplug(self, number: int) -> None:
        """Pull the wire off: an input reads its pull, an output reaches nobody."""
        wire = self.wire(number)
        wire.plugged = False
        self._moved(wire)

    def plug(self, number: int) -> None:
        wire = self.wire(number)
        wire.plugged = True
        self._moved(wire)

    def fail(self, failing: bool) -> None:
        """The GPIO chip fails: until it is mended every read and write raises OSError, and outputs stay as they are."""
        self.failing = failing

    def reset(self) -> None:
        """The daemon is dead: the kernel takes every pin back, outputs float, nobody hears edges any more."""
        super().reset()
        for wire in self._wires.values():
            wire.pin = None
            wire.tell()

    @staticmethod
    def _moved(wire: Wire) -> None:
        if wire.pin is not None:
            wire.pin._settle()
        wire.tell()

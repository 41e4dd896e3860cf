"""What a daemon does to its world, effect by effect, and the moments before and after each.

An effect is what a crash can fall in front of or behind, and what somebody could know of afterwards: a call that
changes the disk, a frame that unlocks, an output pin that moves, a message that is published, the marker in memory.
Between two effects a daemon only thinks, and a crash takes its thoughts away; so the crashes before and after every
effect are all the crashes that there are.

`Effects` slips between one machine's daemon and its world. At each such moment it asks `falls`, and where the answer
is yes everything stops there with `sim.disk.Crash`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from hal.bus import OpenSerial, SerialPort, SerialSettings
from services.marker import Marker
from services.mqtt import Event, Message, Transport
from sim.disk import Crash
from sim.gpio import VirtualPin
from sim.machine import Machine
from sim.world import VirtualWorld

Falls = Callable[[str], bool]
UNLOCKS = {"cu16": (2, 0x31), "cu48": (3, 0x61), "8a": (0, 0x8A)}
"""By protocol: at which place of a frame which byte makes it one that unlocks."""


class Effects:
    """Must be made before the machine's first start."""

    def __init__(self, machine: Machine) -> None:
        self.falls: Falls = lambda what: False
        """Whether the crash falls at this moment: `before publish event`, `after write journal/000001.jsonl`."""
        self.unlocks = 0
        """Frames that unlock, so far: the last may be on its way."""
        self.published = 0
        """Messages, so far: the last may be on their way."""
        self._machine = machine
        machine.world_of = self._between
        machine.disk.on_step = self._at_disk
        outer = self
        outputs = dict(_outputs(machine))

        class WatchedPin(VirtualPin):
            """A pin whose writes are effects."""

            def _set_state(self, value: float) -> None:
                name = outputs.get(self._number)
                if name is None or bool(value) == self._state:
                    super()._set_state(value)
                    return
                word = f"pin {name} {'high' if value else 'low'}"
                outer.meet("before", word)
                super()._set_state(value)
                outer.meet("after", word)

        machine.hall.pins.pin_class = WatchedPin

    def meet(self, when: str, what: str) -> None:
        """One of the two moments of an effect. Raises Crash where it falls."""
        if self.falls(f"{when} {what}"):
            raise Crash(f"{when} {what}")

    def _at_disk(self, what: str) -> None:
        if self.falls(what):
            self._machine.disk.crash_at = self._machine.disk.steps

    def _between(self, world: VirtualWorld) -> VirtualWorld:
        make = world.make_transport
        world.make_transport = lambda settings, will: _WatchedTransport(self, make(settings, will))
        world.emergency = _WatchedMarker(self, world.emergency)
        world.serial = partial(self._serial, world.serial)  # type: ignore[method-assign]
        return world

    def _serial(
        self, opener: Callable[[str, SerialSettings], OpenSerial], line: str, settings: SerialSettings
    ) -> OpenSerial:
        banks = self._machine.config.lockers.banks.values()
        protocol = next((b.rs485.protocol for b in banks if b.rs485 is not None and b.rs485.line == line), None)
        open_line = opener(line, settings)
        return open_line if protocol is None else lambda: _WatchedLine(self, open_line(), *UNLOCKS[protocol])


class _WatchedLine:
    """A lock boards' line on which each frame that unlocks is an effect."""

    def __init__(self, effects: Effects, port: SerialPort, place: int, byte: int) -> None:
        self._effects, self._port, self._place, self._byte = effects, port, place, byte

    def write(self, data: bytes) -> int | None:
        if data[self._place] != self._byte:
            return self._port.write(data)
        self._effects.meet("before", "unlock")
        written = self._port.write(data)
        self._effects.unlocks += 1
        self._effects.meet("after", "unlock")
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


class _WatchedMarker(Marker):
    """The marker of an emergency, whose changes are effects."""

    def __init__(self, effects: Effects, marker: Marker) -> None:
        self._effects, self._marker = effects, marker

    @property
    def is_set(self) -> bool:
        return self._marker.is_set

    def set(self) -> None:
        self._effects.meet("before", "mark")
        self._marker.set()
        self._effects.meet("after", "mark")

    def clear(self) -> None:
        self._effects.meet("before", "unmark")
        self._marker.clear()
        self._effects.meet("after", "unmark")


class _WatchedTransport:
    """A line to the broker on which each publication is an effect."""

    def __init__(self, effects: Effects, transport: Transport) -> None:
        self._effects, self._transport = effects, transport

    def start(self) -> None:
        self._transport.start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        word = f"publish {topic.rpartition('/')[2]}"
        self._effects.meet("before", word)
        token = self._transport.publish(topic, payload, retain=retain)
        self._effects.published += 1
        self._effects.meet("after", word)
        return token

    def poll(self) -> list[Event]:
        return list(self._transport.poll())

    def reconnect(self, why: str) -> None:
        self._transport.reconnect(why)

    def stop(self, last: Message | None = None) -> None:
        self._transport.stop(last)


def _outputs(machine: Machine) -> list[tuple[int, str]]:
    """GPIO number and name of everything that a pin of this hall moves."""
    wiring = machine.config.wiring
    found = []
    for lane in wiring.lanes.values():
        found += [(lane.unlock_in, "unlock_in"), (lane.unlock_out, "unlock_out"), (lane.release, "release")]
        found += [(lane.stop, "stop")] if lane.stop is not None else []
    for bank in wiring.banks.values():
        found += [(one.lock, f"lock {one.locker}") for one in (bank.relays.lockers if bank.relays else ())]
    return found

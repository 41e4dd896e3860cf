"""What can go wrong around the hall in virtual time, by name: disk, broker, central server, wall clock.

Tables as in `sim.faults`. Names that a live hall knows too mean the same there. What goes on while a fault stands (a
line that breaks every few seconds, a clock that drifts) is on the agenda of virtual time, until it is mended.
"""

import errno
import random

from sim.broker import VirtualBroker
from sim.clock import Appointment, VirtualClock, VirtualWallClock
from sim.disk import VirtualDisk
from sim.faults import Table, once
from sim.hall import UnknownThingError
from sim.machine import Machine
from sim.receiver import Receiver

FLAP_US = (1_000_000, 5_000_000)
DRIFT_US = 10_000_000
STALL_MS = 1_000
STUCK_MS = 60_000
SHARE = 20


class OtherFaults:
    """Devices `disk`, `broker`, `central` and `clock` of a virtual hall: give `put` to `VirtualHall.other_faults`."""

    def __init__(self, machine: Machine) -> None:
        config = machine.config
        client_id = f"besuk-{config.site}-{config.hall}"
        line = _Line(machine.clock, machine.broker, client_id, machine.seed)
        self._tables: dict[str, Table] = {
            "disk": of_disk(machine.disk),
            "broker": line.table(),
            "central": of_central(machine.broker, machine.receiver),
            "clock": _WallHand(machine.clock, machine.wall).table(),
        }

    def put(self, device: str, fault: str | None, much: int = 0) -> None:
        """Begin a fault, or mend whatever there is (None). Raises UnknownThingError."""
        table = self._tables.get(device)
        if table is None:
            raise UnknownThingError(f"no device {device!r}")
        if fault not in table:
            known = ", ".join(name for name in table if name)
            raise UnknownThingError(f"{device} has no fault {fault!r}; it has {known}")
        table[fault](much)

    def names(self, device: str) -> tuple[str, ...]:
        """The faults that a device has."""
        return tuple(name for name in self._tables[device] if name)


def of_disk(disk: VirtualDisk) -> Table:
    """`full` leaves so many bytes; a flush of a `stalled` disk takes so many milliseconds longer."""

    def read_only(_much: int) -> None:
        disk.read_only = True

    return {
        None: once(disk.heal),
        "full": disk.fill,
        "readonly": read_only,
        "failing": once(lambda: disk.fail("write", "flush", "name")),
        "unplugged": once(lambda: disk.fail("write", "flush", "name", error=errno.ENODEV)),
        "unflushed": once(lambda: disk.fail("flush")),
        "stalled": lambda ms: disk.stall(ms or STALL_MS),
        "stuck": lambda ms: disk.stall(ms or STUCK_MS),
    }


def of_central(broker: VirtualBroker, receiver: Receiver) -> Table:
    """`mute`: it stores, and acknowledges nothing. `away`: its line to the broker is cut."""
    client_id = "central"

    def mute(_much: int) -> None:
        receiver.mute = True

    def away(_much: int) -> None:
        broker.barred.add(client_id)
        broker.cut(client_id)

    def mend(_much: int) -> None:
        receiver.mute = False
        broker.barred.discard(client_id)

    return {None: mend, "mute": mute, "away": away}


class _Line:
    """The hand at the broker and at the hall's line to it."""

    def __init__(self, clock: VirtualClock, broker: VirtualBroker, client_id: str, seed: int) -> None:
        self._clock = clock
        self._broker = broker
        self._client_id = client_id
        self._random = random.Random(f"flapping {seed}")
        self._next: Appointment | None = None
        self._forgetful = False

    def table(self) -> Table:
        return {
            None: self._mend,
            "unplugged": once(self._broker.down),
            "forgetful": self._forget,
            "stuck": self._freeze,
            "flapping": self._flap,
            "refusing": self._refuse,
            "duplicating": self._duplicate,
            "losing": self._lose,
        }

    def _mend(self, _much: int) -> None:
        broker = self._broker
        if self._next is not None:
            self._next.cancel()
            self._next = None
        broker.up(forget=self._forgetful)
        self._forgetful = False
        broker.refusal = ""
        broker.duplicate_share = broker.lost_answer_share = 0.0
        if self._client_id in broker.barred:
            broker.barred.discard(self._client_id)
            broker.cut(self._client_id)  # what was swallowed does not come back: the line begins anew

    def _forget(self, _much: int) -> None:
        self._broker.down()
        self._forgetful = True

    def _freeze(self, _much: int) -> None:
        self._broker.freeze(self._client_id)
        self._broker.barred.add(self._client_id)

    def _flap(self, _much: int) -> None:
        def cut() -> None:
            self._broker.cut(self._client_id)
            self._next = self._clock.after(self._random.randint(*FLAP_US), cut)

        cut()

    def _refuse(self, _much: int) -> None:
        self._broker.refusal = "Not authorized"
        self._broker.cut(self._client_id)

    def _duplicate(self, percent: int) -> None:
        self._broker.duplicate_share = (percent or SHARE) / 100

    def _lose(self, percent: int) -> None:
        self._broker.lost_answer_share = (percent or SHARE) / 100


class _WallHand:
    """The hand at the wall clock. Measures are seconds; `drifting` gains so many milliseconds in every ten seconds."""

    def __init__(self, clock: VirtualClock, wall: VirtualWallClock) -> None:
        self._clock = clock
        self._wall = wall
        self._by_ms = 0
        self._next: Appointment | None = None

    def table(self) -> Table:
        return {
            None: lambda _much: self._set(0, True),
            "unsynced": lambda _much: self._set(0, False),
            "jumped": lambda seconds: self._set((seconds or 3_600) * 1000, True),
            "jumped_back": lambda seconds: self._set(-(seconds or 3_600) * 1000, True),
            "behind": lambda seconds: self._set(-(seconds or 3_600) * 1000, False),
            "epoch": lambda _much: self._set(self._by_ms - self._wall.read().utc_ms, False),
            "drifting": self._drift,
        }

    def _set(self, by_ms: int, synced: bool) -> None:
        """So far from the truth it is from now on."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self._wall.jump(by_ms - self._by_ms)
        self._by_ms = by_ms
        self._wall.synced = synced

    def _drift(self, ms: int) -> None:
        def gain() -> None:
            self._set(self._by_ms + (ms or 50), True)
            self._next = self._clock.after(DRIFT_US, gain)

        gain()

"""What can go wrong with each kind of device, by name: what a hand does to it, and how it mends it again.

A table's entry for None mends whatever the device has. Each entry takes how much of it there is, in the fault's own
measure; 0 stands for the usual. What can go wrong with disk, broker and clock is in `sim.other_faults`, and in
`sim.live_disk`, `live_broker` and `live_clock` for the real ones. `docs/faults.md` has all names.
"""

from collections.abc import Callable, Mapping, Sequence

from sim.led_sign import VirtualAlphaSign, VirtualAsciiSign
from sim.lock_board import Fault, VirtualLockBoard
from sim.locker import Locker
from sim.mfrc522 import Mfrc522
from sim.serial_line import VirtualLine
from sim.serial_reader import SerialCardReader
from sim.turnstile import VirtualTurnstile

Table = Mapping[str | None, Callable[[int], None]]

LATE_MS = 250


def of_reader(reader: Mfrc522 | SerialCardReader) -> Table:
    if isinstance(reader, SerialCardReader):
        return {
            None: once(reader.mend, reader.come_off),
            "unplugged": once(reader.unplug),
            "garbled": once(reader.garble),
            "stuck": setting(reader, "stuck", True),
        }
    return {
        None: once(reader.mend, reader.come_off),
        "unplugged": once(reader.unplug),
        "grounded": once(lambda: reader.unplug(0x00)),
        "gone": once(reader.vanish),
        "silent": once(reader.hang),
        "garbled": lambda percent: reader.garble((percent or 100) / 100),
        "browned_out": once(reader.brown_out),
        "stuck": setting(reader, "stuck", True),
    }


def of_arm(arm: VirtualTurnstile) -> Table:
    def mend(_much: int) -> None:
        arm.plug()
        arm.power(True)
        arm.stick("pass_a", None)
        arm.stick("pass_b", None)
        arm.stick("ready", None)
        arm.go_on()

    def blind(_much: int) -> None:
        arm.stick("pass_a", True)
        arm.stick("pass_b", True)

    return {
        None: mend,
        "unplugged": once(arm.unplug),
        "unpowered": once(lambda: arm.power(False)),
        "stuck": once(lambda: arm.stick("pass_a", False)),
        "stuck_out": once(lambda: arm.stick("pass_b", False)),
        "blind": blind,
        "not_ready": once(lambda: arm.stick("ready", False)),
        "held": once(arm.hold),
    }


def of_bank(line: VirtualLine, boards: Sequence[VirtualLockBoard]) -> Table:
    """Faults of all boards of a bank at once, or of the line between them and the host."""

    def mend(_much: int) -> None:
        line.plug()
        line.noisy = False
        for board in boards:
            board.fault = None

    def late(ms: int) -> None:
        for board in boards:
            board.fault, board.late_us = "late", (ms or LATE_MS) * 1000

    def all_are(fault: Fault) -> Callable[[int], None]:
        def do(_much: int) -> None:
            for board in boards:
                board.fault = fault

        return do

    return {
        None: mend,
        "unplugged": once(line.unplug),
        "noisy": setting(line, "noisy", True),
        "silent": all_are("silent"),
        "garbled": all_are("garbage"),
        "lying": all_are("lying"),
        "late": late,
    }


def of_sign(line: VirtualLine, sign: VirtualAlphaSign | VirtualAsciiSign) -> Table:
    return {
        None: once(line.plug, lambda: setattr(line, "noisy", False)),
        "unplugged": once(line.unplug),
        "garbled": setting(line, "noisy", True),
        "restarted": once(sign.restart),
    }


def of_locker(locker: Locker) -> Table:
    return {
        None: once(locker.free, locker.mend_reed),
        "stuck": once(locker.jam),
        "sensor_open": once(lambda: locker.break_reed(reads_closed=False)),
        "sensor_closed": once(lambda: locker.break_reed(reads_closed=True)),
    }


def once(*steps: Callable[[], None]) -> Callable[[int], None]:
    """Several steps as one, of which there is no more and no less."""

    def do(_much: int) -> None:
        for step in steps:
            step()

    return do


def setting(thing: object, name: str, value: object) -> Callable[[int], None]:
    """To set an attribute, later."""
    return lambda _much: setattr(thing, name, value)

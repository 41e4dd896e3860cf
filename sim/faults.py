"""What can go wrong with each kind of device, by name: what a hand does to it, and how it mends it again.

A table's entry for None mends whatever the device has.
"""

from collections.abc import Callable, Mapping, Sequence

from sim.led_sign import VirtualAlphaSign, VirtualAsciiSign
from sim.lock_board import VirtualLockBoard
from sim.locker import Locker
from sim.mfrc522 import Mfrc522
from sim.serial_line import VirtualLine
from sim.serial_reader import SerialCardReader
from sim.turnstile import VirtualTurnstile

Table = Mapping[str | None, Callable[[], None]]


def of_reader(reader: Mfrc522 | SerialCardReader) -> Table:
    table: dict[str | None, Callable[[], None]] = {
        None: in_turn(reader.mend, setting(reader, "stuck", False)),
        "unplugged": reader.unplug,
        "garbled": reader.garble,
        "stuck": setting(reader, "stuck", True),
    }
    if isinstance(reader, Mfrc522):
        table |= {"gone": reader.vanish, "silent": reader.hang}
    return table


def of_arm(arm: VirtualTurnstile) -> Table:
    return {
        None: in_turn(arm.plug, lambda: arm.power(True), lambda: arm.stick("pass_a", None), arm.go_on),
        "unplugged": arm.unplug,
        "unpowered": lambda: arm.power(False),
        "stuck": lambda: arm.stick("pass_a", False),
        "held": arm.hold,
    }


def of_bank(line: VirtualLine, boards: Sequence[VirtualLockBoard]) -> Table:
    """Faults of all boards of a bank at once, or of the line between them and the host."""

    def mend() -> None:
        line.plug()
        line.noisy = False
        for board in boards:
            board.fault = None

    return {
        None: mend,
        "unplugged": line.unplug,
        "noisy": setting(line, "noisy", True),
        "silent": in_turn(*(setting(board, "fault", "silent") for board in boards)),
        "garbled": in_turn(*(setting(board, "fault", "garbage") for board in boards)),
        "lying": in_turn(*(setting(board, "fault", "lying") for board in boards)),
        "late": in_turn(*(setting(board, "fault", "late") for board in boards)),
    }


def of_sign(line: VirtualLine, sign: VirtualAlphaSign | VirtualAsciiSign) -> Table:
    return {
        None: in_turn(line.plug, setting(line, "noisy", False)),
        "unplugged": line.unplug,
        "garbled": setting(line, "noisy", True),
        "restarted": sign.restart,
    }


def of_locker(locker: Locker) -> Table:
    return {
        None: in_turn(locker.free, locker.mend_reed),
        "stuck": locker.jam,
        "sensor_open": lambda: locker.break_reed(reads_closed=False),
        "sensor_closed": lambda: locker.break_reed(reads_closed=True),
    }


def in_turn(*steps: Callable[[], None]) -> Callable[[], None]:
    """Several steps as one."""

    def do() -> None:
        for step in steps:
            step()

    return do


def setting(thing: object, name: str, value: object) -> Callable[[], None]:
    """To set an attribute, later."""
    return lambda: setattr(thing, name, value)

"""What virtual devices do not hold against a driver, since something else did it; and what they still do."""

import errno
from pathlib import Path

import pytest
from gpiozero import OutputDevice

from hal.bus import SerialSettings
from sim.clock import VirtualClock, WireError
from sim.gpio import VirtualPins
from sim.live_disk import LiveDisk
from sim.locker import Locker
from sim.mfrc522 import Mfrc522
from sim.mifare import Classic
from sim.relay_board import LockerWires, VirtualRelayBoard
from sim.serial_line import VirtualLine
from sim.serial_reader import SerialCardReader
from sim.turnstile import ArmWires, VirtualTurnstile

WIRES = ArmWires(unlock_a=5, unlock_b=6, release=13, pass_a=16, pass_b=20, ready=21)


class LockedArm:
    """An arm that a dead daemon leaves locked, and the host's pin for the way in."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.pins = VirtualPins(self.clock)
        self.arm = VirtualTurnstile(self.clock, self.pins, WIRES, fails_free=False)
        self.unlock = OutputDevice(WIRES.unlock_a, pin_factory=self.pins)

    def wait(self, ms: int) -> None:
        self.clock.advance_to(self.clock.now_us + ms * 1000)


def test_a_pulse_cut_short_by_the_hosts_death_or_a_pulled_cable_is_forgiven() -> None:
    arm = LockedArm()
    arm.unlock.on()
    arm.wait(51)
    arm.arm.unplug()
    arm.wait(10)
    arm.arm.plug()
    arm.wait(51)
    arm.pins.reset()
    arm.wait(1_000)
    assert arm.arm.state == "free_a", "it was long enough for this arm to see"


def test_a_pulse_cut_short_by_the_host_is_not() -> None:
    arm = LockedArm()
    arm.unlock.on()
    arm.wait(51)
    arm.unlock.off()
    with pytest.raises(WireError, match="51 ms"):
        arm.wait(1)


def test_a_pulse_held_while_the_program_hangs_is_forgiven_until_it_goes_on() -> None:
    arm = LockedArm()
    arm.unlock.on()
    arm.pins.stands_still_until_us = 11_000_000
    arm.wait(11_100)
    arm.unlock.off()
    arm.wait(10_000)
    arm.unlock.on()
    with pytest.raises(WireError, match="held for 3 s"):
        arm.wait(3_100)


def test_a_pulse_held_after_the_program_hung_is_not() -> None:
    arm = LockedArm()
    arm.unlock.on()
    arm.pins.stands_still_until_us = 4_000_000
    with pytest.raises(WireError, match="held for 3 s"):
        arm.wait(12_000)


@pytest.mark.parametrize("hangs", [False, True])
def test_a_solenoid_on_a_relay_burns_unless_the_program_hangs(hangs: bool) -> None:
    clock = VirtualClock()
    pins = VirtualPins(clock)
    VirtualRelayBoard(pins, [LockerWires(14, 15)], [Locker(clock)])
    relay = OutputDevice(14, pin_factory=pins)
    relay.on()
    if hangs:
        pins.stands_still_until_us = 10_000_000
        clock.advance_to(10_000_000)
    with pytest.raises(WireError, match="burned"):
        clock.advance_to(clock.now_us + 4_100_000)


@pytest.mark.parametrize("kind", ["spi", "serial"])
def test_what_was_pulled_at_comes_off_a_reader_and_what_was_laid_again_stays(kind: str) -> None:
    clock = VirtualClock()
    reader = Mfrc522(clock) if kind == "spi" else SerialCardReader(VirtualLine(clock, SerialSettings(9600)))
    pulled, laid_again, untouched = (Classic(bytes([4, n, n, n])) for n in (1, 2, 3))
    for card in (pulled, laid_again, untouched):
        reader.lay(card)
    reader.stuck = True
    reader.take(pulled)
    reader.take(laid_again)
    reader.lay(laid_again)
    assert reader.cards == ["04010101", "04020202", "04030303"]
    reader.come_off()
    assert reader.cards == ["04020202", "04030303"]


def test_a_live_disk_that_does_not_flush_takes_bytes_and_says_that_they_are_not_safe(tmp_path: Path) -> None:
    disk = LiveDisk(tmp_path)
    disk.fault("unflushed")
    with pytest.raises(OSError, match="Errno") as failed:
        disk.append("log", b"gone?")
    assert failed.value.errno == errno.EIO
    assert disk.read("log") == b"gone?"
    disk.fault(None)
    disk.append("log", b" no")

"""The virtual lockers are as strict as a locksmith: physics as in the hall, and no protocol error passes unseen."""

from collections.abc import Callable

import pytest
from gpiozero import OutputDevice

from hal.bus import SerialSettings
from sim.clock import VirtualClock, WireError
from sim.gpio import VirtualPins
from sim.lock_board import LockBus, VirtualCu16, VirtualCu48, VirtualEightA, VirtualLockBoard
from sim.locker import HandRefused, Locker
from sim.relay_board import LockerWires, VirtualRelayBoard
from sim.serial_line import HostPort, VirtualLine


class Watched:
    """A locker with a record of all that happened to it, in words."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.story: list[str] = []
        self.locker = Locker(self.clock, self.story.append)

    def wait(self, ms: int) -> None:
        self.clock.advance_to(self.clock.now_us + ms * 1000)

    def pulse(self, ms: int) -> None:
        self.locker.energise(True)
        self.wait(ms)
        self.locker.energise(False)


def test_a_pulse_draws_the_latch_back_and_the_spring_opens_the_door() -> None:
    watched = Watched()
    watched.pulse(300)
    watched.wait(1_000)
    assert watched.story == ["latch released", "door open", "latch locked"]
    assert not watched.locker.reed_closed


def test_a_pulse_shorter_than_the_spring_needs_opens_nothing() -> None:
    watched = Watched()
    watched.pulse(140)
    watched.wait(1_000)
    assert watched.story == ["latch released", "latch locked"]
    assert watched.locker.door == "closed"


def test_a_door_that_is_pushed_shut_during_the_pulse_is_held_until_the_bolt_falls() -> None:
    watched = Watched()
    watched.locker.energise(True)
    watched.wait(160)
    watched.locker.door_to("closed")
    watched.wait(160)
    watched.locker.energise(False)
    watched.wait(1_000)
    assert watched.story == ["latch released", "door open", "door closed", "latch locked"]


def test_a_latched_door_refuses_a_hand_and_yields_to_force() -> None:
    watched = Watched()
    with pytest.raises(HandRefused, match="latched"):
        watched.locker.door_to("open")
    assert watched.story == []
    watched.locker.door_to("forced")
    assert watched.story == ["door forced"]
    assert (watched.locker.door, watched.locker.latch) == ("open", "locked")


def test_a_hand_that_leaves_the_door_as_it_is_changes_nothing() -> None:
    watched = Watched()
    watched.locker.door_to("closed")
    watched.locker.door_to("forced")
    watched.locker.door_to("open")
    watched.locker.door_to("forced")
    assert watched.story == ["door forced"]


def test_a_jammed_latch_stays_locked_through_pulses_until_it_is_freed() -> None:
    watched = Watched()
    watched.locker.jam()
    watched.pulse(500)
    watched.wait(500)
    assert (watched.locker.latch, watched.locker.door, watched.story) == ("locked", "closed", [])
    watched.locker.free()
    watched.wait(500)
    assert watched.story == []
    watched.pulse(300)
    assert watched.story == ["latch released", "door open", "latch locked"]


def test_things_go_in_and_out_through_an_open_door_only() -> None:
    watched = Watched()
    with pytest.raises(HandRefused, match="closed"):
        watched.locker.put_content(True)
    watched.locker.door_to("forced")
    watched.locker.put_content(True)
    watched.locker.put_content(True)
    assert watched.locker.occupied
    assert watched.story == ["door forced", "content in"]


@pytest.mark.parametrize("reads_closed", [False, True])
def test_a_broken_reed_says_the_same_whatever_the_door_does(reads_closed: bool) -> None:
    watched = Watched()
    watched.locker.break_reed(reads_closed)
    watched.pulse(300)
    assert (watched.locker.door, watched.locker.reed_closed) == ("open", reads_closed)
    watched.locker.mend_reed()
    assert not watched.locker.reed_closed


def test_a_solenoid_burns_after_two_seconds_and_not_before() -> None:
    watched = Watched()
    watched.pulse(1_990)
    watched.wait(5_000)
    watched.locker.energise(True)
    with pytest.raises(WireError, match="burned"):
        watched.wait(2_000)


def test_a_change_is_told_to_the_world_before_any_wire_shows_it() -> None:
    order: list[str] = []
    locker = Locker(VirtualClock(), lambda what: order.append(f"world: {what}"))
    locker.wires.append(lambda: order.append(f"wire: {'closed' if locker.reed_closed else 'open'}"))
    locker.door_to("forced")
    locker.door_to("closed")
    assert order == ["world: door forced", "wire: open", "world: door closed", "wire: closed"]


def test_door_and_content_outlive_the_program_and_latches_spring_back() -> None:
    watched = Watched()
    watched.locker.energise(True)
    watched.wait(200)
    watched.locker.put_content(True)
    later = Locker(VirtualClock())
    later.restore(watched.locker.snapshot())
    assert (later.door, later.content, later.latch) == ("open", True, "locked")


# -- relays


def test_two_relays_with_current_at_a_time_fail_the_run() -> None:
    clock = VirtualClock()
    pins = VirtualPins(clock)
    VirtualRelayBoard(pins, [LockerWires(5, 6), LockerWires(12, 13)], [Locker(clock), Locker(clock)])
    first, second = OutputDevice(5, pin_factory=pins), OutputDevice(12, pin_factory=pins)
    first.on()
    with pytest.raises(WireError, match="supply"):
        second.on()


# -- boards

Make = Callable[[VirtualClock, list[Locker]], VirtualLockBoard]


def wired(make: Make, *, baudrate: int = 19_200) -> tuple[VirtualClock, HostPort, LockBus]:
    clock = VirtualClock()
    line = VirtualLine(clock, SerialSettings(baudrate))
    bus = LockBus(line, [make(clock, [Locker(clock) for _ in range(3)])])
    return clock, line.open(line.settings), bus


def say(clock: VirtualClock, port: HostPort, frame: str, *, then_ms: int = 200) -> bytes:
    """Send a frame, wait, and read what has come."""
    port.write(bytes.fromhex(frame))
    clock.advance_to(clock.now_us + then_ms * 1000)
    return port.read(99)


def a_cu16(clock: VirtualClock, lockers: list[Locker]) -> VirtualLockBoard:
    return VirtualCu16(clock, 0, lockers)


def a_cu48(clock: VirtualClock, lockers: list[Locker]) -> VirtualLockBoard:
    return VirtualCu48(clock, 0, lockers)


def an_8a(clock: VirtualClock, lockers: list[Locker]) -> VirtualLockBoard:
    return VirtualEightA(clock, 1, lockers)


@pytest.mark.parametrize(
    ("make", "frame", "says"),
    [
        (a_cu16, "02 00 30 03 36", "wrong sum"),
        (a_cu16, "02 00 30 03", "not a CU16 frame"),
        (a_cu16, "02 00 30 03 35 02 00 30 03 35", "not a CU16 frame"),
        (a_cu16, "00 02 00 30 03 35", "not a CU16 frame"),
        (a_cu16, "02 00 32 03 37", "no command 32"),
        (a_cu16, "02 f0 31 03 26", "all boards"),
        (a_cu16, "02 03 31 03 39", "no lock 4"),
        (a_cu48, "02 00 00 60 03 66", "wrong sum"),
        (a_cu48, "02 00 30 03 35", "not a CU48 frame"),
        (a_cu48, "02 00 00 62 03 67", "no command 62"),
        (a_cu48, "02 00 03 61 03 69", "no lock 4"),
        (an_8a, "8a 01 01 11 9a", "wrong XOR"),
        (an_8a, "8a 01 01 33 b9", "no command 8a .. 33"),
        (an_8a, "8a 01 00 11 9a", "opens every lock"),
        (an_8a, "8a 01 04 11 9e", "no lock 4"),
        (an_8a, "80 01 00 33", "not an 8A frame"),
    ],
)
def test_a_frame_that_breaks_the_protocol_fails_the_run(make: Make, frame: str, says: str) -> None:
    clock, port, _ = wired(make)
    with pytest.raises(WireError, match=says):
        say(clock, port, frame)


def test_frames_need_ten_milliseconds_between_them() -> None:
    clock, port, _ = wired(a_cu16)
    say(clock, port, "02 10 30 03 45", then_ms=13)  # nobody has this address, so nobody answers
    say(clock, port, "02 10 30 03 45", then_ms=12)
    with pytest.raises(WireError, match="less than 10 ms"):
        say(clock, port, "02 10 30 03 45")


def test_speaking_over_a_board_that_is_to_answer_fails_the_run() -> None:
    clock, port, _ = wired(a_cu16)
    say(clock, port, "02 00 30 03 35", then_ms=20)
    with pytest.raises(WireError, match="answering"):
        say(clock, port, "02 00 30 03 35")


def test_an_answer_too_needs_ten_milliseconds_after_it() -> None:
    clock, port, _ = wired(a_cu16)
    assert say(clock, port, "02 00 30 03 35", then_ms=38) == bytes.fromhex("02 00 35 07 00 00 00 03 41")
    with pytest.raises(WireError, match="less than 10 ms"):
        say(clock, port, "02 00 30 03 35")


def test_a_second_pulse_during_a_first_fails_the_run() -> None:
    clock, port, _ = wired(a_cu16)
    say(clock, port, "02 00 31 03 36", then_ms=400)
    with pytest.raises(WireError, match="while lock 1 is being pulsed"):
        say(clock, port, "02 01 31 03 37")


def test_a_pulse_of_each_family_opens_a_real_door() -> None:
    for make, frame in ((a_cu16, "02 01 31 03 37"), (a_cu48, "02 00 01 61 03 67"), (an_8a, "8a 01 02 11 98")):
        clock, port, bus = wired(make)
        say(clock, port, frame)
        assert [locker.door for locker in bus.boards[0].lockers] == ["closed", "open", "closed"]


def test_a_board_without_power_neither_answers_nor_opens() -> None:
    clock, port, bus = wired(a_cu16)
    bus.boards[0].fault = "silent"
    assert say(clock, port, "02 00 30 03 35") == b""
    say(clock, port, "02 00 31 03 36")
    assert bus.boards[0].lockers[0].door == "closed"


def test_each_fault_of_a_board_is_what_it_says() -> None:
    clock, port, bus = wired(a_cu16)
    board = bus.boards[0]
    truth = bytes.fromhex("02 00 35 06 00 00 00 03 40")
    board.lockers[0].door_to("forced")
    assert say(clock, port, "02 00 30 03 35") == truth
    board.leading = b"\xff\x00"
    assert say(clock, port, "02 00 30 03 35") == b"\xff\x00" + truth
    board.leading = b""
    board.fault = "lying"
    assert say(clock, port, "02 00 30 03 35") == bytes.fromhex("02 00 35 07 00 00 00 03 41")
    board.fault = "garbage"
    assert truth not in say(clock, port, "02 00 30 03 35")
    board.fault = "late"
    assert say(clock, port, "02 00 30 03 35") == b""
    clock.advance_to(clock.now_us + 200_000)
    assert port.read(99) == truth
    board.fault = None
    bus.echo = True
    assert say(clock, port, "02 00 30 03 35") == bytes.fromhex("02 00 30 03 35") + truth


def test_a_command_mangled_by_a_wrong_speed_is_not_the_drivers_fault_and_moves_nothing() -> None:
    clock, _, bus = wired(a_cu16)
    port = bus.line.open(SerialSettings(9_600))
    assert say(clock, port, "02 00 31 03 36") == b""
    assert bus.boards[0].lockers[0].door == "closed"


def test_a_board_of_the_8a_family_can_tell_of_a_door_unasked() -> None:
    clock, port, bus = wired(an_8a, baudrate=9_600)
    board = bus.boards[0]
    assert isinstance(board, VirtualEightA)
    board.connect_switches()
    board.lockers[1].door_to("forced")
    clock.advance_to(50_000)
    assert port.read(99) == bytes.fromhex("82 01 02 00 81")

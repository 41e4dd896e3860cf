"""Stories of lockers on lock boards: the driver over virtual boards, from the first question to a pulled adapter."""

from itertools import pairwise

import pytest

from hal.bus import SerialSettings
from hal.lock_belief import BoardAddress
from hal.lock_board import LockBoards
from hal.lock_protocols import Cu16, Cu48, EightA, LockProtocol
from hal.seen import Door, DoorSeen, Health
from sim.clock import VirtualClock
from sim.lock_board import VirtualCu16, VirtualCu48, VirtualEightA, VirtualLockBoard
from sim.locker import Locker
from tests.hal.lock_bench import SCAN_MS, Bench, bench, cu16_bench

OPEN, CLOSED, UNKNOWN = Door.OPEN, Door.CLOSED, Door.UNKNOWN


def lockers(clock: VirtualClock, count: int) -> list[Locker]:
    return [Locker(clock) for _ in range(count)]


def test_every_door_is_reported_once_within_two_seconds_of_the_start_and_then_nothing_more() -> None:
    hall = cu16_bench()
    hall.run(2_000)
    doors = sorted((door for _, door in hall.seen), key=lambda door: door.channel)
    assert doors == [DoorSeen(channel, CLOSED) for channel in range(1, 49)]
    assert (hall.driver.health, hall.driver.detail) == (Health.OK, "")
    hall.run(10_000)
    assert len(hall.seen) == 48


def test_an_unlocked_door_springs_open_is_seen_so_and_is_seen_closed_again() -> None:
    hall = cu16_bench()
    hall.run(2_000)
    asked = hall.clock.now()
    hall.driver.unlock(18)
    hall.run(1_000)
    assert hall.locker(18).door == "open"
    assert hall.told(18) == [CLOSED, OPEN]
    assert hall.seen[-1][0] - asked <= 400
    hall.run(5_000)
    hall.locker(18).door_to("closed")
    closed = hall.clock.now()
    hall.run(2_000)
    assert hall.told(18) == [CLOSED, OPEN, CLOSED]
    assert hall.seen[-1][0] - closed <= 800
    assert len(hall.seen) == 48 + 2


def test_a_jammed_latch_is_pulsed_once_for_each_request_and_its_door_stays_closed() -> None:
    hall = cu16_bench(1)
    hall.run(2_000)
    hall.locker(5).jam()
    pulses: list[bytes] = []
    hall.bus.tap = lambda _at, frame: pulses.append(frame) if frame[2] == 0x31 else None
    hall.driver.unlock(5)
    hall.run(10_000)
    assert pulses == [bytes.fromhex("02 04 31 03 3a")]
    assert hall.told(5) == [CLOSED]
    hall.locker(5).free()
    hall.driver.unlock(5)
    hall.run(1_000)
    assert hall.told(5) == [CLOSED, OPEN]


def test_several_doors_are_opened_one_after_the_other() -> None:
    hall = cu16_bench()
    hall.run(2_000)
    for channel in (1, 2, 17, 48, 2):
        hall.driver.unlock(channel)
    hall.run(3_000)
    opened = [(at, door.channel) for at, door in hall.seen if door.door is OPEN]
    assert [channel for _, channel in opened] == [1, 2, 17, 48]
    assert all(later - earlier >= 500 for (earlier, _), (later, _) in pairwise(opened))


def test_a_forced_door_is_seen_without_any_pulse() -> None:
    hall = cu16_bench()
    hall.run(2_000)
    hall.locker(33).door_to("forced")
    hall.run(1_000)
    assert hall.told(33) == [CLOSED, OPEN]


def test_what_is_put_into_a_locker_is_seen_where_there_are_sensors() -> None:
    hall = cu16_bench(1, content=True)
    hall.run(2_000)
    hall.driver.unlock(1)
    hall.run(1_000)
    hall.locker(1).put_content(True)
    hall.locker(1).door_to("closed")
    hall.run(1_000)
    assert [(door.door, door.content) for _, door in hall.seen if door.channel == 1] == [
        (CLOSED, False),
        (OPEN, False),
        (CLOSED, True),
    ]


def test_a_dead_board_turns_its_doors_unknown_is_named_and_comes_back() -> None:
    hall = cu16_bench()
    hall.run(2_000)
    hall.boards[1].fault = "silent"
    hall.run(3_000)
    assert hall.driver.health is Health.SILENT
    assert hall.driver.detail == "board 2 of 3 (address 1) does not answer: check its 12 V and the A/B pair"
    assert hall.driver.boards == {0: Health.OK, 1: Health.SILENT, 2: Health.OK}
    assert [channel for channel, door in hall.doors().items() if door is UNKNOWN] == list(range(17, 33))
    hall.run(60_000)
    assert len(hall.seen) == 48 + 16
    hall.boards[1].fault = None
    hall.run(3_000)
    assert (hall.driver.health, hall.driver.detail) == (Health.OK, "")
    assert set(hall.doors().values()) == {CLOSED}
    assert len(hall.seen) == 48 + 32


def test_one_lost_answer_in_three_changes_neither_health_nor_doors() -> None:
    hall = cu16_bench(1)
    hall.run(2_000)
    health = set()
    for _ in range(20):
        hall.boards[0].fault = "silent"
        hall.run(300)
        hall.boards[0].fault = None
        hall.run(900)
        health.add(hall.driver.health)
    assert health == {Health.OK}
    assert len(hall.seen) == 16


def test_a_board_that_hears_but_is_not_heard_still_opens() -> None:
    hall = cu16_bench(1)
    hall.run(2_000)
    hall.boards[0].fault = "garbage"
    hall.run(3_000)
    assert hall.driver.health is Health.GARBLED
    assert "do not add up" in hall.driver.detail
    assert set(hall.doors().values()) == {UNKNOWN}
    hall.driver.unlock(7)
    hall.run(1_000)
    assert hall.locker(7).door == "open"
    assert hall.doors()[7] is UNKNOWN


def test_a_lying_board_is_believed_for_there_is_nothing_to_tell_it_by() -> None:
    hall = cu16_bench(1)
    hall.run(2_000)
    hall.boards[0].fault = "lying"
    hall.driver.unlock(3)
    hall.run(2_000)
    assert hall.locker(3).door == "open"
    assert hall.told(3) == [CLOSED]
    assert hall.driver.health is Health.OK


@pytest.mark.parametrize("late_ms", range(150, 400, 10))
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_late_answer_is_never_taken_for_the_next_ones(count: int, late_ms: int) -> None:
    """Late answers tell of a closed door long after it was opened; nobody may believe them."""
    hall = cu16_bench(count)
    hall.run(2_000)
    late = hall.boards[0]
    late.fault, late.late_us = "late", (late_ms - 30) * 1000
    hall.run(5_000)
    assert hall.driver.boards[0] is Health.SILENT
    assert {door for channel, door in hall.doors().items() if channel <= 16} == {UNKNOWN}
    assert {door for channel, door in hall.doors().items() if channel > 16} <= {CLOSED}
    hall.locker(1).door_to("forced")
    late.fault = None
    hall.run(3_000)
    assert hall.told(1) == [CLOSED, UNKNOWN, OPEN]
    assert hall.driver.health is Health.OK


def test_a_pulled_adapter_is_gone_and_comes_back_without_moving_a_lock() -> None:
    hall = cu16_bench()
    hall.run(2_000)
    hall.line.unplug()
    hall.run(200)
    assert hall.driver.health is Health.GONE
    assert "adapter" in hall.driver.detail
    assert set(hall.doors().values()) == {UNKNOWN}
    hall.driver.unlock(4)
    hall.run(20_000)
    hall.line.plug()
    hall.run(5_000)
    assert (hall.driver.health, hall.driver.detail) == (Health.OK, "")
    assert hall.told(4) == [CLOSED, UNKNOWN, CLOSED]
    assert set(hall.doors().values()) == {CLOSED}


def test_an_adapter_that_blinks_is_opened_again_and_nobody_is_alarmed() -> None:
    hall = cu16_bench()
    hall.run(2_000)
    hall.line.unplug()
    hall.line.plug()
    hall.run(5_000)
    assert hall.driver.health is Health.OK
    assert len(hall.seen) == 48
    hall.driver.unlock(1)
    hall.run(1_000)
    assert hall.doors()[1] is OPEN


def test_an_adapter_missing_at_the_start_is_gone_until_it_is_plugged_in() -> None:
    hall = cu16_bench()
    hall.line.unplug()
    hall.run(5_000)
    assert hall.driver.health is Health.GONE
    assert set(hall.doors().values()) == {UNKNOWN}
    hall.line.plug()
    hall.run(5_000)
    assert (hall.driver.health, set(hall.doors().values())) == (Health.OK, {CLOSED})


@pytest.mark.parametrize("at_ms", range(0, 700, 20))
def test_an_adapter_pulled_at_any_moment_of_an_unlock_comes_back_and_opens_at_the_next_request(at_ms: int) -> None:
    hall = cu16_bench(2)
    hall.run(2_000)
    hall.driver.unlock(20)
    hall.run(at_ms)
    hall.line.unplug()
    hall.run(3_000)
    hall.line.plug()
    hall.run(5_000)
    assert hall.driver.health is Health.OK
    if hall.locker(20).door == "closed":
        hall.driver.unlock(20)
        hall.run(1_000)
    assert hall.doors()[20] is OPEN


@pytest.mark.parametrize("before_ms", range(0, 2_600, 100))
def test_a_line_that_is_back_opens_no_door_that_was_asked_for_while_it_was_missing(before_ms: int) -> None:
    hall = cu16_bench(1)
    hall.run(2_000)
    hall.line.unplug()
    hall.run(100)
    hall.driver.unlock(3)
    hall.run(before_ms)
    hall.line.plug()
    hall.run(10_000)
    assert hall.locker(3).door == "closed"
    assert hall.driver.health is Health.OK


def test_what_cannot_be_served_in_time_is_forgotten_rather_than_opened_late() -> None:
    hall = cu16_bench()
    hall.run(2_000)
    for channel in range(1, 49):
        hall.driver.unlock(channel)
    hall.run(40_000)
    opened = [channel for channel, door in hall.doors().items() if door is OPEN]
    assert opened == list(range(1, len(opened) + 1))
    assert 4 <= len(opened) <= 6


def test_an_adapter_that_dies_again_before_any_board_has_answered_is_gone() -> None:
    hall = cu16_bench(1)
    hall.line.unplug()
    hall.run(1_000)
    hall.line.plug()
    hall.run(1_100)
    hall.line.unplug()
    opened = len(hall.opened)
    hall.run(1_000)
    assert hall.driver.health is Health.GONE
    assert len(hall.opened) == opened
    hall.line.plug()
    hall.run(5_000)
    assert (hall.driver.health, hall.driver.detail) == (Health.OK, "")


def test_an_adapter_that_echoes_is_found_out_and_told_apart_from_a_bad_board() -> None:
    hall = cu16_bench()
    hall.run(2_000)
    hall.bus.echo = True
    hall.run(2_000)
    assert hall.driver.health is Health.GARBLED
    assert "echo" in hall.driver.detail
    hall.driver.unlock(2)
    hall.run(1_000)
    assert hall.doors()[2] is OPEN
    hall.bus.echo = False
    hall.run(2_000)
    assert (hall.driver.health, hall.driver.detail) == (Health.OK, "")


def test_an_echo_is_not_taken_for_a_board_that_is_dead() -> None:
    clock = VirtualClock()
    hall = bench([VirtualEightA(clock, 1, lockers(clock, 24))], EightA(), clock)
    hall.run(2_000)
    hall.bus.echo = True
    hall.boards[0].fault = "silent"
    hall.driver.unlock(1)
    hall.run(5_000)
    assert hall.driver.boards == {1: Health.SILENT}
    assert set(hall.doors().values()) == {UNKNOWN}
    assert "echo" in hall.driver.detail


@pytest.mark.parametrize("device", [SerialSettings(9600), SerialSettings(19200, parity="E")])
def test_a_line_set_otherwise_than_its_boards_is_never_ok_and_no_door_is_known(device: SerialSettings) -> None:
    clock = VirtualClock()
    hall = bench([VirtualCu16(clock, 0, lockers(clock, 16))], Cu16(), clock, device=device)
    hall.run(5_000)
    assert hall.driver.health in (Health.SILENT, Health.GARBLED)
    assert set(hall.doors().values()) == {UNKNOWN}


def test_noise_on_the_line_is_garbled_and_ends_when_the_noise_does() -> None:
    hall = cu16_bench(1)
    hall.run(2_000)

    def crackle() -> None:
        hall.line.send(b"\x00\xff\x02")
        if hall.line.noisy:
            hall.clock.after(30_000, crackle)

    hall.line.noisy = True
    crackle()
    hall.run(10_000)
    assert hall.driver.health is Health.GARBLED
    hall.line.noisy = False
    hall.run(5_000)
    assert (hall.driver.health, set(hall.doors().values())) == (Health.OK, {CLOSED})


def test_garbage_before_an_answer_is_passed_over() -> None:
    hall = cu16_bench()
    for board in hall.boards:
        board.leading = b"\x00\x02\xfe"
    hall.run(2_000)
    hall.driver.unlock(30)
    hall.run(1_000)
    assert hall.driver.health is Health.OK
    assert hall.doors()[30] is OPEN


@pytest.mark.parametrize("turnaround_ms", [25, 60, 100])
@pytest.mark.parametrize("answers_unlock", [False, True])
@pytest.mark.parametrize("family", ["cu16", "cu48", "8a"])
def test_each_family_opens_whether_or_not_it_answers_an_unlock_and_however_slow_it_is(
    family: str, answers_unlock: bool, turnaround_ms: int
) -> None:
    clock = VirtualClock()
    makes: dict[str, tuple[type[VirtualLockBoard], LockProtocol]] = {
        "cu16": (VirtualCu16, Cu16()),
        "cu48": (VirtualCu48, Cu48()),
        "8a": (VirtualEightA, EightA()),
    }
    make, protocol = makes[family]
    boards = [
        make(clock, address, lockers(clock, 12), answers_unlock=answers_unlock, turnaround_us=turnaround_ms * 1000)
        for address in (1, 2)
    ]
    hall = bench(boards, protocol, clock)
    hall.run(3_000)
    hall.driver.unlock(12)
    hall.driver.unlock(13)
    hall.run(2_500)
    assert {channel for channel, door in hall.doors().items() if door is OPEN} == {12, 13}
    assert hall.driver.health is Health.OK


def test_a_board_of_the_8a_family_that_speaks_unasked_disturbs_nobody() -> None:
    clock = VirtualClock()
    board = VirtualEightA(clock, 1, lockers(clock, 24))
    board.connect_switches()
    hall = bench([board], EightA(), clock)
    hall.run(2_000)
    for moment in range(40):
        hall.run(SCAN_MS * (moment % 12))
        hall.locker(9).door_to("forced" if hall.locker(9).door == "closed" else "closed")
    hall.run(2_000)
    assert hall.driver.health is Health.OK
    assert hall.doors()[9] is CLOSED


def polarity(board_bit: int, driver_bit: int) -> dict[int, Door]:
    clock = VirtualClock()
    hall = bench(
        [VirtualCu16(clock, 0, lockers(clock, 2), closed_bit=board_bit)],
        Cu16(closed_bit=1 if driver_bit else 0),
        clock,
    )
    hall.locker(2).door_to("forced")
    hall.run(2_000)
    return hall.doors()


@pytest.mark.parametrize(
    ("board_bit", "driver_bit", "shown"),
    [
        (1, 1, {1: CLOSED, 2: OPEN}),
        (0, 0, {1: CLOSED, 2: OPEN}),
        (1, 0, {1: OPEN, 2: CLOSED}),  # a wrong setting shows: nothing in the driver can hide it
        (0, 1, {1: OPEN, 2: CLOSED}),
    ],
)
def test_polarity_is_the_boards_own_and_a_wrong_setting_shows(
    board_bit: int, driver_bit: int, shown: dict[int, Door]
) -> None:
    assert polarity(board_bit, driver_bit) == shown


@pytest.mark.parametrize("status_bytes", [3, 4, 7])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("closed_bit", [0, 1])
def test_the_8a_map_is_read_in_either_order_and_polarity(status_bytes: int, last: bool, closed_bit: int) -> None:
    clock = VirtualClock()
    board = VirtualEightA(clock, 32, lockers(clock, 20), closed_bit=closed_bit)
    board.status_bytes, board.first_channels_last = status_bytes, last
    sizes: dict[int, EightA] = {
        size: EightA(size, 1 if closed_bit else 0, last) for size in (3, 4, 7)
    }
    hall = bench([board], sizes[status_bytes], clock)
    hall.locker(1).door_to("forced")
    hall.locker(18).door_to("forced")
    hall.run(2_000)
    assert [channel for channel, door in hall.doors().items() if door is OPEN] == [1, 18]
    hall.driver.unlock(10)
    hall.run(1_000)
    assert hall.locker(10).door == "open"
    assert hall.doors()[10] is OPEN


@pytest.mark.parametrize(
    ("protocol", "boards", "says"),
    [
        (Cu16(), [], "at least one board"),
        (Cu16(), [BoardAddress(15, 16)], "address 15 is not one of 0 to 14"),
        (Cu16(), [BoardAddress(0, 17)], "allowed are 1 to 16"),
        (Cu16(), [BoardAddress(0, 16), BoardAddress(0, 8)], "same address"),
        (EightA(), [BoardAddress(0, 8)], "address 0 is not one of 1 to 32"),
        (EightA(7), [BoardAddress(1, 51)], "allowed are 1 to 50"),
        (Cu48(), [BoardAddress(0, 0)], "allowed are 1 to 48"),
    ],
)
def test_boards_that_a_line_cannot_have_are_refused_in_words(
    protocol: LockProtocol, boards: list[BoardAddress], says: str
) -> None:
    clock = VirtualClock()
    with pytest.raises(ValueError, match=says):
        LockBoards(lambda: pytest.fail("opened"), clock, boards, protocol)


@pytest.mark.parametrize("channel", [0, -1, 49])
def test_a_channel_that_is_not_there_is_refused(channel: int) -> None:
    with pytest.raises(ValueError, match="not one of 1 to 48"):
        cu16_bench().driver.unlock(channel)


def test_start_and_close_pulse_nothing() -> None:
    hall: Bench = cu16_bench()
    commands: set[int] = set()
    hall.bus.tap = lambda _at, frame: commands.add(frame[2])
    hall.run(5_000)
    hall.driver.unlock(1)
    hall.driver.close()
    hall.driver.close()
    hall.clock.advance_to(hall.clock.now_us + 5_000_000)
    assert commands == {0x30}


@pytest.mark.parametrize("step", [40, 60, 80, 100, 140])
@pytest.mark.parametrize("phase", range(0, 200, 20))
def test_a_door_is_seen_however_late_the_scans_come(step: int, phase: int) -> None:
    """A busy machine scans less often; none of its scans need fall on the beginning of a slot."""
    hall = cu16_bench()
    hall.run(2_000)
    hall.locker(40).door_to("forced")
    begun = hall.clock.now()
    for now in range(begun + 20 + phase, begun + phase + 3_000, step):
        hall.clock.advance_to(now * 1_000)
        hall.seen += [(now, door) for door in hall.driver.poll(now)]
    assert hall.told(40) == [CLOSED, OPEN]
    assert hall.seen[-1][0] - begun <= 1_000 + phase + 10 * step
    assert hall.driver.health is Health.OK

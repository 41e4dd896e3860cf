"""The grid of quiet questions: what is asked, and when, follows from the time alone, so that scans may be left out."""

from collections.abc import Callable

import pytest

from hal.lock_board import SLOT_MS
from hal.lock_protocols import Cu16, EightA
from hal.seen import NOTHING_MOVED, SCAN_MS, Door, Health
from sim.clock import VirtualClock
from sim.lock_board import VirtualCu16, VirtualEightA
from sim.locker import Locker
from tests.hal.lock_bench import Bench, bench, cu16_bench

ROUND_MS = 6 * SLOT_MS
"""Divided by the rounds of one, two and three boards, and by those in which a silent one is asked."""


def questions(hall: Bench, ms: int) -> list[tuple[int, str]]:
    """What is sent within the next `ms`: its place in the round, in microseconds, and its bytes."""
    heard: list[tuple[int, str]] = []
    hall.bus.tap = lambda began_us, frame: heard.append((began_us % (ROUND_MS * 1000), frame.hex()))
    hall.run(ms)
    return heard


def until_idle(hall: Bench) -> None:
    """Run until scans may be left out."""
    for _ in range(1_000):
        if hall.driver.due(hall.clock.now()) > hall.clock.now() + ROUND_MS:
            return
        hall.scan()
    raise AssertionError("scans may never be left out")


def leave_out(hall: Bench, ms: int, moved: int = NOTHING_MOVED) -> None:
    """Let so much time pass with the scans that are needed only, for somebody who acts just before the end of it."""
    end = hall.clock.now() + ms
    while hall.clock.now() < end:
        agenda_us = hall.clock.next_us()
        wires = end + SCAN_MS if agenda_us is None else -(-agenda_us // 1000)
        due = min(hall.driver.due(hall.clock.now(), moved), wires, end + SCAN_MS)
        scan = -(-due // SCAN_MS) * SCAN_MS
        # The one who acts does so between the scan at the end and the one after it.
        begun = [hall.driver.under_way(at) for at in (end, scan) if at <= scan]
        taken_up = min(scan, *(at for at in begun if at is not None), scan)
        hall.clock.advance_to(max(hall.clock.now_us, min(end, taken_up - SCAN_MS) * 1000))
        if taken_up <= end:
            hall.driver.passed_over(taken_up - SCAN_MS)
            hall.scan()


def slow_8a(count: int) -> Bench:
    clock = VirtualClock()
    boards = [
        VirtualEightA(clock, address, [Locker(clock) for _ in range(8)], turnaround_us=100_000)
        for address in range(1, count + 1)
    ]
    return bench(boards, EightA(), clock)


def with_a_dead_board(count: int) -> Bench:
    hall = cu16_bench(count, turnaround_us=100_000)
    hall.boards[0].fault = "silent"
    return hall


def echoing(count: int) -> Bench:
    hall = cu16_bench(count)
    hall.bus.echo = True
    return hall


def just_pulsed(count: int) -> Bench:
    hall = cu16_bench(count, turnaround_us=100_000)
    hall.run(2_000)
    hall.driver.unlock(1)
    hall.driver.unlock(5)
    hall.run(100)
    return hall


def all_dead(count: int) -> Bench:
    hall = cu16_bench(count)
    for board in hall.boards:
        board.fault = "silent"
    return hall


def all_dead_and_reopened(count: int) -> Bench:
    hall = all_dead(count)
    hall.run(12_000)
    return hall


LINES: list[Callable[[int], Bench]] = [
    cu16_bench,
    slow_8a,
    with_a_dead_board,
    echoing,
    just_pulsed,
    all_dead,
    all_dead_and_reopened,
]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("line", LINES)
def test_whatever_scans_were_left_out_the_same_questions_are_asked_at_the_same_places(
    line: Callable[[int], Bench], count: int
) -> None:
    for later in range(0, ROUND_MS, 3 * SCAN_MS):
        whole, skipping = line(count), line(count)
        for hall in (whole, skipping):
            hall.run(10_000)
        whole.run(4_000 + later)
        leave_out(skipping, 4_000 + later)
        assert whole.clock.now() == skipping.clock.now()
        for hall in (whole, skipping):
            hall.driver.unlock(2)
        assert questions(whole, 2 * ROUND_MS) == questions(skipping, 2 * ROUND_MS)
        assert whole.driver.health is skipping.driver.health
        assert whole.seen == skipping.seen


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("moment", range(0, 600, SCAN_MS))
def test_a_door_forced_after_a_long_quiet_is_seen_at_the_same_moment_with_and_without_skipping(
    count: int, moment: int
) -> None:
    seen = []
    for skip in (False, True):
        hall = cu16_bench(count)
        hall.run(5_000)
        if skip:
            leave_out(hall, 60_000 + moment)
        else:
            hall.run(60_000 + moment)
        hall.locker(3).door_to("forced")
        if skip:
            leave_out(hall, 2_000, moved=hall.clock.now())
        else:
            hall.run(2_000)
        seen.append(hall.seen[-1])
    assert seen[0] == seen[1]
    assert seen[0][1].door is Door.OPEN


def test_hardly_a_scan_is_needed_at_a_quiet_line() -> None:
    hall = cu16_bench(3)
    hall.run(5_000)
    scans = 0
    scan, hall.scan = hall.scan, lambda: None  # type: ignore[method-assign]

    def counted() -> None:
        nonlocal scans
        scans += 1
        scan()

    hall.scan = counted  # type: ignore[method-assign]
    leave_out(hall, 600_000)
    assert scans < 20


@pytest.mark.parametrize(("count", "within_ms"), [(1, 320), (2, 760), (3, 760), (6, 1_400)])
def test_how_long_a_change_can_go_unseen(count: int, within_ms: int) -> None:
    """The wait for the board's turn (200 ms for one, 600 ms for two or three, 200 ms each for more) and two answers."""
    worst = 0
    for moment in range(0, 1_200, SCAN_MS):
        hall = cu16_bench(count)
        hall.run(5_000 + moment)
        hall.locker(1).door_to("forced")
        forced = hall.clock.now()
        hall.run(3_000)
        worst = max(worst, hall.seen[-1][0] - forced)
    assert worst <= within_ms


def test_six_boards_on_a_line_are_all_read() -> None:
    hall = cu16_bench(6)
    hall.run(10_000)
    assert len(hall.doors()) == 96


def test_no_slot_may_be_left_out_while_something_is_under_way() -> None:
    hall = cu16_bench(3)
    hall.run(5_000)
    until_idle(hall)
    hall.driver.unlock(1)
    for _ in range(15):
        assert hall.driver.due(hall.clock.now()) <= hall.clock.now() + SLOT_MS
        hall.scan()
    hall.run(3_000)
    until_idle(hall)
    assert hall.told(1) == [Door.CLOSED, Door.OPEN]


def test_a_missing_line_is_looked_for_again_when_due() -> None:
    hall = cu16_bench(3)
    hall.run(5_000)
    hall.line.unplug()
    hall.run(3_000)
    due = hall.driver.due(hall.clock.now())
    assert hall.clock.now() < due <= hall.clock.now() + 2_000
    hall.line.plug()
    hall.clock.advance_to(due * 1000)
    hall.driver.poll(due)
    hall.run(3_000)
    assert hall.driver.health is Health.OK


def test_a_line_on_which_nobody_answers_is_opened_anew_every_ten_seconds() -> None:
    hall = all_dead(2)
    hall.run(60_000)
    assert 5 <= len(hall.opened) <= 7


@pytest.mark.parametrize("turnaround_ms", [25, 100])
def test_a_stream_of_pulses_starves_no_board(turnaround_ms: int) -> None:
    clock = VirtualClock()
    boards = [
        VirtualCu16(clock, address, [Locker(clock) for _ in range(16)], turnaround_us=turnaround_ms * 1000)
        for address in range(3)
    ]
    hall = bench(boards, Cu16(), clock)
    hall.run(3_000)
    for channel in range(1, 17):
        hall.locker(channel).jam()
    asked = dict.fromkeys(range(3), 0)

    def count(_began_us: int, frame: bytes) -> None:
        if frame[2] == 0x30:
            asked[frame[1] >> 4] += 1

    hall.bus.tap = count
    for second in range(20):
        hall.driver.unlock(second % 16 + 1)
        hall.run(1_000)
    assert min(asked.values()) >= 20

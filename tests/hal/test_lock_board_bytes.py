"""Lock boards byte by byte: the makers' frames, every bent and every broken answer, and noise without end."""

from collections.abc import Callable, Iterator
from itertools import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.lock_protocols import Cu16, Cu48, EightA, LockProtocol, Status, statuses
from hal.seen import Door, Health
from sim.clock import VirtualClock
from sim.lock_board import LockBus, VirtualCu16, VirtualCu48, VirtualEightA, VirtualLockBoard
from sim.locker import Locker
from sim.serial_line import VirtualLine
from tests.hal.lock_bench import Bench, bench, cu16_bench

# -- the makers' tables


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (Cu16().unlock(0, 0), "02 00 31 03 36"),
        (Cu16().unlock(0, 15), "02 0f 31 03 45"),
        (Cu16().unlock(14, 9), "02 e9 31 03 1f"),
        (Cu16().ask(0), "02 00 30 03 35"),
        (Cu16().ask(2), "02 20 30 03 55"),
        (Cu48().unlock(0, 0), "02 00 00 61 03 66"),
        (Cu48().unlock(1, 47), "02 01 2f 61 03 96"),
        (Cu48().ask(0), "02 00 00 60 03 65"),
        (EightA().unlock(1, 0), "8a 01 01 11 9b"),
        (EightA().unlock(32, 23), "8a 20 18 11 a3"),
        (EightA().ask(1), "80 01 00 33 b2"),
    ],
)
def test_commands_are_those_of_the_makers_tables(frame: bytes, expected: str) -> None:
    assert frame.hex(" ") == expected


ALL_16, ALL_48 = 0xFFFF, (1 << 48) - 1


@pytest.mark.parametrize(
    ("protocol", "frame", "status"),
    [
        (Cu16(), "02 00 35 ff ff 00 00 03 38", Status(0, ALL_16, None)),
        (Cu16(), "02 10 35 fe 7f 00 00 03 c7", Status(1, 0x7FFE, None)),
        (Cu16(closed_bit=0), "02 10 35 fe 7f 00 00 03 c7", Status(1, 0x8001, None)),
        (Cu16(content_bit=1), "02 00 35 ff ff 01 80 03 b9", Status(0, ALL_16, 0x8001)),
        (Cu16(content_bit=0), "02 00 35 ff ff 01 80 03 b9", Status(0, ALL_16, 0x7FFE)),
        (Cu16(), "02 01 35 ff ff 00 00 03 39", None),  # of one lock: an answer to an unlock, not to the question
        (Cu16(), "02 00 30 ff ff 00 00 03 33", None),
        (Cu16(), "02 00 35 ff ff 00 00 04 39", None),
        (Cu48(), "02 03 00 75 ff ff ff ff ff ff 00 00 00 00 00 00 03 77", Status(3, ALL_48, None)),
        (Cu48(), "02 03 00 75 fe ff ff ff ff 7f 00 00 00 00 00 00 03 f6", Status(3, ALL_48 - 1 - (1 << 47), None)),
        (Cu48(), "02 03 05 75 ff ff ff ff ff ff 00 00 00 00 00 00 03 7c", None),
        (EightA(), "80 01 fe ff 7f 33 cc", Status(1, 0x7FFFFE, None)),
        (EightA(first_channels_last=True), "80 01 7f ff fe 33 cc", Status(1, 0x7FFFFE, None)),
        (EightA(closed_bit=0), "80 01 fe ff 7f 33 cc", Status(1, 0x800001, None)),
        (EightA(4), "80 01 fe ff ff 7f 33 33", Status(1, 0x7FFFFFFE, None)),
        (EightA(), "80 01 fe ff 7f 34 cb", None),
    ],
)
def test_answers_mean_what_the_makers_tables_say(protocol: LockProtocol, frame: str, status: Status | None) -> None:
    assert protocol.decode(bytes.fromhex(frame)) == status


def answers(make: Callable[[VirtualClock], VirtualLockBoard], command: str) -> str:
    """What a virtual board sends back to one command."""
    clock = VirtualClock()
    line = VirtualLine(clock, Cu16.settings)
    LockBus(line, [make(clock)])
    port = line.open(line.settings)
    port.write(bytes.fromhex(command))
    clock.advance_to(200_000)
    return port.read(99).hex(" ")


def cu16(clock: VirtualClock) -> VirtualCu16:
    return VirtualCu16(clock, 0, forced_first(clock, 16))


def cu16_answering(clock: VirtualClock) -> VirtualCu16:
    return VirtualCu16(clock, 0, forced_first(clock, 16), answers_unlock=True)


def cu48(clock: VirtualClock) -> VirtualCu48:
    return VirtualCu48(clock, 0, forced_first(clock, 48))


def eight_a(clock: VirtualClock) -> VirtualEightA:
    return VirtualEightA(clock, 1, forced_first(clock, 24), answers_unlock=True)


def forced_first(clock: VirtualClock, count: int) -> list[Locker]:
    """Lockers of which the first stands open, with something in it."""
    lockers = [Locker(clock) for _ in range(count)]
    lockers[0].door_to("forced")
    lockers[0].put_content(True)
    return lockers


@pytest.mark.parametrize(
    ("make", "command", "answer"),
    [
        (cu16, "02 00 30 03 35", "02 00 35 fe ff 01 00 03 38"),
        (cu16, "02 10 30 03 45", ""),
        (cu16, "02 05 31 03 3b", ""),
        (cu16_answering, "02 05 31 03 3b", "02 05 35 fe ff 01 00 03 3d"),
        (cu48, "02 00 00 60 03 65", "02 00 00 75 fe ff ff ff ff ff 01 00 00 00 00 00 03 74"),
        (eight_a, "80 01 00 33 b2", "80 01 fe ff ff 33 4c"),
        (eight_a, "80 01 01 33 b3", "80 01 01 00 80"),
        (eight_a, "80 01 02 33 b0", "80 01 02 11 92"),
        (eight_a, "8a 01 01 11 9b", "8a 01 01 00 8a"),
        (eight_a, "8a 01 02 11 98", "8a 01 02 11 98"),
    ],
)
def test_virtual_boards_answer_as_the_makers_tables_say(
    make: Callable[[VirtualClock], VirtualLockBoard], command: str, answer: str
) -> None:
    assert answers(make, command) == answer


# -- every bent and every broken answer

GOOD: dict[str, tuple[LockProtocol, bytes]] = {
    "cu16": (Cu16(), bytes.fromhex("02 00 35 fe ff 00 00 03 37")),
    "cu48": (Cu48(), bytes.fromhex("02 00 00 75 fe ff ff ff ff ff 00 00 00 00 00 00 03 73")),
    "8a": (EightA(), bytes.fromhex("80 01 fe ff ff 33 4c")),
}
FAMILIES = list(GOOD)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_answer_with_one_wrong_byte_says_anything(family: str) -> None:
    protocol, good = GOOD[family]
    assert statuses(protocol, good)[0] == [protocol.decode(good)]
    for at in range(len(good)):
        for wrong in set(range(256)) - {good[at]}:
            bent = good[:at] + bytes([wrong]) + good[at + 1 :]
            assert statuses(protocol, bent) == ([], bent)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_is_found_after_any_part_of_another_and_never_in_a_part_alone(family: str) -> None:
    protocol, good = GOOD[family]
    for length in range(len(good)):
        assert statuses(protocol, good[:length])[0] == []
        assert statuses(protocol, good[length:])[0] == ([protocol.decode(good)] if length == 0 else [])
        assert statuses(protocol, good[:length] + good) == ([protocol.decode(good)], good[:length])


class Imposter(VirtualCu16):
    """A board whose status answers are replaced on the wire by what the test wants."""

    instead: Iterator[bytes] = iter(())

    def obey(self, frame: bytes) -> bytes | None:
        answer = super().obey(frame)
        return None if answer is None else next(self.instead, answer)


def imposter_bench() -> tuple[Bench, Imposter]:
    clock = VirtualClock()
    board = Imposter(clock, 0, [Locker(clock) for _ in range(16)])
    hall = bench([board], Cu16(), clock)
    hall.run(2_000)
    return hall, board


def bent_and_broken() -> list[bytes]:
    """Every truncation of a CU16 answer that says "lock 1 open", and every single bit and a byte of 00 or FF wrong."""
    good = GOOD["cu16"][1]
    wrongs = [good[:length] for length in range(1, len(good))]
    for at in range(len(good)):
        for wrong in {good[at] ^ 1 << bit for bit in range(8)} | ({0x00, 0xFF} - {good[at]}):
            wrongs.append(good[:at] + bytes([wrong]) + good[at + 1 :])
    return wrongs


def test_a_board_that_sends_only_bent_or_broken_answers_is_garbled_its_doors_unknown_and_none_is_wrong() -> None:
    hall, board = imposter_bench()
    for wrong in bent_and_broken():
        board.instead = repeat(wrong)
        hall.run(3_000)
        assert hall.driver.health is Health.GARBLED
        assert set(hall.doors().values()) == {Door.UNKNOWN}
    board.instead = iter(())
    hall.run(3_000)
    assert set(hall.doors().values()) == {Door.CLOSED}
    assert {door for channel in range(1, 17) for door in hall.told(channel)} == {Door.CLOSED, Door.UNKNOWN}


def test_one_bent_or_broken_answer_among_good_ones_is_not_felt() -> None:
    hall, board = imposter_bench()
    for wrong in bent_and_broken():
        board.instead = iter([wrong])
        hall.run(1_400)
        assert hall.driver.health is Health.OK
    assert len(hall.seen) == 16


def test_one_answer_that_was_bent_past_its_checksum_moves_no_door() -> None:
    hall, board = imposter_bench()
    board.instead = iter([bytes.fromhex("02 00 35 fe ff 01 00 03 38")])  # lock 1 open, and the sum is right
    hall.run(2_000)
    assert hall.told(1) == [Door.CLOSED]


# -- noise

ANYTHING = st.lists(
    st.tuples(st.integers(0, 300), st.one_of(st.binary(max_size=40), st.sampled_from([b"\x02\x00\x35", b"\x80\x01"]))),
    max_size=12,
)


@given(ANYTHING)
@settings(max_examples=150)
def test_noise_with_wrong_checksums_moves_no_door_and_health_returns(noise: list[tuple[int, bytes]]) -> None:
    hall = cu16_bench(2)
    hall.run(2_500)
    for pause_ms, data in noise:
        if not statuses(Cu16(), data)[0]:
            hall.line.send(data)
        hall.run(pause_ms)
    hall.run(5_000)
    assert {door for channel in range(1, 33) for door in hall.told(channel)} <= {Door.CLOSED, Door.UNKNOWN}
    assert set(hall.doors().values()) == {Door.CLOSED}
    assert hall.driver.health is Health.OK


@given(st.lists(st.binary(max_size=300), max_size=30))
@settings(max_examples=100)
def test_whatever_comes_from_a_line_the_driver_goes_on_and_forgets_it(chunks: list[bytes]) -> None:
    hall = cu16_bench(1)
    for data in chunks:
        hall.line.send(data)
        hall.run(60)
    hall.run(8_000)
    assert (hall.driver.health, set(hall.doors().values())) == (Health.OK, {Door.CLOSED})
    hall.driver.unlock(16)
    hall.run(1_000)
    assert hall.doors()[16] is Door.OPEN

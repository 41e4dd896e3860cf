"""The virtual disk misbehaves as real ones do: it forgets, tears, stalls, fills, fails and turns bits over."""

import errno
from functools import partial
from random import Random

import pytest

from sim.clock import VirtualClock
from sim.disk import Crash, VirtualDisk, VirtualWriter
from sim.page_cache import SECTOR


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def disk(clock: VirtualClock) -> VirtualDisk:
    return VirtualDisk(clock)


def crash_in(disk: VirtualDisk, steps: int, path: str, data: bytes) -> None:
    disk.crash_at = disk.steps + steps
    with pytest.raises(Crash):
        disk.append(path, data)


def outcomes(steps: int, *, scattered: bool = False, data: bytes = b"n" * 2000, seeds: int = 80) -> set[bytes]:
    """What may be left of an append of `data` to b"old" that was cut off at the given step."""
    left = set()
    for seed in range(seeds):
        disk = VirtualDisk(VirtualClock())
        disk.scattered = scattered
        disk.append("log", b"old")
        crash_in(disk, steps, "log", data)
        disk.power_cut(Random(seed))
        left.add(disk.read("log"))
    return left


def test_nothing_happened_before_the_write() -> None:
    assert outcomes(0) == {b"old"}


@pytest.mark.parametrize("steps", [1, 2])
def test_unflushed_bytes_are_torn_anywhere(steps: int) -> None:
    left = outcomes(steps)
    assert all((b"old" + b"n" * 2000).startswith(content) for content in left)
    assert len(left) > 10
    assert {b"old", b"old" + b"n" * 2000} <= left


def test_a_card_that_lies_about_its_order_loses_any_sectors() -> None:
    left = outcomes(1, scattered=True)
    holes = {content for content in left if b"\0" in content}
    assert holes
    for content in left:
        assert content.startswith(b"old")
        for start in range(SECTOR, len(content), SECTOR):
            assert len(set(content[start : start + SECTOR])) == 1, "a sector is written whole or not at all"


def test_a_flush_that_returned_before_the_crash_counts() -> None:
    assert outcomes(3) == {b"old" + b"n" * 2000}


def test_a_new_name_may_be_lost_until_its_folder_is_flushed() -> None:
    left = set()
    for seed in range(20):
        disk = VirtualDisk(VirtualClock())
        crash_in(disk, 4, "log", b"x")
        disk.power_cut(Random(seed))
        left.add(tuple(disk.names("")))
    assert left == {(), ("log",)}


def test_a_kill_keeps_the_page_cache_and_a_later_power_cut_need_not() -> None:
    left = set()
    for seed in range(150):
        disk = VirtualDisk(VirtualClock())
        disk.append("log", b"old")
        crash_in(disk, 1, "log", b"new")
        with pytest.raises(Crash):
            disk.read("log")
        disk.kill()
        assert disk.read("log") == b"oldnew"
        disk.power_cut(Random(seed))
        left.add(disk.read("log"))
    assert left == {b"old", b"oldn", b"oldne", b"oldnew"}


def test_a_failed_flush_shows_bytes_that_the_medium_never_gets(disk: VirtualDisk) -> None:
    disk.append("log", b"old")
    disk.fail("flush")
    with pytest.raises(OSError, match="Input/output"):
        disk.append("log", b"lost")
    disk.heal()
    assert disk.read("log") == b"oldlost"
    disk.append("log", b"kept")  # flushed: but what stood before it is still not there
    disk.power_cut(Random(0))
    assert disk.read("log") == b"old\0\0\0\0kept"


def test_a_full_disk_takes_what_fits_and_says_so(disk: VirtualDisk) -> None:
    disk.append("log", b"old")
    disk.fill(leave_bytes=2)
    with pytest.raises(OSError, match="No space") as caught:
        disk.append("log", b"new")
    assert caught.value.errno == errno.ENOSPC
    assert disk.read("log") == b"oldne"
    assert disk.free_bytes() == 0
    disk.truncate("log", 0)
    assert disk.free_bytes() == 5


def test_room_comes_back_when_files_go(disk: VirtualDisk) -> None:
    before = disk.free_bytes()
    disk.replace("a", bytes(100))
    disk.replace("a", bytes(70))
    disk.append("b", bytes(10))
    assert before - disk.free_bytes() == 80
    disk.rename("b", "a")
    assert before - disk.free_bytes() == 10
    disk.remove("a")
    assert disk.free_bytes() == before


def test_reads_and_names_can_fail_too(disk: VirtualDisk) -> None:
    disk.append("log", b"x")
    disk.fail("read", "name", error=errno.ENODEV)
    for ask in (lambda: disk.read("log"), lambda: disk.names(""), lambda: disk.remove("log")):
        with pytest.raises(OSError, match="No such device"):
            ask()
    disk.heal()
    assert disk.read("log") == b"x"


def test_called_directly_the_disk_takes_the_clocks_time(clock: VirtualClock, disk: VirtualDisk) -> None:
    disk.append("log", b"x")
    before = clock.now_us
    disk.append("log", b"x")
    assert clock.now_us - before == 2_300
    disk.stall(800, times=1)
    disk.append("log", b"x")
    disk.append("log", b"x")
    assert clock.now_us - before == 800_000 + 3 * 2_300


# -- the writer


def test_a_job_is_done_when_the_disk_would_be(clock: VirtualClock, disk: VirtualDisk) -> None:
    writer = VirtualWriter(clock, disk)
    disk.append("log", b"x")
    start = clock.now_us
    first = writer.submit(lambda: disk.append("log", b"x"))
    second = writer.submit(lambda: disk.size("log"))
    third = writer.submit(lambda: disk.append("log", b"x"))
    assert clock.now_us == start, "the scan goes on"
    assert clock.next_us() == start + 2_300
    clock.advance_to(start + 2_299)
    assert not first.done
    with pytest.raises(RuntimeError, match="not done"):
        first.result()
    clock.advance_to(start + 2_300)
    assert (first.done, second.done, third.done) == (True, True, False)
    assert second.result() == 4 - 2
    clock.advance_to(start + 4_600)
    assert third.done


def test_what_a_job_raises_comes_out_of_its_result(clock: VirtualClock, disk: VirtualDisk) -> None:
    job = VirtualWriter(clock, disk).submit(lambda: disk.read("missing"))
    with pytest.raises(FileNotFoundError):
        job.result()


def test_a_second_job_begins_when_the_first_has_ended() -> None:
    for seed in range(20):
        clock = VirtualClock()
        disk = VirtualDisk(clock)
        writer = VirtualWriter(clock, disk)
        disk.append("log", b"old")
        start = clock.now_us
        writer.submit(partial(disk.append, "log", b"1"))
        writer.submit(partial(disk.append, "log", b"2"))
        clock.advance_to(start + 2_299)
        disk.power_cut(Random(seed))
        assert disk.read("log") in (b"old", b"old1")


@pytest.mark.parametrize(
    ("after_us", "possible"),
    [(200, {b"old", b"oldn", b"oldnew"}), (2_299, {b"old", b"oldn", b"oldnew"}), (2_300, {b"oldnew"})],
)
def test_a_flush_that_completes_after_the_cut_does_not_count(after_us: int, possible: set[bytes]) -> None:
    left = set()
    for seed in range(150):
        clock = VirtualClock()
        disk = VirtualDisk(clock)
        disk.append("log", b"old")
        VirtualWriter(clock, disk).submit(partial(disk.append, "log", b"new"))
        clock.advance_to(clock.now_us + after_us)
        disk.power_cut(Random(seed))
        left.add(disk.read("log"))
    assert left >= possible
    assert all(b"oldnew".startswith(content) for content in left)


def test_a_rename_that_lies_ahead_of_the_cut_never_was() -> None:
    for seed in range(30):
        clock = VirtualClock()
        disk = VirtualDisk(clock)
        disk.replace("state", b"old")
        start = clock.now_us
        job = VirtualWriter(clock, disk).submit(partial(disk.replace, "state", b"new"))
        clock.advance_to(start + 2_000)  # still writing aside
        disk.power_cut(Random(seed))
        assert disk.read("state") == b"old"
        assert not job.done


def test_a_crash_inside_a_job_stops_the_run_at_its_own_moment(clock: VirtualClock, disk: VirtualDisk) -> None:
    disk.append("log", b"old")
    disk.crash_at = disk.steps + 3
    with pytest.raises(Crash):
        VirtualWriter(clock, disk).submit(lambda: disk.append("log", b"new"))
    disk.power_cut(Random(0))
    assert disk.read("log") == b"oldnew"


def test_a_copy_goes_its_own_way(clock: VirtualClock, disk: VirtualDisk) -> None:
    disk.replace("log", b"old")
    VirtualWriter(clock, disk).submit(partial(disk.append, "log", b"new"))
    disk.fail("read")
    left = set()
    for seed in range(60):
        copy = disk.copy()
        copy.power_cut(Random(seed))
        left.add(copy.read("log"))
        copy.append("log", b"!")
        copy.replace("other", b"mine")
    assert left == {b"old", *(b"oldnew"[:size] for size in range(4, 7))}, "written, but not flushed"
    clock.advance_to(clock.now_us + 10_000)
    assert disk.copy().read("log") == b"oldnew"
    disk.heal()
    assert disk.names("") == ["log"]
    assert disk.free_bytes() == disk.copy().free_bytes()


def test_a_file_of_two_names_is_one_file_in_the_copy(clock: VirtualClock, disk: VirtualDisk) -> None:
    """A rename that is not flushed: the power cut decides under which name the same bytes are found."""
    disk.append("log.new", b"bytes")
    disk.crash_at = disk.steps + 2
    with pytest.raises(Crash):
        disk.rename("log.new", "log")
    left = set()
    for seed in range(30):
        copy = disk.copy()
        copy.power_cut(Random(seed))
        left.add(tuple((name, copy.read(name)) for name in copy.names("")))
    assert left == {(("log.new", b"bytes"),), (("log", b"bytes"),)}


def test_every_file_is_found_with_what_reading_shows(disk: VirtualDisk) -> None:
    disk.ensure_folder("journal/old")
    disk.append("state", b"s")
    disk.append("journal/2", b"two")
    disk.append("journal/1", b"one")
    disk.append("journal/old/0", b"zero")
    assert dict(disk.files()) == {"state": b"s", "journal/1": b"one", "journal/2": b"two", "journal/old/0": b"zero"}
    assert [path for path, _ in disk.files()] == ["state", "journal/1", "journal/2", "journal/old/0"]

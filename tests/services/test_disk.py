"""The durable verbs: the same promises on the machine's file system and on the virtual one."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from services.disk import ASIDE, RESERVE, Disk, FolderDisk
from sim.clock import VirtualClock
from sim.disk import VirtualDisk


@pytest.fixture(params=["folder", "virtual"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    return FolderDisk(tmp_path) if request.param == "folder" else VirtualDisk(VirtualClock())


def test_the_verbs_do_what_they_say(disk: Disk) -> None:
    disk.ensure_folder("a/b")
    disk.ensure_folder("a/b")
    disk.append("a/b/log", b"one\n")
    disk.append("a/b/log", b"two\n")
    disk.replace("a/state", b"old")
    disk.replace("a/state", b"new")
    disk.append("a/b/log", b"three\n")
    assert disk.read("a/b/log") == b"one\ntwo\nthree\n"
    assert disk.read_at("a/b/log", 4, 3) == b"two"
    assert disk.read_at("a/b/log", 8, 100) == b"three\n"
    assert disk.read_at("a/b/log", 100, 5) == b""
    assert disk.size("a/b/log") == 14
    disk.harden("a/b/log", 4)
    disk.truncate("a/b/log", 4)
    disk.append("a/b/log", b"2\n")
    assert disk.read("a/b/log") == b"one\n2\n"
    disk.rename("a/state", "a/state.last")
    assert (disk.names("a"), disk.names("a/b"), disk.names("")) == (["b", "state.last"], ["log"], ["a"])
    assert disk.read("a/state.last") == b"new"
    disk.remove("a/b/log")
    assert disk.names("a/b") == []
    assert not disk.exists("a/b/log")
    disk.append("a/b/log", b"anew")
    assert disk.read("a/b/log") == b"anew"
    assert disk.free_bytes() > 1_000_000


@pytest.mark.parametrize(
    "ask",
    [
        lambda disk: disk.read("missing"),
        lambda disk: disk.read_at("missing", 0, 1),
        lambda disk: disk.size("missing"),
        lambda disk: disk.names("missing"),
        lambda disk: disk.truncate("missing", 0),
        lambda disk: disk.remove("missing"),
        lambda disk: disk.rename("missing", "other"),
        lambda disk: disk.append("no/such/folder", b"x"),
        lambda disk: disk.replace("no/such/folder", b"x"),
    ],
)
def test_what_is_missing_is_file_not_found(disk: Disk, ask: Callable[[Disk], object]) -> None:
    with pytest.raises(FileNotFoundError):
        ask(disk)


def test_a_name_that_changed_hands_is_written_where_it_now_stands(disk: Disk) -> None:
    disk.append("log", b"old")
    disk.replace("log", b"new")
    disk.append("log", b"er")
    assert disk.read("log") == b"newer"
    disk.append("other", b"x")
    disk.rename("log", "other")
    disk.append("other", b"!")
    disk.append("log", b"fresh")
    assert (disk.read("other"), disk.read("log")) == (b"newer!", b"fresh")


def test_what_an_interrupted_replace_left_does_not_get_into_the_next(disk: Disk) -> None:
    disk.append("state" + ASIDE, b"half of something much longer")
    disk.replace("state", b"whole")
    assert disk.read("state") == b"whole"
    assert disk.names("") == ["state"]


def test_the_reserve_is_held_once_and_given_back_once(disk: Disk) -> None:
    disk.reserve(5000)
    disk.reserve(5000)
    assert disk.size(RESERVE) == 5000
    disk.reserve(3000)
    assert disk.size(RESERVE) == 3000
    assert disk.release_reserve()
    assert not disk.release_reserve()


# -- the machine's


def test_nobody_else_may_read_what_is_kept(tmp_path: Path) -> None:
    disk = FolderDisk(tmp_path / "state")
    disk.ensure_folder("journal")
    disk.append("journal/log", b"x")
    disk.replace("cache", b"x")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").rglob("*")}
    assert modes == {"journal": 0o700, "log": 0o600, "cache": 0o600}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_a_real_full_device_raises_and_its_handle_is_dropped(tmp_path: Path) -> None:
    os.symlink("/dev/full", tmp_path / "log")
    disk = FolderDisk(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="No space") as caught:
        disk.append("log", b"x")
    assert caught.value.errno == errno.ENOSPC
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_real_file_that_cannot_be_synced_raises_and_its_handle_is_dropped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    disk = FolderDisk(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError):  # noqa: PT011 - a pipe knows neither offsets nor fdatasync
        disk.append("log", b"x")
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(reader)


def test_only_one_file_is_open_at_a_time_and_none_after_close(tmp_path: Path) -> None:
    disk = FolderDisk(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    for n in range(20):
        disk.append(f"log{n}", b"x")
    assert len(os.listdir("/proc/self/fd")) == before + 1
    disk.close()
    assert len(os.listdir("/proc/self/fd")) == before


# -- durable when it returns


VERBS: list[Callable[[VirtualDisk], None]] = [
    lambda disk: disk.append("log", b"a" * 700),
    lambda disk: disk.append("log", b"b" * 3),
    lambda disk: disk.append("new", b"c"),
    lambda disk: disk.truncate("log", 2),
    lambda disk: disk.replace("log", b"d" * 1500),
    lambda disk: disk.replace("state", b"e"),
    lambda disk: disk.rename("log", "older"),
    lambda disk: disk.remove("log"),
    lambda disk: disk.ensure_folder("f/g"),
]


@pytest.mark.parametrize("scattered", [False, True])
@pytest.mark.parametrize("second", VERBS)
@pytest.mark.parametrize("first", VERBS)
def test_what_has_returned_survives_any_power_cut(
    first: Callable[[VirtualDisk], None], second: Callable[[VirtualDisk], None], scattered: bool
) -> None:
    for seed in range(6):
        disk = VirtualDisk(VirtualClock())
        disk.scattered = scattered
        disk.append("log", b"start")
        for verb in (first, second):
            if verb in VERBS[3:4] + VERBS[6:8] and not disk.exists("log"):
                return
            verb(disk)
        before = {name: disk.read(name) for name in disk.names("") if name != "f"}
        disk.power_cut(Random(seed))
        assert {name: disk.read(name) for name in disk.names("") if name != "f"} == before


def test_a_name_that_a_failed_append_left_is_durable_after_truncate() -> None:
    for seed in range(8):
        disk = VirtualDisk(VirtualClock())
        disk.fail("flush")
        with pytest.raises(OSError, match="Input/output"):
            disk.append("log", b"x")
        disk.heal()
        disk.truncate("log", 0)
        disk.append("log", b"y")
        disk.power_cut(Random(seed))
        assert disk.read("log") == b"y"


def test_harden_makes_durable_what_another_process_left_behind() -> None:
    for seed in range(8):
        disk = VirtualDisk(VirtualClock())
        disk.fail("flush")
        with pytest.raises(OSError, match="Input/output"):
            disk.append("log", b"x" * 2000)
        disk.kill()
        disk.heal()
        assert disk.read("log") == b"x" * 2000
        disk.harden("log", 0)
        disk.power_cut(Random(seed))
        assert disk.read("log") == b"x" * 2000

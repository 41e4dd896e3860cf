"""A virtual disk beneath the durable verbs: a page cache, a medium behind it, and all that goes wrong between the two.

What is written stands in the page cache at once and reaches the medium when it is flushed. A kill of the process keeps
the page cache. A power cut keeps the medium, and whatever of the rest happened to be on its way: of appended bytes any
prefix (a file's length on the medium follows its bytes: ext4, data=ordered), or under `scattered` any of their 512-byte
sectors (a card that lies about its order); of names that were not flushed, any. A failed flush loses the dirty pages
for good while the page cache still shows them, as Linux does.

Two faces: the kernel's calls (what `services.disk.Disk` builds upon), and the hand that stalls, fills, fails, flips a
bit or cuts the power. Every changing call counts two steps, before and after it; at `crash_at` everything stops.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import PurePosixPath
from random import Random
from typing import Literal, TypeVar

from services.disk import Disk
from services.writer import Job
from sim.clock import VirtualClock
from sim.page_cache import Change, File, Folder

Call = Literal["read", "write", "flush", "name"]
"""The calls that can be made to fail: `write` also cuts, `name` makes folders, renames and removes."""

CLOSE_US = 5_000_000
"""A writer waits no longer for a disk that hangs (`services.writer`)."""

T = TypeVar("T")


class Crash(BaseException):
    """Everything stops at this very step; then `power_cut` or `kill` says what became of the disk."""


class VirtualDisk(Disk):
    """A disk in virtual time. Its latencies pass on the clock, or inside `beside_the_scan` they add up beside it."""

    def __init__(
        self, clock: VirtualClock, *, capacity_bytes: int = 1 << 30, write_us: int = 300, flush_us: int = 2_000
    ) -> None:
        self.clock = clock
        self.capacity_bytes = self._whole_bytes = capacity_bytes
        self.write_us = write_us
        self.flush_us = flush_us
        self.scattered = False
        """What a power cut leaves of unflushed bytes: any sectors rather than any prefix."""
        self.read_only = False
        self.steps = 0
        """Counts up before and after each changing call."""
        self.crash_at: int | None = None
        """The step at which everything stops with `Crash`."""
        self.on_step: Callable[[str], None] = lambda what: None
        """Hears of each step before it counts: `before write journal/x`. It may set `crash_at`."""
        self.on_flush: Callable[[int], None] = lambda _ends_us: None
        """Hears of each flush of a file when it begins, and when it will have ended."""
        self.written_bytes = 0
        """All bytes ever written, for those who count the wear of a card."""
        self.flips = 0
        """Bits that have turned over by themselves."""
        self._folders: dict[str, Folder] = {"": Folder()}
        self._open: dict[str, File] = {}
        self._faults: dict[Call, int] = {}
        self._stall_us = 0
        self._stalls = 0
        self._used_bytes = 0
        self._beside_us: int | None = None  # the moment that a job beside the scan has come to
        self._off_at_us: int | None = None

    # -- the hand's face

    def power_cut(self, rng: Random) -> None:
        """The power goes now, and comes back: `rng` decides what unflushed writes have left on the medium."""
        now_us = self.clock.now_us if self._off_at_us is None else max(self.clock.now_us, self._off_at_us)
        for file in self._files():
            file.tear(now_us, rng, self.scattered)
        for folder in self._folders.values():
            folder.tear(now_us, rng)
        self._used_bytes = sum(len(file.cached) for file in self._files())
        self.kill()

    def kill(self) -> None:
        """The process dies; what it has handed to the kernel stays."""
        self._open.clear()
        self._off_at_us = self.crash_at = None

    def fail(self, *calls: Call, error: int = errno.EIO) -> None:
        """Let these calls fail from now on, until `heal`."""
        self._faults.update(dict.fromkeys(calls, error))

    def heal(self) -> None:
        """All faults end, and whoever filled the disk takes his files away."""
        self._faults.clear()
        self.capacity_bytes = self._whole_bytes
        self.read_only = False
        self._stalls = 0

    def stall(self, ms: int, times: int = -1) -> None:
        """The next flushes (`times` of them, or all until `heal`) take so much longer."""
        self._stall_us, self._stalls = ms * 1000, times

    def fill(self, leave_bytes: int = 0) -> None:
        """Somebody else's files take all room but this."""
        self.capacity_bytes = self._used_bytes + leave_bytes

    def flip(self, path: str, offset: int, bit: int = 0) -> None:
        """A bit of the medium turns over, and the page is read anew."""
        self.flips += 1
        file = self._file(path)
        file.cached[offset] ^= 1 << bit
        if offset < len(file.medium):
            file.medium[offset] ^= 1 << bit

    def put(self, path: str, content: bytes) -> None:
        """Lay a file onto the medium, as it is."""
        self._used_bytes += len(content) - len(self._folder(path).cached.get(_name(path), File()).cached)
        file = File(bytearray(content), bytearray(content))
        self._folder(path).cached[_name(path)] = self._folder(path).medium[_name(path)] = file

    def sure_names(self, folder: str) -> list[str]:
        """The names in a folder that a power cut at this moment would leave there, sorted."""
        inside = self._folders.get(folder, Folder())
        inside.settle(self.clock.now_us)
        return sorted(inside.medium)

    def sure_bytes(self, path: str, offset: int = 0) -> bytes:
        """What a power cut at this moment would surely leave of a file, from `offset` on. Costs what it returns."""
        folder = self._folder(path)
        file = folder.medium.get(_name(path)) or self._file(path)
        file.settle(self.clock.now_us)
        return bytes(file.medium[offset:])

    @property
    def now_us(self) -> int:
        """This moment as the disk sees it: the clock's, or the one that a job beside the scan has come to."""
        return self._at_us()

    def files(self) -> Iterator[tuple[str, bytes]]:
        """The path of every file and what reading it shows, in the order of folders and names."""
        for folder, names in sorted(self._folders.items(), key=lambda item: item[0]):
            for name, file in sorted(names.cached.items(), key=lambda item: item[0]):
                yield f"{folder}/{name}" if folder else name, bytes(file.cached)

    def unflushed(self) -> list[bytes]:
        """What has been written and is on its way to the medium at this moment: each write by itself."""
        begun = [change for file in self._files() for change in file.changes if change.at_us <= self._at_us()]
        return [change.data for change in begun if change.data]

    def copy(self) -> "VirtualDisk":
        """Another disk with the same bytes in cache, on the medium and between them; healthy, and nobody has it open.

        What happens to the one does not touch the other, and the copy's latencies pass on a clock of its own, which
        begins at the same moment: cut the copy's power to see what a power cut would leave.
        """
        other = VirtualDisk(
            VirtualClock(self.clock.now_us), capacity_bytes=self._whole_bytes, write_us=self.write_us,
            flush_us=self.flush_us,
        )  # fmt: skip
        other.scattered = self.scattered
        copies: dict[int, File] = {}

        def copied(file: File) -> File:
            if id(file) not in copies:
                copies[id(file)] = file.copy()
            return copies[id(file)]

        other._folders = {name: folder.copy(copied) for name, folder in self._folders.items()}
        other._used_bytes = self._used_bytes
        return other

    @contextmanager
    def beside_the_scan(self, start_us: int) -> Iterator[Callable[[], int]]:
        """Latencies add up from `start_us` on, beside the clock; gives a function that says what moment it is there."""
        if self._beside_us is not None:
            raise RuntimeError("one job at a time")
        self._beside_us = moment_us = start_us
        try:
            yield lambda: moment_us if self._beside_us is None else self._beside_us
        finally:
            moment_us, self._beside_us = self._beside_us, None

    # -- reading

    def read(self, path: str) -> bytes:
        self._meet("read", path)
        return bytes(self._file(path).cached)

    def read_at(self, path: str, offset: int, size: int) -> bytes:
        self._meet("read", path)
        return bytes(self._file(path).cached[offset : offset + size])

    def size(self, path: str) -> int:
        self._meet("read", path)
        return len(self._file(path).cached)

    def names(self, folder: str) -> list[str]:
        self._meet("read", folder)
        if folder not in self._folders:
            raise _error(errno.ENOENT, folder)
        inside = {name.split("/")[0] for name in self._below(folder)}
        return sorted(inside | self._folders[folder].cached.keys())

    def free_bytes(self) -> int:
        return max(0, self.capacity_bytes - self._used_bytes)

    # -- the kernel's calls

    def ensure_folder(self, folder: str) -> None:
        path = PurePosixPath(folder)
        for part in [*reversed(path.parents), path]:
            name = "" if str(part) == "." else str(part)
            if name not in self._folders:
                with self._step("name", name):
                    self._folders[name] = Folder()

    def _write(self, path: str, offset: int | None, data: bytes) -> None:
        with self._step("write", path):
            file = self._open.get(path) or self._opened(path)
            at_us = self._at_us()
            start = len(file.cached) if offset is None else offset
            room = max(0, len(file.cached) - start) + self.free_bytes()
            fitting = data[:room]
            self._used_bytes += file.change(Change(at_us, start, fitting))
            self.written_bytes += len(fitting)
            self._pass(self.write_us)
            if len(fitting) < len(data):
                raise _error(errno.ENOSPC, path)

    def _cut(self, path: str, size: int) -> None:
        with self._step("write", path):
            self._open[path] = file = self._file(path)
            self._used_bytes += file.change(Change(self._at_us(), size, b"", cut=True))
            self._pass(self.write_us)

    def _flush(self, path: str) -> None:
        with self._step("flush", path, may_fail=False):
            if path not in self._open:
                raise _error(errno.EBADF, path)
            file = self._open[path]
            takes_us = self._flush_takes_us()
            self.on_flush(self._at_us() + takes_us)
            self._pass(takes_us)
            if "flush" in self._faults:
                file.fail_flush(self._at_us())
                raise _error(self._faults["flush"], path)
            file.flush(self._at_us(), self.clock.now_us)

    def _flush_folder(self, folder: str) -> None:
        with self._step("flush", folder):
            self._pass(self._flush_takes_us())
            self._folders[folder].flush(self._at_us(), self.clock.now_us)

    def _rename(self, old: str, new: str) -> None:
        with self._step("name", new):
            file = self._file(old)
            folder = self._folder(new)
            if _name(new) in folder.cached:
                self._used_bytes -= len(folder.cached[_name(new)].cached)
            folder.change(self._at_us(), {_name(old): None, _name(new): file})

    def _unlink(self, path: str) -> None:
        with self._step("name", path):
            self._used_bytes -= len(self._file(path).cached)
            self._folder(path).change(self._at_us(), {_name(path): None})

    def _let_go(self, path: str) -> None:
        self._open.pop(path, None)

    # -- time and trouble

    @contextmanager
    def _step(self, call: Call, path: str, *, may_fail: bool = True) -> Iterator[None]:
        self._count("before", call, path)
        self._meet(call if may_fail else None, path)
        if self.read_only and call != "flush":
            raise _error(errno.EROFS, path)
        yield
        self._count("after", call, path)

    def _count(self, when: str, call: Call, path: str) -> None:
        if self._off_at_us is None:
            self.on_step(f"{when} {call} {path}")
        if self._off_at_us is None and self.steps == self.crash_at:
            self._off_at_us = self._at_us()
        if self._off_at_us is not None:
            raise Crash(f"at step {self.steps}")
        self.steps += 1

    def _meet(self, call: Call | None, path: str) -> None:
        if self._off_at_us is not None:
            raise Crash("it has crashed already")
        if call in self._faults:
            raise _error(self._faults[call], path)

    def _at_us(self) -> int:
        return self.clock.now_us if self._beside_us is None else self._beside_us

    def _pass(self, us: int) -> None:
        if self._beside_us is None:
            self.clock.charge(us)
        else:
            self._beside_us += us

    def _flush_takes_us(self) -> int:
        if not self._stalls:
            return self.flush_us
        self._stalls -= self._stalls > 0
        return self.flush_us + self._stall_us

    # -- names

    def _files(self) -> list[File]:
        """Each once."""
        return list({id(file): file for folder in self._folders.values() for file in folder.files()}.values())

    def _folder(self, path: str) -> Folder:
        folder = self._folders.get(_split(path)[0])
        if folder is None:
            raise _error(errno.ENOENT, path)
        return folder

    def _file(self, path: str) -> File:
        file = self._folder(path).cached.get(_name(path))
        if file is None:
            raise _error(errno.ENOENT, path)
        return file

    def _opened(self, path: str) -> File:
        folder = self._folder(path)
        file = folder.cached.get(_name(path))
        if file is None:
            file = File()
            folder.change(self._at_us(), {_name(path): file})
        self._open[path] = file
        return file

    def _below(self, folder: str) -> list[str]:
        prefix = f"{folder}/" if folder else ""
        return [name[len(prefix) :] for name in self._folders if name != folder and name.startswith(prefix) and name]


class VirtualWriter:
    """A writer in virtual time: a job does its work when it is submitted, and is done when the disk would be."""

    def __init__(self, clock: VirtualClock, disk: VirtualDisk) -> None:
        self._clock = clock
        self._disk = disk
        self._free_at_us = 0

    def submit(self, job: Callable[[], T]) -> Job[T]:
        with self._disk.beside_the_scan(max(self._free_at_us, self._clock.now_us)) as moment_us:
            outcome = _Outcome(self._clock, job)
        outcome.done_us = self._free_at_us = moment_us()
        if not outcome.done:
            self._clock.after(outcome.done_us - self._clock.now_us, lambda: None)  # so that a run stops and looks
        return outcome

    def close(self) -> None:
        """Wait for what is under way, as long as a real one would wait for a disk that hangs."""
        self._clock.charge(max(0, min(self._free_at_us - self._clock.now_us, CLOSE_US)))


class _Outcome(Job[T]):
    def __init__(self, clock: VirtualClock, job: Callable[[], T]) -> None:
        self.done_us = 0
        self._clock = clock
        self._error: Exception | None = None
        self._results: list[T] = []
        try:
            self._results.append(job())
        except Exception as error:  # noqa: BLE001 - it is not swallowed: `result` raises it
            self._error = error

    @property
    def done(self) -> bool:
        return self._clock.now_us >= self.done_us

    def result(self) -> T:
        if not self.done:
            raise RuntimeError("the job is not done yet")
        if self._error is not None:
            raise self._error
        return self._results[0]


def _name(path: str) -> str:
    return _split(path)[1]


@lru_cache(maxsize=1024)
def _split(path: str) -> tuple[str, str]:
    """The folder, empty for the uppermost, and the name in it."""
    whole = PurePosixPath(path)
    parent = str(whole.parent)
    return "" if parent == "." else parent, whole.name


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)

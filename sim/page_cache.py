"""Page cache and medium: what reading shows, what a power cut spares, and the changes that lie between the two.

Every change and every flush carries the virtual moment at which it happens, which may lie ahead of the clock: a writer
beside the scan does its work at once, and is granted the time for it later. A power cut before that moment undoes it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

SECTOR = 512
"""Bytes that a medium writes whole or not at all."""


@dataclass(slots=True)
class Change:
    """Bytes written at an offset, or with `cut` the end of the file set there."""

    at_us: int
    offset: int
    data: bytes
    cut: bool = False

    def apply(self, content: bytearray) -> None:
        if self.cut:
            del content[self.offset :]
        content.extend(bytes(max(0, self.offset - len(content))))  # a hole reads as zeros
        content[self.offset : self.offset + len(self.data)] = self.data

    def prefix(self, size: int) -> "Change":
        return Change(self.at_us, self.offset, self.data[:size])

    def sectors(self) -> Iterator["Change"]:
        """The change in pieces that the medium takes whole."""
        if self.cut:
            yield self
        at = 0
        while at < len(self.data):
            end = at + SECTOR - (self.offset + at) % SECTOR
            yield Change(self.at_us, self.offset + at, self.data[at:end])
            at = end


@dataclass(slots=True)
class File:
    """The content of a file, twice."""

    cached: bytearray = field(default_factory=bytearray)
    medium: bytearray = field(default_factory=bytearray)
    changes: list[Change] = field(default_factory=list)
    flushes: list[tuple[int, int]] = field(default_factory=list)
    """(when it completes, how many changes it covers)."""

    def copy(self) -> "File":
        return File(bytearray(self.cached), bytearray(self.medium), list(self.changes), list(self.flushes))

    def change(self, change: Change) -> int:
        """Change the page cache; by how many bytes the file has grown."""
        before = len(self.cached)
        change.apply(self.cached)
        self.changes.append(change)
        return len(self.cached) - before

    def flush(self, done_us: int, now_us: int) -> None:
        self.flushes.append((done_us, len(self.changes)))
        self.settle(now_us)

    def fail_flush(self, done_us: int) -> None:
        """The pages are clean, says the kernel; they are lost, says the medium."""
        self.settle(done_us)
        self.changes.clear()

    def settle(self, now_us: int) -> None:
        """What a completed flush covers is on the medium."""
        covered = max((count for done_us, count in self.flushes if done_us <= now_us), default=0)
        for change in self.changes[:covered]:
            change.apply(self.medium)
        del self.changes[:covered]
        self.flushes = [(done_us, count - covered) for done_us, count in self.flushes if done_us > now_us]

    def tear(self, now_us: int, rng: Random, scattered: bool) -> None:
        """The power goes: `rng` decides what the unflushed changes that had begun have left on the medium."""
        self.settle(now_us)
        begun = [change for change in self.changes if change.at_us <= now_us]
        if scattered:
            left = [sector for change in begun for sector in change.sectors() if rng.random() < 0.5]
        else:
            whole = rng.randint(0, len(begun))
            left = begun[:whole]
            left += [change.prefix(rng.randint(0, len(change.data))) for change in begun[whole : whole + 1]
                     if rng.random() < 0.5 and not change.cut]  # fmt: skip
        for change in left:
            change.apply(self.medium)
        self.changes.clear()
        self.flushes.clear()
        self.cached = bytearray(self.medium)


@dataclass(slots=True)
class Folder:
    """The names in a folder, twice."""

    cached: dict[str, File] = field(default_factory=dict)
    medium: dict[str, File] = field(default_factory=dict)
    changes: list[tuple[int, dict[str, File | None]]] = field(default_factory=list)
    """(when, what each name stands for from then on; None: nothing)."""
    flushes: list[tuple[int, int]] = field(default_factory=list)

    def change(self, at_us: int, names: dict[str, File | None]) -> None:
        _rename(self.cached, names)
        self.changes.append((at_us, names))

    def flush(self, done_us: int, now_us: int) -> None:
        self.flushes.append((done_us, len(self.changes)))
        self.settle(now_us)

    def settle(self, now_us: int) -> None:
        covered = max((count for done_us, count in self.flushes if done_us <= now_us), default=0)
        for _, names in self.changes[:covered]:
            _rename(self.medium, names)
        del self.changes[:covered]
        self.flushes = [(done_us, count - covered) for done_us, count in self.flushes if done_us > now_us]

    def tear(self, now_us: int, rng: Random) -> None:
        """The power goes: of the names that were not flushed, `rng` keeps any."""
        self.settle(now_us)
        for at_us, names in self.changes:
            if at_us <= now_us and rng.random() < 0.5:
                _rename(self.medium, names)
        self.changes.clear()
        self.flushes.clear()
        self.cached = dict(self.medium)

    def copy(self, copied: Callable[[File], File]) -> "Folder":
        """The same names and flushes over the files that `copied` gives for these."""
        return Folder(
            {name: copied(file) for name, file in self.cached.items()},
            {name: copied(file) for name, file in self.medium.items()},
            [(at_us, {name: file and copied(file) for name, file in names.items()}) for at_us, names in self.changes],
            list(self.flushes),
        )

    def files(self) -> Iterator[File]:
        """All files that a name stands for, or may stand for after a power cut."""
        yield from self.medium.values()
        yield from self.cached.values()
        for _, names in self.changes:
            yield from (file for file in names.values() if file is not None)


def _rename(names: dict[str, File], changes: dict[str, File | None]) -> None:
    for name, file in changes.items():
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file

"""A real folder whose disk can be made to fail while the hall runs: full, read-only, failing, stalled.

The faults sit beneath the durable verbs of `services.disk`, where a kernel would report them, so the sequences above
meet them as they would meet a worn card. Reading goes on: that is what such cards still do.
"""

import errno
import os
import threading
from pathlib import Path

from services.disk import FolderDisk

ERRORS = {"readonly": errno.EROFS, "failing": errno.EIO, "unplugged": errno.ENODEV}
FAULTS = ("full", *ERRORS, "unflushed", "stalled", "stuck")
"""`unflushed`: writing goes well, and every flush fails. `stuck` is another word for `stalled`: a flush returns only
when the fault has been taken away."""


class LiveDisk(FolderDisk):
    """A `FolderDisk` with a hand. The hand belongs to the hall's thread, everything else to the writer's."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._error = self._flush_error = 0
        self._room: int | None = None
        """Bytes that may still be written while the disk is full; what is removed comes back to it."""
        self._moving = threading.Event()
        self._moving.set()
        self._dead = False

    # -- the hand's face

    def die(self) -> None:
        """The computer loses its power: whoever still writes, or waits for a flush, gets no further than where it is.
        """
        self._dead = True
        self._moving.set()

    def fault(self, fault: str | None) -> None:
        """Begin one of FAULTS, or end whatever there is (None)."""
        self._error = ERRORS.get(fault or "", 0)
        self._flush_error = errno.EIO if fault == "unflushed" else self._error
        self._room = 0 if fault == "full" else None
        if fault in ("stalled", "stuck") and not self._dead:
            self._moving.clear()
        else:
            self._moving.set()

    @property
    def stalled(self) -> bool:
        """Whether flushes wait for the end of a fault."""
        return not self._moving.is_set()

    def let_go(self) -> None:
        """The hall ends: nobody is to wait any longer for a stalled flush."""
        self._moving.set()

    # -- what a kernel offers

    def free_bytes(self) -> int:
        return super().free_bytes() if self._room is None else self._room

    def ensure_folder(self, folder: str) -> None:
        if not (self.root / folder).is_dir():
            self._meet(folder)
        super().ensure_folder(folder)

    def _write(self, path: str, offset: int | None, data: bytes) -> None:
        self._meet(path)
        room = self._room
        if room is None:
            super()._write(path, offset, data)
            return
        before = self.size(path) if self.exists(path) else 0
        start = before if offset is None else offset
        fitting = data[: max(0, before - start) + room]
        super()._write(path, offset, fitting)
        self._give_back(before - self.size(path))
        if len(fitting) < len(data):
            raise _error(errno.ENOSPC, path)

    def _cut(self, path: str, size: int) -> None:
        self._meet(path)
        before = self.size(path)
        super()._cut(path, size)
        self._give_back(before - size)

    def _flush(self, path: str) -> None:
        self._moving.wait()
        self._meet(path, flushing=True)
        super()._flush(path)

    def _flush_folder(self, folder: str) -> None:
        self._meet(folder, flushing=True)
        super()._flush_folder(folder)

    def _rename(self, old: str, new: str) -> None:
        self._meet(new)
        replaced = self.size(new) if self.exists(new) else 0
        super()._rename(old, new)
        self._give_back(replaced)

    def _unlink(self, path: str) -> None:
        self._meet(path)
        size = self.size(path)
        super()._unlink(path)
        self._give_back(size)

    # -- within

    def _meet(self, path: str, *, flushing: bool = False) -> None:
        if number := errno.ENODEV if self._dead else self._flush_error if flushing else self._error:
            raise _error(number, path)

    def _give_back(self, size: int) -> None:
        if self._room is not None:
            self._room += size


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)

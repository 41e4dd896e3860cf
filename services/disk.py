"""The seam to storage: every verb that changes something returns once the medium holds the change, or raises.

Theory. A file system promises little. Bytes written may be lost until the file is synced; a name may be lost until its
folder is synced; after a failed fsync Linux marks the lost pages clean, so a second fsync "succeeds" and reading shows
bytes that no power cut would spare. What must hold is therefore said here once, as sequences over the few primitives
that a kernel offers, and those primitives alone have two fillings: the machine's (`FolderDisk`) and the virtual one
(`sim.disk`), which loses, tears and fails at every step. So the sequences that ship are the sequences that are tested.

Paths are relative strings with "/", below one root. Errors are OSError. Verbs that change belong to one thread at a
time; verbs that read may be called from any.
"""

import errno
import os
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path, PurePosixPath

RESERVE = "reserve"
"""The file whose only use is to be deleted when the disk is full."""

ASIDE = ".aside"
"""The ending of a file that is being written and does not count yet."""


class Disk(ABC):
    """Durable verbs over what a kernel offers."""

    # -- reading

    @abstractmethod
    def read(self, path: str) -> bytes:
        """The whole file."""

    @abstractmethod
    def read_at(self, path: str, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset`; fewer at the end of the file."""

    @abstractmethod
    def size(self, path: str) -> int:
        """Bytes in the file."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted."""

    @abstractmethod
    def free_bytes(self) -> int:
        """How much may still be written."""

    def exists(self, path: str) -> bool:
        try:
            self.size(path)
        except FileNotFoundError:
            return False
        return True

    # -- changing: each returns when it is durable

    @abstractmethod
    def ensure_folder(self, folder: str) -> None:
        """Make the folder and those above it, as far as they are missing."""

    def append(self, path: str, data: bytes) -> None:
        """Write `data` behind the end of the file, which is made if need be.

        When it raises, the file may end in any part of `data`, and reading may show more than the medium holds:
        `truncate` it to where it was before anything else is appended.
        """
        new = not self.exists(path)
        try:
            self._write(path, None, data)
            self._flush(path)
        except OSError:
            self._let_go(path)
            raise
        if new:
            self._flush_folder(_folder(path))

    def replace(self, path: str, data: bytes) -> None:
        """Put `data` in the place of the file: at every moment the old or the new content is there, whole."""
        aside = path + ASIDE
        self._let_go(aside)
        try:
            if self.exists(aside):  # what an earlier power cut left
                self._unlink(aside)
            self._write(aside, None, data)
            self._flush(aside)
        except OSError:
            self._let_go(aside)
            with suppress(OSError):  # the first trouble is the one to report
                self._unlink(aside)
            raise
        self._let_go(aside)
        self._let_go(path)
        self._rename(aside, path)
        self._flush_folder(_folder(path))

    def truncate(self, path: str, size: int) -> None:
        """Cut the file down to `size` bytes; its name is durable too, even if a failed `append` has made the file."""
        try:
            self._cut(path, size)
            self._flush(path)
        finally:
            self._let_go(path)
        self._flush_folder(_folder(path))

    def harden(self, path: str, offset: int) -> None:
        """Make sure that the medium holds what reading shows from `offset` on.

        For a file that another process may have left behind: written, but never synced, or synced in vain. Another
        fsync alone would prove nothing, because after a failed one the pages count as clean. Writing the same bytes
        in their own place makes them dirty again; a power cut meanwhile finds the same bytes, old or new.
        """
        data = self.read_at(path, offset, self.size(path) - offset)
        try:
            self._write(path, offset, data)
            self._flush(path)
        finally:
            self._let_go(path)
        self._flush_folder(_folder(path))

    def remove(self, path: str) -> None:
        self._let_go(path)
        self._unlink(path)
        self._flush_folder(_folder(path))

    def rename(self, old: str, new: str) -> None:
        """Give a file another name in the same folder; a file that had it is gone."""
        self._let_go(old)
        self._let_go(new)
        self._rename(old, new)
        self._flush_folder(_folder(new))

    # -- the reserve

    def reserve(self, size: int) -> None:
        """Hold `size` bytes back, so that a full disk can still log the last things. Nothing to do if they are held."""
        if not self.exists(RESERVE) or self.size(RESERVE) != size:
            self.replace(RESERVE, bytes(size))

    def release_reserve(self) -> bool:
        """Give the reserve back to whoever writes next; False if there was none."""
        if not self.exists(RESERVE):
            return False
        self.remove(RESERVE)
        return True

    # -- what a kernel offers; nothing here is durable before its flush

    @abstractmethod
    def _write(self, path: str, offset: int | None, data: bytes) -> None:
        """Write all of `data` at `offset`, or behind the end (None), where a missing file is made."""

    @abstractmethod
    def _cut(self, path: str, size: int) -> None: ...

    @abstractmethod
    def _flush(self, path: str) -> None:
        """fdatasync through the very handle that wrote; without such a handle it raises rather than pretend."""

    @abstractmethod
    def _flush_folder(self, folder: str) -> None: ...

    @abstractmethod
    def _rename(self, old: str, new: str) -> None: ...

    @abstractmethod
    def _unlink(self, path: str) -> None: ...

    @abstractmethod
    def _let_go(self, path: str) -> None:
        """Close the handle on the file, if there is one. Never raises."""


class FolderDisk(Disk):
    """A folder of the machine's own file system. Folders are made with mode 0700, files with 0600."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._open: tuple[str, int] | None = None
        """The one file being written; when another's turn comes it is closed, for all its bytes are durable."""

    def close(self) -> None:
        """Close the open file; everything is durable already."""
        if self._open is not None:
            self._let_go(self._open[0])

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def read_at(self, path: str, offset: int, size: int) -> bytes:
        with (self.root / path).open("rb", buffering=0) as file:
            file.seek(offset)
            parts = []
            while size > 0 and (part := file.read(size)):
                parts.append(part)
                size -= len(part)
            return b"".join(parts)

    def size(self, path: str) -> int:
        return (self.root / path).stat().st_size

    def names(self, folder: str) -> list[str]:
        return sorted(os.listdir(self.root / folder))

    def free_bytes(self) -> int:
        vfs = os.statvfs(self.root)
        return vfs.f_bavail * vfs.f_frsize

    def ensure_folder(self, folder: str) -> None:
        missing = []
        path = self.root / folder
        while not path.is_dir():
            missing.append(path)
            path = path.parent
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
            self._fsync_folder(path.parent)

    def _write(self, path: str, offset: int | None, data: bytes) -> None:
        handle = self._handle(path)
        end = os.fstat(handle).st_size if offset is None else offset
        rest = memoryview(data)
        while rest:
            done = os.pwrite(handle, rest, end)
            rest, end = rest[done:], end + done

    def _cut(self, path: str, size: int) -> None:
        os.ftruncate(self._handle(path, make=False), size)

    def _flush(self, path: str) -> None:
        if self._open is None or self._open[0] != path:
            raise OSError(errno.EBADF, "not open since it last failed", path)
        os.fdatasync(self._open[1])

    def _flush_folder(self, folder: str) -> None:
        self._fsync_folder(self.root / folder)

    def _rename(self, old: str, new: str) -> None:
        os.rename(self.root / old, self.root / new)

    def _unlink(self, path: str) -> None:
        os.unlink(self.root / path)

    def _let_go(self, path: str) -> None:
        if self._open is not None and self._open[0] == path:
            handle, self._open = self._open[1], None
            with suppress(OSError):  # whatever mattered has been synced, or has failed already
                os.close(handle)

    def _handle(self, path: str, make: bool = True) -> int:
        if self._open is not None and self._open[0] == path:
            return self._open[1]
        self.close()
        flags = os.O_WRONLY | os.O_CLOEXEC | (os.O_CREAT if make else 0)
        self._open = (path, os.open(self.root / path, flags, 0o600))
        return self._open[1]

    @staticmethod
    def _fsync_folder(folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _folder(path: str) -> str:
    parent = str(PurePosixPath(path).parent)
    return "" if parent == "." else parent

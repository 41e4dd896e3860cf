"""Facts on their way to the disk, and the way back when the disk fails.

One group commit is under way at a time, in the writer's thread. The ledger remembers what the hall can be folded from
again: the last checkpoint, kept as plain tables in memory, and the durable facts since. When a commit fails, nothing of
it has happened. While nothing can be written, facts that must happen anyway (fire, exits, collecting) wait here in a
bounded buffer, and are the first to be written when the disk is back.
"""

import datetime
import errno
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from firmware.checkpoint import Checkpoint, Tables, hall_of, pack, tables_of
from firmware.codec import entry_of, label, utc_ms_of
from firmware.core.evolve import evolve, fit_to_site
from firmware.core.facts import Fact, StorageRestored
from firmware.core.site import Site
from firmware.core.state import Hall
from hal.clock import Millis, WallClock
from services.cache import StateCache
from services.disk import Disk
from services.journal import Batch, Journal
from services.outbox import Cursor
from services.records import Line
from services.segments import Anchor
from services.writer import Job, Writer

BASE = "journal/base.json"
"""The state at the beginning of what is kept of the journal, once something of it has been deleted."""
BUFFER_MOST = 5_000
"""Facts that wait while nothing can be written: some hours of exits."""
AT_ONCE = 500
"""Facts of the buffer in one batch: a third of what the journal takes."""
HANGS_MS: Millis = 3_000
"""A disk that has not answered for so long has failed, whatever becomes of what it was given."""
CHECKPOINT_FACTS = 500
CHECKPOINT_MS = 5 * 60_000


@dataclass(frozen=True, slots=True)
class Told:
    """A fact and when it became true."""

    fact: Fact
    at: Millis
    """Hall time."""
    bootms: Millis


class Ledger:
    """Belongs to the scan; only the jobs it submits run elsewhere."""

    def __init__(
        self,
        *,
        disk: Disk,
        reserve_bytes: int,
        journal: Journal,
        cache: StateCache,
        writer: Writer,
        wall: WallClock,
        offset: datetime.timezone,
        site: Site,
        hall: Hall,
    ) -> None:
        self.journal = journal
        self.lost = 0
        """Facts that no longer fitted into the buffer."""
        self.trouble = ""
        """Why nothing can be written, or why the last checkpoint could not be."""
        self.commit_ms: deque[Millis] = deque(maxlen=1_000)
        """How long the last commits took, as the scan saw it."""
        self.newest: Sequence[Told] = ()
        """What the last commit made durable."""
        self.on_reserve = False
        """The disk is full, and what is written goes into the space that was put aside."""
        self._disk = disk
        self._reserve_bytes = reserve_bytes
        self._cache = cache
        self._base_cache = StateCache(disk, BASE)
        self._writer = writer
        self._wall = wall
        self._offset = offset
        self._site = site
        self._base: Tables = tables_of(hall)
        self._at: Millis = hall.boot_at
        """Hall time of the last durable fact."""
        self._since: list[Told] = []
        self._unsaved = 0
        self._saved_at: Millis = 0
        self._buffer: list[Told] = []
        self._under_way: tuple[Batch, Job[None], list[Told], Millis] | None = None
        self._reopening: Job[None] | None = None
        self._saving: Job[None] | None = None
        self._retiring: Job[int] | None = None
        self._storage_dead = journal.damage is not None or journal.broken
        self._reason = "unknown"
        if journal.damage is not None:
            self.trouble = str(journal.damage)

    @property
    def busy(self) -> bool:
        """A commit is under way: nothing may be decided or moved."""
        return self._under_way is not None

    @property
    def gives_up_at(self) -> Millis | None:
        """When the commit under way counts as failed, if the disk has not answered by then."""
        return None if self._under_way is None else self._under_way[3] + HANGS_MS

    @property
    def reopening(self) -> bool:
        """Whether the disk is being tried, and has not answered yet."""
        return self._reopening is not None and not self._reopening.done

    @property
    def dead(self) -> bool:
        """Nothing can be written at present."""
        return self._storage_dead

    @property
    def waiting(self) -> int:
        """Facts that wait for the disk to come back."""
        return len(self._buffer)

    # -- committing

    def commit(self, told: Sequence[Told], now: Millis) -> None:
        """Begin to make facts durable; `settled` tells how it ends. Nothing may wait in the buffer."""
        assert not self._buffer, "what waits goes first"
        self._begin(told, now)

    def catch_up(self, now: Millis) -> None:
        """Begin to make durable what has waited longest in the buffer; `settled` tells how it ends."""
        self._begin(self._buffer[:AT_ONCE], now)

    def _begin(self, told: Sequence[Told], now: Millis) -> None:
        wall = self._wall.read()
        clock: Literal["synced", "unsynced"] = "synced" if wall.synced else "unsynced"
        batch = self.journal.seal([
            entry_of(one.fact, label(wall.utc_ms - (now - one.bootms), self._offset), one.bootms, clock)
            for one in told
        ])  # fmt: skip
        self._under_way = (batch, self._writer.submit(lambda: self.journal.store(batch)), list(told), now)

    def settled(self, now: Millis) -> bool | None:
        """Whether the commit under way has ended: True durable, False failed (nothing of it happened), None not yet."""
        if self._under_way is None:
            raise RuntimeError("no commit is under way")
        batch, job, told, begun = self._under_way
        if not job.done and now - begun < HANGS_MS:
            return None
        self._under_way = None
        self.commit_ms.append(now - begun)
        try:
            if not job.done:
                raise OSError(errno.ETIMEDOUT, f"the disk has not answered for {HANGS_MS // 1000} s")
            job.result()
        except OSError as error:
            self.journal.failed(batch)
            self._storage_dead = True
            self.trouble = error.strerror or str(error)
            self._reason = errno.errorcode.get(error.errno or 0, "EIO").lower()
            return False
        self.journal.committed(batch)
        self.newest = told
        self._since += told
        self._at = told[-1].at
        self._unsaved += len(told)
        del self._buffer[: len(told)]  # all that was told waited there, or nothing did
        if any(isinstance(one.fact, StorageRestored) for one in told):
            self.lost = 0
        return True

    @property
    def reason(self) -> str:
        """The code of the disk's last error: `enospc`, `eio`, `erofs`..."""
        return "damaged" if self.journal.damage is not None else self._reason

    def keep(self, told: Sequence[Told]) -> None:
        """These have happened though nothing can be written: remember them until it can."""
        for one in told:
            if len(self._buffer) < BUFFER_MOST:
                self._buffer.append(one)
            else:
                self.lost += 1

    def fold_again(self) -> Hall:
        """The hall of the last durable fact, and of what has happened anyway."""
        hall = hall_of(self._base)
        fit_to_site(hall, self._site)
        for one in (*self._since, *self._buffer):
            evolve(hall, one.fact, one.at, self._site)
        return hall

    # -- coming back

    def try_again(self) -> bool | None:
        """While dead: see whether the disk takes and keeps things again. None while that is not known yet."""
        if self.journal.damage is not None:
            return False
        if self._reopening is None:
            self._reopening = self._writer.submit(self._reopen)
            return None
        if not self._reopening.done:
            return None
        job, self._reopening = self._reopening, None
        try:
            job.result()
        except OSError as error:
            self.trouble = error.strerror or str(error)
            return False
        if self.journal.damage is not None:
            self.trouble = str(self.journal.damage)
            return False
        self.journal.reopened()
        self._storage_dead = False
        self.trouble = ""
        return True

    def _reopen(self) -> None:
        """In the writer's thread. A full disk gives up its reserve first, so that exits can still be recorded."""
        if self._reason == "enospc":
            self.on_reserve = self._disk.release_reserve() or self.on_reserve
        self.journal.reopen()

    def put_aside(self) -> Job[bool]:
        """Put the reserve aside, where there is room; True when it is there."""
        return self._writer.submit(self._put_aside)

    def _put_aside(self) -> bool:
        try:
            if self._disk.free_bytes() < 2 * self._reserve_bytes:
                return False
            self._disk.reserve(self._reserve_bytes)
        except OSError:
            return False  # a disk that is full, or worse: the next commit will tell
        self.on_reserve = False
        return True

    # -- checkpoints

    def checkpoint(self, hall: Hall, cursor: Cursor, now: Millis) -> None:
        """Save the hall when enough has happened since the last time. Only between commits, when all is durable."""
        if self._saving is not None:
            if not self._saving.done:
                return
            self._finish_saving()
        if self.busy or self.dead or self._buffer or not self._unsaved:
            return
        if self._unsaved < CHECKPOINT_FACTS and now - self._saved_at < CHECKPOINT_MS:
            return
        tables = self._tables(hall, cursor)
        self._base = tables
        self._since.clear()
        self._unsaved = 0
        self._saved_at = now
        self._saving = self._writer.submit(lambda: self._cache.save(tables))

    def due(self, now: Millis) -> Millis | None:
        """When `checkpoint` next has something to do, should nothing happen until then."""
        if self._saving is not None or self._unsaved >= CHECKPOINT_FACTS:
            return now
        return max(now, self._saved_at + CHECKPOINT_MS) if self._unsaved else None

    def _tables(self, hall: Hall, cursor: Cursor) -> Tables:
        anchor = Anchor(self.journal.last.seq, self.journal.last.hash)
        return pack(Checkpoint(hall, anchor, cursor, self._at))

    def _finish_saving(self) -> None:
        job, self._saving = self._saving, None
        if job is None:
            return
        try:
            job.result()
        except OSError as error:
            self.trouble = f"the checkpoint could not be saved: {error.strerror or error}"
        else:
            self.trouble = "" if not self.dead else self.trouble

    def retire(self, delivered_seq: int, keep_ms: int) -> None:
        """Delete old segments whose every record the central server has. Asked now and then.

        What they told is first put beside the journal as its base, so that the state can be folded without the cache.
        Age is told by labels, so nothing is deleted while the wall clock is not trusted.
        """
        if self._retiring is not None and self._retiring.done:
            job, self._retiring = self._retiring, None
            try:
                job.result()
            except OSError as error:
                self.trouble = f"an old segment could not be deleted: {error.strerror or error}"
        wall = self._wall.read()
        base = self._base
        if self._retiring or self.dead or not wall.synced or "about" not in base:
            return
        safe_seq, oldest_ms = min(delivered_seq, base["about"][0]["seq"]), wall.utc_ms - keep_ms

        saved = False

        def expired(line: Line) -> bool:
            nonlocal saved
            if utc_ms_of(line.event["time"]) >= oldest_ms:
                return False
            if not saved:
                self._base_cache.save(base)
            saved = True
            return True

        self._retiring = self._writer.submit(lambda: self.journal.drop_segments(safe_seq, expired))

    def finish(self) -> None:
        """Let the writer finish what it has, as far as the disk lets it. Nothing more can be written by it."""
        self._writer.close()

    def save(self, hall: Hall, cursor: Cursor) -> None:
        """After `finish`: save the hall, unless it is more than what is durable, or the disk hangs."""
        hangs = any(job is not None and not job.done for job in (self._saving, self._retiring, self._reopening))
        if self.busy or self.dead or self._buffer or hangs:
            return
        try:
            self._cache.save(self._tables(hall, cursor))
        except OSError as error:
            self.trouble = f"the checkpoint could not be saved: {error.strerror or error}"

"""What a commit costs, on a real file system: `python tests/bench/bench_commit.py [FOLDER]`.

Prints the median time and the bytes written for one 250-byte fact, by the journal, by a bare append with fdatasync, and
by TinyDB's own JSONStorage at several sizes. Give a folder on the card in question; ratios carry over, times do not.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tinydb import TinyDB

from services.cache import StateCache
from services.disk import FolderDisk
from services.journal import Journal
from services.records import ZERO_HASH, Entry, seal
from services.segments import verify

DATA = {"card": "0123456789abcdef", "visit": "v-000123", "bank": "A", "locker": 14, "note": "x" * 180}
ENTRY = Entry("besuk.locker.opened", DATA, "2026-11-21T08:31:07.250+08:00", 0, "synced")


class CountingDisk(FolderDisk):
    """Counts what is written."""

    written = 0

    def _write(self, path: str, offset: int | None, data: bytes) -> None:
        self.written += len(data)
        super()._write(path, offset, data)


def median_ms(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def row(name: str, ms: float, written: float, unit_ms: float) -> None:
    print(f"{name:<44} {ms:9.3f} ms  x{ms / unit_ms:<8.1f} {written:12,.0f} bytes")


def main(root: Path) -> None:
    line = b"x" * 250 + b"\n"
    plain = os.open(root / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def append_plain() -> None:
        os.write(plain, line)
        os.fdatasync(plain)

    unit_ms = median_ms(append_plain, 300)
    os.close(plain)
    print(f"{'one commit':<44} {'median':>12}  {'':9} {'written':>12}")
    row("append + fdatasync, 251 bytes", unit_ms, len(line), unit_ms)

    disk = CountingDisk(root)
    journal = Journal.open(disk, "journal", source="besuk/v1/bench/bench", simulated=True, new_id=lambda: "ab" * 16)

    def commit(records: int) -> Callable[[], None]:
        def work() -> None:
            batch = journal.seal([ENTRY] * records)
            journal.store(batch)
            journal.committed(batch)

        return work

    for records in (1, 10):
        disk.written = 0
        ms = median_ms(commit(records), 300)
        row(f"journal, {records} a commit: each record", ms / records, disk.written / 300 / records, unit_ms)

    cache = StateCache(disk, "state.json")
    for documents in (100, 1_000):
        disk.written = 0
        ms = median_ms(lambda documents=documents: cache.save({"documents": [DATA] * documents}), 30)  # type: ignore[misc]
        row(f"state cache, a checkpoint of {documents:,}", ms, disk.written / 30, unit_ms)

    for documents, times in ((100, 50), (1_000, 20), (10_000, 5)):
        with TinyDB(root / f"tiny{documents}.json") as database:
            database.insert_multiple([DATA] * documents)
            ms = median_ms(lambda database=database: database.insert(DATA), times)  # type: ignore[misc]
        written = (root / f"tiny{documents}.json").stat().st_size
        row(f"TinyDB's JSONStorage, {documents:,} documents", ms, written, unit_ms)

    many = [ENTRY] * 1_000
    while journal.last_seq < 60_000:
        batch = journal.seal(many)
        journal.store(batch)
        journal.committed(batch)
    start = time.perf_counter()
    report = verify(disk, "journal")
    seconds = time.perf_counter() - start
    print(f"\nverify: {report.records:,} records in {seconds:.2f} s, {report.records / seconds:,.0f} a second")
    start = time.perf_counter()
    for seq in range(1, 20_001):
        seal(journal.origin, ENTRY, seq, ZERO_HASH)
    print(f"seal: {20_000 / (time.perf_counter() - start):,.0f} records a second")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        main(Path(folder))

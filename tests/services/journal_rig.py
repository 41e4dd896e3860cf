"""A journal in memory, with the lines that a real one would hold."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

from services.records import Line
from services.writer import Job

JOURNAL = "0123456789abcdef0123456789abcdef"
ROOT = "besuk/v1/rutan-contoh/kunjungan/"

T = TypeVar("T")


class Reader:
    """A worker that reads on the spot, unless `stalled`: then nothing is done until it is not."""

    def __init__(self) -> None:
        self.stalled = False

    def submit(self, job: Callable[[], T]) -> Job[T]:
        return _Reading(self, job)

    def close(self) -> None:
        pass


class _Reading(Job[T]):
    def __init__(self, reader: Reader, job: Callable[[], T]) -> None:
        self._reader = reader
        self._job = job

    @property
    def done(self) -> bool:
        return not self._reader.stalled

    def result(self) -> T:
        return self._job()


class MemoryJournal:
    """Lines chained by their hashes; `write` appends some, `forget_before` deletes old ones, `fail` breaks the disk."""

    def __init__(self, lines: int = 0) -> None:
        self.lines: list[Line] = []
        self.first_seq = 1
        self.fail = False
        self.reads = 0
        self.write(lines)

    @property
    def last_seq(self) -> int:
        return len(self.lines)

    def write(self, count: int) -> None:
        for seq in range(len(self.lines) + 1, len(self.lines) + count + 1):
            before = self.lines[-1].hash if self.lines else "0" * 64
            body = (
                f'{{"specversion":"1.0","id":"{JOURNAL}:{seq}","type":"besuk.card.refused","sequence":"{seq:012d}",'
                f'"journal":"{JOURNAL}","seq":{seq},"data":{{"card":"{seq:016x}","reason":"kartu-tidak-dikenal"}},'
                f'"prevhash":"{before}"'
            ).encode()
            digest = hashlib.sha256(body).hexdigest()
            self.lines.append(Line(seq, body + b',"hash":"' + digest.encode() + b'"}', digest))

    def forget_before(self, seq: int) -> None:
        self.first_seq = seq

    def read_after(self, seq: int, limit: int) -> list[Line]:
        self.reads += 1
        if self.fail:
            raise OSError(5, "Input/output error")
        return self.lines[seq : seq + limit] if seq + 1 >= self.first_seq else []

    def hash_of(self, seq: int) -> str | None:
        if self.fail:
            raise OSError(5, "Input/output error")
        return self.lines[seq - 1].hash if self.first_seq <= seq <= self.last_seq else None

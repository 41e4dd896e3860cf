"""The journal as the medium surely holds it, followed as it grows: what a power cut at this moment could not take.

Only what is new is read, so that following costs what is written; at a start, and now and then, the whole is read again
and held against what was seen before.
"""

import re
from collections.abc import Callable

from firmware.boot import JOURNAL
from services.records import ZERO_HASH, recognise
from sim.machine import Machine

SEGMENT = re.compile(r"([0-9]{12})\.jsonl")


class Medium:
    """`Medium.of(machine)` is one and the same for all who look."""

    def __init__(self, machine: Machine) -> None:
        self._disk = machine.disk
        self.hashes: dict[int, str] = {}
        """Sequence number -> hash of the record that stands there, whole and in its chain."""
        self.segments: dict[str, bytearray] = {}
        """Name -> the bytes of its whole records, oldest segment first."""
        self.last_seq = 0
        self.gone: list[tuple[str, int, bytes]] = []
        """Segments that have vanished since somebody last asked, and the last record of each."""
        self.hearers: list[Callable[[bytes], None]] = []
        """Called with each whole record that is new, or read anew."""

    @classmethod
    def of(cls, machine: Machine) -> "Medium":
        if cls not in machine.witnesses:
            machine.witnesses[cls] = cls(machine)
        found: Medium = machine.witnesses[cls]
        return found

    def look(self, *, whole: bool = False) -> None:
        """Take note of what is new; with `whole`, of anything that is not as it was, too."""
        names = [name for name in self._disk.sure_names(JOURNAL) if SEGMENT.fullmatch(name)]
        self._note_gone(names)
        newest = max(self.segments, default="")
        for name in names:
            if name < newest and not whole:
                continue
            known = self.segments.setdefault(name, bytearray())
            path = f"{JOURNAL}/{name}"
            last = max(0, len(known) - 1)
            data = self._disk.sure_bytes(path, 0 if whole else last)
            if not whole and data[:1] == known[last:]:
                self._read(name, known, data[len(known) - last :])
                continue
            data = data if whole else self._disk.sure_bytes(path)
            if not data.startswith(known):
                self._forget(name)
            self._read(name, known, data[len(known) :])

    def lines(self) -> list[bytes]:
        """All of them, in order."""
        return b"".join(self.segments[name] for name in sorted(self.segments)).split(b"\n")[:-1]

    def _note_gone(self, names: list[str]) -> None:
        for name in [name for name in sorted(self.segments) if name not in names]:
            known = self.segments.pop(name)
            first = int(name[:12])
            last = bytes(known[known.rfind(b"\n", 0, -1) + 1 : -1])
            self.gone.append((name, first + known.count(b"\n") - 1, last))

    def _forget(self, name: str) -> None:
        """From this segment on, what was known is read anew."""
        for other in [other for other in self.segments if other >= name]:
            self.segments[other].clear()
        self.last_seq = int(name[:12]) - 1
        self.hashes = {seq: digest for seq, digest in self.hashes.items() if seq <= self.last_seq}

    def _read(self, name: str, known: bytearray, data: bytes) -> None:
        """Whole records, up to the first that is none or does not follow."""
        start = 0
        if not known and int(name[:12]) > self.last_seq + 1 and not self.hashes:
            self.last_seq = int(name[:12]) - 1  # what came before has been deleted
        while (end := data.find(b"\n", start)) >= 0:
            record = recognise(data[start:end])
            seq = self.last_seq + 1
            before = self.hashes.get(self.last_seq, ZERO_HASH if seq == 1 else None)
            if record is None or record.line.seq != seq or before not in (None, record.prevhash):
                break
            self.hashes[seq], self.last_seq = record.line.hash, seq
            for hear in self.hearers:
                hear(record.line.raw)
            start = end + 1
        known += data[:start]

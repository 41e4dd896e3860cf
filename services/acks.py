"""The central server's word on what it has stored, and whether it is to be believed.

An `ack` names a journal, a line and that line's hash. Only one that speaks of our journal, of a line that exists, with
the hash that we know, moves anything: a server that mixes up two halls, or was restored from an old copy, must not make
us delete what nobody else holds. The hash is looked up by a worker, for it may mean reading the disk.
"""

import json
import re
from collections import Counter, deque
from functools import partial
from typing import Any, Protocol

from services.writer import Job, Writer

ACKS_MOST = 16
"""`ack` messages that wait to be checked; the oldest go first."""
ACK_BYTES_MOST = 512

_HASH = re.compile(r"[0-9a-f]{64}")


class HashSource(Protocol):
    """What is asked of a journal here. `hash_of` is called by the reader and may raise OSError."""

    @property
    def first_seq(self) -> int:
        """The oldest line still kept; 1 in an empty journal."""
        ...

    @property
    def last_seq(self) -> int:
        """The last durable line; 0 in an empty journal."""
        ...

    def hash_of(self, seq: int) -> str | None:
        """The hash of a durable line; None where it cannot be found."""
        ...


class Acks:
    """Collects `ack` messages; `believed` gives what came out of checking them."""

    def __init__(self, source: HashSource, journal: str, reader: Writer) -> None:
        self.refused: Counter[str] = Counter()
        """By reason: malformed, unknown_journal, future_seq, wrong_hash, unreadable."""
        self._source = source
        self._journal = journal
        self._reader = reader
        self._waiting: deque[tuple[int, str]] = deque(maxlen=ACKS_MOST)
        self._checking: tuple[int, str, Job[str | None]] | None = None

    @property
    def busy(self) -> bool:
        """Whether something is still to be checked."""
        return bool(self._waiting or self._checking)

    def heard(self, payload: bytes) -> None:
        """An `ack` has arrived."""
        ack = _read(payload)
        if ack is None:
            self.refused["malformed"] += 1
            return
        journal, seq, claimed = ack
        if journal != self._journal:
            self.refused["unknown_journal"] += 1
        elif seq > self._source.last_seq:
            self.refused["future_seq"] += 1
        else:
            self._waiting.append((seq, claimed))

    def believed(self) -> list[int]:
        """The lines up to which the server has truthfully vouched, as far as that is known since the last call."""
        found: list[int] = []
        while self.busy:
            if self._checking is None:
                seq, claimed = self._waiting.popleft()
                if seq < self._source.first_seq:  # an old word, on a line that is no longer kept: nothing to compare
                    found.append(seq)
                    continue
                self._checking = seq, claimed, self._reader.submit(partial(self._source.hash_of, seq))
            seq, claimed, checking = self._checking
            if not checking.done:
                break
            self._checking = None
            try:
                known = checking.result()
            except OSError:
                known = None
            if known is None:
                self.refused["unreadable"] += 1
            elif known != claimed:
                self.refused["wrong_hash"] += 1
            else:
                found.append(seq)
        return found


def _read(payload: bytes) -> tuple[str, int, str] | None:
    """Journal, seq and hash; None for anything else. What is too long is not parsed: deep nesting has its own error."""
    if len(payload) > ACK_BYTES_MOST:
        return None
    try:
        ack: Any = json.loads(payload)
    except ValueError:
        return None
    match ack:
        case {"journal": str(journal), "seq": int(seq), "hash": str(claimed)} if (
            not isinstance(seq, bool) and seq > 0 and _HASH.fullmatch(claimed)
        ):
            return journal, seq, claimed
    return None

"""The checkpoints beside a journal: what they remember of it, which file of each could be read, and which could not.

The state cache and the base of deleted segments are kept twice, as `state.json` and `state.json.last`. A start takes
whichever is whole; whoever audits a journal must also be told which one that was.
"""

from dataclasses import dataclass, field

from firmware.boot import CACHE
from firmware.checkpoint import Checkpoint, unpack
from services.cache import COPY, StateCache
from services.disk import Disk
from services.segments import Anchor

BASE = "base.json"
"""In the journal's folder: the state at the beginning of what is kept of it."""


@dataclass(slots=True)
class Known:
    """What the checkpoints know."""

    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    """By the name of the file that was read."""
    notes: list[str] = field(default_factory=list)
    """What could not be read, and why."""

    @property
    def anchor(self) -> Anchor | None:
        """The newest record that any of them includes."""
        anchors = (one.anchor for one in self.checkpoints.values())
        return max(anchors, key=lambda anchor: anchor.seq, default=None)


def known_beside(disk: Disk, folder: str) -> Known:
    """The checkpoints of the journal in this folder. Raises OSError."""
    known = Known()
    base = f"{folder}/{BASE}"
    for name in (CACHE, base):
        cache = StateCache(disk, name)
        tables = cache.load()
        read = name + COPY if cache.trouble else name
        checkpoint = unpack(tables) if tables is not None else None
        if checkpoint is not None:
            known.checkpoints[read] = checkpoint
            if cache.trouble:
                known.notes.append(f"{cache.trouble}: {read} was read instead")
        elif tables is not None:
            known.notes.append(f"{read} is of another version's form: not compared")
        elif name == CACHE:
            known.notes.append(f"no state cache to compare with: {cache.trouble}")
        elif disk.exists(base) or disk.exists(base + COPY):
            known.notes.append(cache.trouble)
    return known

"""What a crash leaves on a disk, as a digest: two crashes that leave the same have the same future."""

import hashlib
import json
from typing import Any

from services.records import recognise
from sim.disk import VirtualDisk

TIMES = ("epoch_ms", "off_ms", "gap_s", "stages")
"""What in the data of a record is but the time at which it became true."""


def exactly(disk: VirtualDisk) -> bytes:
    """Every byte of it."""
    digest = hashlib.sha256()
    for path, content in disk.files():
        digest.update(b"%d %s" % (len(content), path.encode()))
        digest.update(content)
    return digest.digest()


def but_for_times(disk: VirtualDisk) -> bytes:
    """What the journal tells, what the checkpoints include, and the length of all that is torn or means nothing."""
    told: list[Any] = []
    for path, content in disk.files():
        told.append(path)
        if path.endswith(".jsonl"):
            told += [_fact(raw) for raw in content.split(b"\n")]
        elif "json" in path:
            told.append(_included(content))
        else:
            told.append(len(content))
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()


def _fact(raw: bytes) -> Any:
    record = recognise(raw)
    if record is None:
        return len(raw)
    event = record.line.event
    return [event["type"], {key: value for key, value in event["data"].items() if key not in TIMES}]


def _included(content: bytes) -> Any:
    """The number of the last record that a checkpoint includes; the length of what is none."""
    try:
        return next(iter(json.loads(content)["about"].values()))["seq"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return len(content)

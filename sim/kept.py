"""What a command shall write at its end, looked at before its beginning: a mistyped path must not cost the work.

Each function says in one line what is wrong with a place, and nothing when all is well with it.
"""

import os
from pathlib import Path

from firmware.boot import JOURNAL


def wrong_with_file(file: Path | None) -> str:
    """Whether a file can be written there; one that is there already is replaced."""
    if file is None:
        return ""
    if file.is_dir():
        return f"{file}: is a folder; name a file"
    if not file.parent.is_dir():
        return f"{file}: there is no folder {file.parent}"
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        return f"{file}: may not be written"
    return ""


def wrong_with_folder(folder: Path | None) -> str:
    """Whether a state folder can be written there: no two journals are mixed."""
    if folder is None:
        return ""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        return f"{there}: is no folder"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{folder}: may not be written"
    if there != folder:
        return ""
    if (folder / JOURNAL).exists() or next(folder.glob("*.jsonl"), None):
        return f"{folder}: holds a journal already; name an empty folder"
    return f"{folder}: is not empty; name an empty folder" if next(folder.iterdir(), None) else ""

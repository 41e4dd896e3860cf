"""A yes or no that outlives the process and needs no disk: a file in the runtime directory, which is memory.

It remembers what a journal on a dead disk cannot. A power cut forgets it.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

log = logging.getLogger(__name__)


class Marker(Protocol):
    """Set or not set."""

    @property
    def is_set(self) -> bool: ...

    def set(self) -> None: ...

    def clear(self) -> None: ...


class FileMarker:
    """A file that is there or not. What cannot be written is told in the log: there is nobody else to tell."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def is_set(self) -> bool:
        return self._path.exists()

    def set(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
        except OSError as error:
            log.error("%s cannot be written: %s", self._path, error.strerror)

    def clear(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.error("%s cannot be removed: %s", self._path, error.strerror)


def runtime_directory(otherwise: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """systemd's runtime directory for this service (systemd.exec(5)), or `otherwise` where systemd gives none."""
    given = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(given) if given else otherwise

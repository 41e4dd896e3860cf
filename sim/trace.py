"""What happened in a run, line by line and in order, and one hash over all of it.

Two runs with the same trace hash did the same things at the same microseconds. The lines can be kept in a file, whose
`sha256sum` is then the trace hash; the last of them are kept in memory, to tell the story of a failure.
"""

import hashlib
from collections import deque
from typing import TextIO

STORY_LINES = 40


class Trace:
    """One line for each physical change, each fact and each commit."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._last: deque[str] = deque(maxlen=STORY_LINES)
        self.lines = 0

    def note(self, at_us: int, what: str) -> None:
        """Something happened at this moment of virtual time."""
        line = f"{at_us} {what}\n"
        self.lines += 1
        self._digest.update(line.encode())
        self._last.append(line)
        if self._file is not None:
            self._file.write(line)

    def end(self) -> None:
        """What is put away after the run is no part of it."""
        self._file = None

    @property
    def hash(self) -> str:
        """SHA-256 of all lines so far, 64 hex digits."""
        return self._digest.hexdigest()

    @property
    def story(self) -> str:
        """The last lines."""
        return "".join(self._last)

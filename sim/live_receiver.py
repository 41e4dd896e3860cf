"""What the desk's central server has stored: one file of event lines, which a restart reads again.

Without it a receiver that starts anew would wait for ever for events that it acknowledged in an earlier life.
"""

from collections.abc import Callable
from pathlib import Path


class ReceivedFile:
    """`store` appends; a line that a kill has torn is cut off, for it was never acknowledged."""

    def __init__(self, path: Path) -> None:
        content = path.read_bytes() if path.exists() else b""
        whole = content.rfind(b"\n") + 1
        self._lines = content[:whole].split(b"\n")[:-1]
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self._file.truncate(whole)
        self._file.seek(whole)

    def tell(self, remember: Callable[[bytes], None]) -> None:
        """Tell what was stored in earlier lives, line by line."""
        for line in self._lines:
            remember(line)
        self._lines.clear()

    def close(self) -> None:
        self._file.close()

    def store(self, line: bytes) -> None:
        self._file.write(line + b"\n")

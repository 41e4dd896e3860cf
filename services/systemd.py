"""Two words with systemd: the notification socket (sd_notify(3)) and the credentials directory (systemd.exec(5)).

Without systemd both are absent, and saying something is simply not heard.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path


class Notifier:
    """Tells the service manager how we are. A manager that does not listen delays nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Raises OSError when NOTIFY_SOCKET names something that cannot be an address."""
        address = environment.get("NOTIFY_SOCKET", "")
        self._socket: socket.socket | None = None
        self._address = b""
        if address:
            if address[0] not in "/@":
                raise OSError(f"NOTIFY_SOCKET is neither a path nor an abstract name: {address}")
            self._address = os.fsencode(address).replace(b"@", b"\0", 1) if address[0] == "@" else os.fsencode(address)
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

    def ready(self, status: str = "") -> bool:
        """The hall is being watched. Once, after the first scan."""
        return self._say(f"READY=1\nSTATUS={_one_line(status)}" if status else "READY=1")

    def alive(self) -> bool:
        """A scan is complete. Only the scan may say so, never a thread beside it."""
        return self._say("WATCHDOG=1")

    def status(self, text: str) -> bool:
        """One line for `systemctl status`."""
        return self._say(f"STATUS={_one_line(text)}")

    def stopping(self) -> bool:
        return self._say("STOPPING=1")

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def _say(self, text: str) -> bool:
        """Whether it was handed over. A full socket loses one word; the next scan says it again."""
        if self._socket is None:
            return False
        try:
            self._socket.sendto(text.encode(), self._address)
        except OSError:
            return False
        return True


def watchdog_ms(environment: Mapping[str, str] = os.environ) -> int | None:
    """Within which time `alive` must be said again; None when nobody waits for it."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = environment.get("WATCHDOG_USEC", "")
    return int(text) // 1000 if text.isdecimal() and int(text) > 0 else None


def credentials_directory(otherwise: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Where keys and passwords lie: systemd's folder for this service, or `otherwise` where systemd gives none."""
    given = environment.get("CREDENTIALS_DIRECTORY", "")
    return Path(given) if given else otherwise


def _one_line(text: str) -> str:
    return " ".join(text.split())

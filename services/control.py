"""The local control socket: one JSON object a line in, one a line out, for the command line and simulated officers.

The socket belongs to the daemon's user alone (mode 0600), and the kernel tells who is at the other end. Each client has
a thread that only waits: it puts the request into the queue to the scan and brings back the answer.

    -> {"action":"call","args":{"counter":"1"},"actor":"petugas-1"}
    <- {"ok":true,"result":{"ticket":"A-021"}}
"""

import json
import socket
import stat
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from services.requests import ANSWER_S, Answer, Request, RequestQueue, refusal

LINE_MOST = 65_536
"""The longest request, in bytes, line end included."""
CLIENTS_MOST = 32
ACCEPT_AGAIN_S = 0.1
IDLE_S = 60.0
"""A client that says nothing for so long is shown out."""

_PEER = struct.Struct("3i")  # struct ucred: pid, uid, gid (unix(7))


class ControlError(Exception):
    """The socket cannot be served or reached; the text is for the user."""


class ControlServer:
    """Serves a socket at `path`; what is asked goes to `requests`."""

    def __init__(self, path: Path, requests: RequestQueue, *, answer_s: float = ANSWER_S) -> None:
        self.path = path
        self._requests = requests
        self._answer_s = answer_s
        self._listener: socket.socket | None = None
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Raises ControlError when another daemon serves the path, or nothing can be served there."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._make_way()
            listener.bind(str(self.path))
            self.path.chmod(0o600)  # before anybody can connect: that takes listen
            listener.listen(CLIENTS_MOST)
        except OSError as error:
            listener.close()
            raise ControlError(f"control socket {self.path}: {error.strerror or error}") from error
        except ControlError:
            listener.close()
            raise
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="control", daemon=True).start()

    def stop(self) -> None:
        """Close the socket and every client's; the file goes too."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        self.path.unlink(missing_ok=True)
        self._stopped.set()
        _hang_up(listener)
        with self._lock:
            for client in self._clients:
                _hang_up(client)

    def _make_way(self) -> None:
        """Remove the socket of a daemon that died; refuse to take the place of a living one."""
        try:
            kind = self.path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(kind):
            raise ControlError(f"control socket {self.path}: something else is there")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(self.path))
            except ConnectionRefusedError:
                self.path.unlink()
            else:
                raise ControlError(f"control socket {self.path}: already running")

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:  # we are stopped; or a client gave up, or there is no descriptor left for the moment
                    if self._stopped.wait(ACCEPT_AGAIN_S):
                        return
                    continue
                with self._lock:
                    welcome = len(self._clients) < CLIENTS_MOST and not self._stopped.is_set()
                    if welcome:
                        self._clients.add(client)
                if welcome:
                    threading.Thread(target=self._serve, args=(client,), name="control-client", daemon=True).start()
                else:
                    with client, suppress(OSError):
                        if not self._stopped.is_set():
                            client.sendall(_encode(refusal("busy", "too many clients")))

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, suppress(OSError):  # a client may go at any moment
                self._converse(client)
        finally:
            with self._lock:
                self._clients.discard(client)

    def _converse(self, client: socket.socket) -> None:
        client.settimeout(IDLE_S)
        uid = _PEER.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))[1]
        with client.makefile("rb") as lines:
            while line := lines.readline(LINE_MOST + 1):
                if len(line) > LINE_MOST:
                    client.sendall(_encode(refusal("too_large", f"a request has at most {LINE_MOST} bytes")))
                    break
                client.sendall(_encode(self._answer(line, uid)))

    def _answer(self, line: bytes, uid: int) -> Answer:
        try:
            asked = json.loads(line)
        except (ValueError, RecursionError):
            return refusal("malformed", "a request is one JSON object on one line")
        match asked:
            case {"action": str(action), **rest}:
                args, actor = rest.get("args", {}), rest.get("actor", "")
                if isinstance(args, dict) and isinstance(actor, str):
                    return self._requests.ask(Request(action, args, actor, uid), self._answer_s)
        return refusal("malformed", 'a request looks like {"action":"..","args":{..},"actor":".."}')


def ask(path: Path, action: str, args: Mapping[str, Any], actor: str, timeout_s: float = ANSWER_S + 2) -> Answer:
    """Ask the daemon behind `path`, and return its answer. Raises ControlError when there is none."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(timeout_s)
            line.connect(str(path))
            line.sendall(_encode({"action": action, "args": dict(args), "actor": actor}))
            with line.makefile("rb") as answers:
                raw = answers.readline()
    except (FileNotFoundError, ConnectionRefusedError):
        raise ControlError(f"nothing answers at {path}: is besuk running?") from None
    except TimeoutError:
        raise ControlError(f"no answer at {path} within {timeout_s:g} s") from None
    except OSError as error:
        raise ControlError(f"{path}: {error.strerror or error}") from error
    try:
        answer = json.loads(raw)
    except ValueError:
        raise ControlError(f"{path}: the daemon hung up without an answer") from None
    if not isinstance(answer, dict):
        raise ControlError(f"{path}: that is not besuk's socket")
    return answer


def _encode(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _hang_up(line: socket.socket) -> None:
    """Wakes the thread that waits on the socket, which then closes it."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)

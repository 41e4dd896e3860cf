"""What somebody asks of the hall from outside the scan: a bounded queue from many threads to the one that decides.

The control socket's threads and the web server's put requests in and wait; the scan takes them out when it gets there
and answers, and neither ever holds a lock that the other might want for long. A request whose patience ends before the
scan has taken it is withdrawn: what its asker was told had failed does not happen afterwards.
"""

import queue
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

Answer = Mapping[str, Any]
"""`{"ok": true, "result": {..}}` or `{"ok": false, "error": {"code": .., "message": ..}}`."""

REQUESTS_MOST = 64
ANSWER_S = 10.0


def refusal(code: str, message: str) -> dict[str, Any]:
    """An answer that says no."""
    return {"ok": False, "error": {"code": code, "message": message}}


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked for, and the place for its answer."""

    action: str
    args: Mapping[str, Any]
    actor: str
    uid: int | None = None
    """The user who asks over the control socket, as the kernel knows it; None from elsewhere."""
    future: "Future[Answer]" = field(default_factory=Future, compare=False, repr=False)

    def answer(self, answer: Answer) -> None:
        """Called once by the scan; wakes whoever waits."""
        self.future.set_result(answer)


class RequestQueue:
    """`ask` from any thread, `take` from the scan."""

    def __init__(self, most: int = REQUESTS_MOST) -> None:
        self._waiting: queue.Queue[Request] = queue.Queue(most)

    def take(self) -> list[Request]:
        """What has been asked since the last call, in order, without what has been withdrawn. Never waits."""
        taken: list[Request] = []
        for _ in range(self._waiting.qsize()):
            request = self._waiting.get_nowait()
            if request.future.set_running_or_notify_cancel():
                taken.append(request)
        return taken

    def put(self, request: Request) -> bool:
        """Ask without waiting; False when the queue is full."""
        try:
            self._waiting.put_nowait(request)
        except queue.Full:
            return False
        return True

    def ask(self, request: Request, timeout_s: float = ANSWER_S) -> Answer:
        """Ask, and wait for the answer; `busy` or `no_answer` when there is none."""
        if not self.put(request):
            return refusal("busy", "too much is being asked at once; try again")
        try:
            return request.future.result(timeout_s)
        except TimeoutError:
            if request.future.cancel():
                return refusal("no_answer", f"the daemon did not get to it within {timeout_s:g} s; nothing was done")
            return refusal("no_answer", f"no answer within {timeout_s:g} s; it may still be done")

"""Work for the one thread that owns the hall, handed over by others: a bounded queue of calls with their futures.

The scan's data belong to one thread. Whoever else wants to look at them, or in a virtual hall to move something, puts
a call here and waits for its future; the owner runs what is waiting between two rounds. A call whose patience ended
before its turn is withdrawn.
"""

import queue
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

CALLS_MOST = 256
AT_ONCE = 8
"""Calls between two rounds: whoever asks much waits, and the rounds do not."""
CALL_S = 10.0
"""How long somebody waits for a call before giving it up."""


class TooBusyError(Exception):
    """So many calls wait that no more are taken."""


@dataclass(frozen=True, slots=True)
class _Call(Generic[T]):
    do: Callable[[], T]
    future: "Future[T]"

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.do()
        except BaseException as error:  # noqa: BLE001 - it is not swallowed: the future raises it in the asker's thread
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Calls:
    """`ask` from any thread, `serve` from the owner's."""

    def __init__(self, most: int = CALLS_MOST) -> None:
        self._waiting: queue.Queue[_Call[Any]] = queue.Queue(most)

    def ask(self, do: Callable[[], T]) -> "Future[T]":
        """Have `do` run by the owner. Raises TooBusyError."""
        call = _Call(do, Future())
        try:
            self._waiting.put_nowait(call)
        except queue.Full:
            raise TooBusyError("too much is being asked at once; try again") from None
        return call.future

    def serve(self) -> int:
        """Run some of what waits, in order; how many calls that was. Never waits."""
        count = min(self._waiting.qsize(), AT_ONCE)
        for _ in range(count):
            self._waiting.get_nowait().run()
        return count

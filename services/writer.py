"""Slow work off the scan: one job at a time, in the order of submission, in one thread.

An SD card stalls for hundreds of milliseconds. The scan hands the writing over, keeps polling, and looks at `done`.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Job(Protocol[T_co]):
    """Work that has been handed over."""

    @property
    def done(self) -> bool: ...

    def result(self) -> T_co:
        """What the job returned; raises what it raised. Only once it is done."""
        ...


class Writer(Protocol):
    """Runs jobs one after the other."""

    def submit(self, job: Callable[[], T]) -> Job[T]:
        """Hand a job over. RuntimeError when the writer is closed, or too many jobs are waiting: wait for `done`."""
        ...

    def close(self) -> None:
        """Finish what has been handed over, as far as a hanging disk lets it; nothing more is taken."""
        ...


class ThreadWriter:
    """A writer on one daemon thread, so that a disk that hangs for ever cannot keep the process from ending."""

    def __init__(self, waiting_max: int = 8, close_s: float = 5.0) -> None:
        self._close_s = close_s
        self._closed = False
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue(waiting_max)
        self._thread = threading.Thread(target=self._work, name="besuk-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], T]) -> Job[T]:
        if self._closed:
            raise RuntimeError("the writer is closed")
        outcome = _Outcome(job)
        try:
            self._jobs.put_nowait(outcome.run)
        except queue.Full:
            raise RuntimeError(f"{self._jobs.maxsize} jobs are waiting for the writer already") from None
        return outcome

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self._jobs.put(None, timeout=self._close_s)
        except queue.Full:
            return  # the disk hangs; the thread is a daemon and ends with the process
        self._thread.join(self._close_s)

    def _work(self) -> None:
        while (run := self._jobs.get()) is not None:
            run()


class _Outcome(Job[T]):
    """A job and what became of it. `Future` carries the result, or the exception, from thread to thread."""

    def __init__(self, job: Callable[[], T]) -> None:
        self._job = job
        self._future: Future[T] = Future()

    @property
    def done(self) -> bool:
        return self._future.done()

    def result(self) -> T:
        if not self._future.done():
            raise RuntimeError("the job is not done yet")
        return self._future.result()

    def run(self) -> None:
        try:
            result = self._job()
        except BaseException as error:  # noqa: BLE001 - it is not swallowed: `result` raises it in the scan
            self._future.set_exception(error)
        else:
            self._future.set_result(result)

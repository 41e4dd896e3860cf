"""Jobs run one at a time, off the scan, in order; what they raise is raised again where it is asked for."""

import threading
from functools import partial

import pytest

from services.writer import Job, ThreadWriter


def test_jobs_run_in_order_in_one_other_thread() -> None:
    writer = ThreadWriter()
    ran: list[tuple[int, str]] = []

    def square(n: int) -> int:
        ran.append((n, threading.current_thread().name))
        return n * n

    jobs = [writer.submit(partial(square, n)) for n in range(8)]
    writer.close()
    assert ran == [(n, "besuk-writer") for n in range(8)]
    assert [job.result() for job in jobs] == [n * n for n in range(8)]


def test_what_a_job_raises_is_raised_by_its_result_and_the_next_one_runs() -> None:
    def fail() -> None:
        raise OSError(5, "the card is gone")

    writer = ThreadWriter()
    failing, fine = writer.submit(fail), writer.submit(lambda: "fine")
    writer.close()
    with pytest.raises(OSError, match="the card is gone"):
        failing.result()
    assert fine.result() == "fine"


def test_the_scan_goes_on_while_a_disk_stalls_and_the_queue_is_bounded() -> None:
    gate, started = threading.Event(), threading.Event()
    writer = ThreadWriter(waiting_max=2)

    def stall() -> str:
        started.set()
        gate.wait()
        return "at last"

    stalled: Job[str] = writer.submit(stall)
    started.wait()
    waiting = [writer.submit(lambda: None) for _ in range(2)]
    assert not stalled.done
    with pytest.raises(RuntimeError, match="not done"):
        stalled.result()
    with pytest.raises(RuntimeError, match="2 jobs are waiting"):
        writer.submit(lambda: None)
    gate.set()
    writer.close()
    assert stalled.result() == "at last"
    assert all(job.done for job in waiting)


def test_a_disk_that_hangs_for_ever_does_not_keep_the_process() -> None:
    gate, started = threading.Event(), threading.Event()
    writer = ThreadWriter(waiting_max=1, close_s=0.01)

    def hang() -> None:
        started.set()
        gate.wait()

    writer.submit(hang)
    started.wait()
    writer.submit(lambda: None)
    writer.close()
    gate.set()


def test_a_closed_writer_takes_nothing_and_closes_again_quietly() -> None:
    writer = ThreadWriter()
    writer.close()
    writer.close()
    with pytest.raises(RuntimeError, match="closed"):
        writer.submit(lambda: None)

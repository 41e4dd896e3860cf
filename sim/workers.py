"""A pool of processes that live days, and that Ctrl-C ends at once.

A terminal sends Ctrl-C to every process of a command. Only the one that asks acts on it: its workers have nothing to
say, and a day of theirs would take minutes to end.
"""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children
from multiprocessing.context import BaseContext
from pathlib import Path


@contextmanager
def workers(
    jobs: int, prepare: Callable[[Path], None], config: Path, context: BaseContext | None = None
) -> Iterator[ProcessPoolExecutor]:
    """So many processes, each of which begins with `prepare(config)`. Whoever leaves by an exception, or lets go of a
    generator, has no use for the days under way: they are ended where they are."""
    others = set(active_children())
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(prepare, config))
    try:
        yield pool
    except BaseException:
        for child in set(active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(prepare: Callable[[Path], None], config: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare(config)

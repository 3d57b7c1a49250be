"""Processes that share the work; none is left behind, however it ends."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import TypeVar

T = TypeVar("T")
ONE_THREAD = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


class Crew:
    """Does pieces of work, one a process at a time, and hands them back as they are done."""

    def __init__(self, pool: Executor | None):
        """Take a pool; None: everything is done here, one after the other."""
        self._pool = pool

    def do(self, work: Iterable[tuple[Callable[..., T], tuple[object, ...]]]) -> Iterator[T]:
        """Yield results, the first that is done first."""
        if self._pool is None:
            for function, arguments in work:
                yield function(*arguments)
            return
        with _deaf():  # processes are started here, and Ctrl-C is for us to hear
            futures: list[Future[T]] = [self._pool.submit(f, *args) for f, args in work]
        for future in as_completed(futures):
            yield future.result()


@contextmanager
def crew(jobs: int) -> Iterator[Crew]:
    """Give a crew of so many processes, and end them when it leaves, at once after an error."""
    if jobs == 1:
        yield Crew(None)
        return
    before = {child.pid for child in active_children()}
    kept = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)  # read when a process first imports JAX
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    try:
        yield Crew(pool)
    except BaseException:
        for child in active_children():
            if child.pid not in before:
                child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def _deaf() -> Iterator[None]:
    """Put Ctrl-C off for a moment; processes that are started meanwhile never hear it."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)  # one that came meanwhile comes now

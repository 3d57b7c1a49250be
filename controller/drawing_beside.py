"""A second process that draws while this one does, because drawing takes longer than computing.

It is started before anything heavy is imported, and imports what it needs meanwhile. Where there is
one core, or the process can't be had or is lost, the same is drawn here.
"""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.analysis.record import Record

Drawing = Callable[[], list[Path]]
"""Waits for what is drawn and returns the files; raises OSError where they can't be written."""
Draw = Callable[["Record", Path], Drawing]
"""Begins to write a record's pictures to a folder."""


@contextmanager
def drawing_beside() -> Iterator[Draw]:
    """Draw in a second process inside the context, whose end waits for nothing."""
    if _cores() < 2:
        yield lambda record, folder: lambda: _draw(record, folder)
        return
    # spawned, because JAX's threads don't survive a fork
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_prepare)
    try:
        pool.submit(_nothing)  # starts it
        yield lambda record, folder: _begun(pool, record, folder)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _begun(pool: ProcessPoolExecutor, record: "Record", folder: Path) -> Drawing:
    try:
        future = pool.submit(_draw, record, folder)
    except BrokenProcessPool:
        return lambda: _draw(record, folder)

    def done() -> list[Path]:
        try:
            return future.result()
        except BrokenProcessPool:
            return _draw(record, folder)

    return done


def _draw(record: "Record", folder: Path) -> list[Path]:
    from controller.analysis.figure_files import write_pictures

    return write_pictures(record, folder)


def _prepare() -> None:
    """Import what drawing needs; Ctrl-C is for the process that waits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from matplotlib.backends import backend_agg, backend_svg  # noqa: F401

    from controller.analysis import figure_files  # noqa: F401


def _nothing() -> None:
    pass


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""A second process that draws while this one does, because drawing takes longer than computing.

It is started before anything heavy is imported, and imports what it needs meanwhile. Where there is
one core, or the process can't be had or is lost, the same is drawn here.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.analysis.record import Record

Drawing = Callable[[], list[Path]]
"""Waits for what is drawn and returns the files; raises OSError where they can't be written."""
Draw = Callable[["Record", Path], Drawing]
"""Begins to write a record's pictures to a folder; once."""


@contextmanager
def drawing_beside() -> Iterator[Draw]:
    """Draw in a second process inside the context, whose end waits for nothing."""
    connection = _started() if _cores() > 1 else None
    if connection is None:
        yield lambda record, folder: lambda: _draw(record, folder)
        return
    with closing(connection):
        yield lambda record, folder: _begun(connection, record, folder)


def _started() -> Connection | None:
    """Start the process; None where the system has none left."""
    # spawned, because JAX's threads don't survive a fork; not of a pool, whose processes outlive a
    # parent that is killed
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    with closing(theirs):
        try:
            context.Process(target=_serve, args=(theirs,), daemon=True).start()
        except OSError:
            ours.close()
            return None
    return ours


def _begun(connection: Connection, record: "Record", folder: Path) -> Drawing:
    with suppress(OSError):  # a lost process shows when it is waited for
        connection.send((record, folder))

    def done() -> list[Path]:
        try:
            answer = connection.recv()
        except (EOFError, OSError):
            return _draw(record, folder)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return done


def _draw(record: "Record", folder: Path) -> list[Path]:
    from controller.analysis.figure_files import write_pictures

    return write_pictures(record, folder)


def _serve(connection: Connection) -> None:
    """Import what drawing needs, draw what comes; end where nobody asks or waits any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits
    from matplotlib.backends import backend_agg, backend_svg  # noqa: F401

    from controller.analysis import figure_files  # noqa: F401

    with suppress(EOFError, OSError):
        record, folder = connection.recv()
        try:
            answer: list[Path] | Exception = _draw(record, folder)
        except Exception as error:  # noqa: BLE001  it is raised where it is waited for
            answer = error
        connection.send(answer)


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

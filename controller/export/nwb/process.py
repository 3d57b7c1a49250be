"""Files are written by a process of their own, since a full disk can end it in HDF5's closing."""

import os
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from controller.export.content import Part
from controller.export.subject import SubjectFacts
from controller.session.processes import Companion
from controller.store import StoreError


def write(parts: Sequence[Part], folder: Path, facts: SubjectFacts) -> None:
    """Write each part into a file of its name.

    Raises:
        OSError: a file can't be written.
        controller.store.StoreError: the store can't be read.
    """
    writer = Companion(_serve, parts, folder, facts, name="nwb")
    try:
        error = writer.connection.recv()
    except EOFError:
        error = OSError("the process that wrote it died, as it may where a disk is full")
    finally:
        writer.close()
    if error is not None:
        raise error


def _serve(
    connection: Connection, parts: Sequence[Part], folder: Path, facts: SubjectFacts
) -> None:
    from controller.export.nwb.files import write_here

    try:
        write_here(parts, folder, facts)
    except StoreError as error:
        connection.send(error)
    except (OSError, RuntimeError) as error:  # HDF5 raises either
        connection.send(OSError(str(error)))
    else:
        connection.send(None)
        return
    os._exit(1)  # HDF5 would try to close its files, again and again, until it crashes

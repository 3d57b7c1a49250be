"""What can go wrong with a store.

    StoreError
    ├── StoreExists         the folder is taken
    ├── StoreLocked         another process writes to it
    ├── NotAStore           there is no store in the folder
    ├── StoreTooNew         written by a later version
    ├── StoreCorrupt        damaged; the message says whether `biasloop repair` helps
    ├── NetworkFileSystem   the journal needs a local disk
    ├── DiskFull            no space left; what was acknowledged is stored
    └── WriteFailed         any other write error; what was acknowledged is stored

A frame that does not fit its layout is the caller's mistake and raises `ValueError`.
"""

# ruff: noqa: N818  the names say what happened, as a handler reads them

import errno
import sqlite3
from pathlib import Path

from controller.store.place import free_bytes


class StoreError(Exception):
    """Base of all errors of a store."""


class StoreExists(StoreError):
    """The folder for a new store holds something already."""


class StoreLocked(StoreError):
    """Another process writes to the store."""


class NotAStore(StoreError):
    """The folder holds no store."""


class StoreTooNew(StoreError):
    """The store was written by a later version of the program."""


class StoreCorrupt(StoreError):
    """A part of the store is damaged."""


class NetworkFileSystem(StoreError):
    """The folder is on a network file system, which the journal can't use."""


class DiskFull(StoreError):
    """The disk (or a quota, or a size limit) is full."""


class WriteFailed(StoreError):
    """Writing failed for another reason than space."""


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_error(error: Exception, folder: Path, last_seq: int) -> StoreError:
    """The final error of a store: what failed, where, and what is safe."""
    full = (isinstance(error, OSError) and error.errno in _FULL) or (
        isinstance(error, sqlite3.Error)
        and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    )
    free = free_bytes(folder)
    space = "unknown space" if free is None else f"{free / 2**20:.1f} MiB"
    message = (
        f"could not write to the store {folder}: {error} ({space} left there). "
        f"Everything up to frame {last_seq} is stored; nothing more is accepted. "
    )
    if full:
        return DiskFull(message + "Free some space, then open the store again to go on.")
    return WriteFailed(message + "Check the disk, then open the store again to go on.")

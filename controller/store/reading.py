"""Reading a store without writing to it: the tables, and how it stands."""

import contextlib
from pathlib import Path
from typing import Any

import xarray as xr

from controller.store.ending import ending
from controller.store.errors import (
    DiskFull,
    NetworkFileSystem,
    StoreLocked,
    WriteFailed,
)
from controller.store.fold import read_marker
from controller.store.journal import Journal
from controller.store.lock import writer_pid
from controller.store.recovery import needs_recovery
from controller.store.whole import open_whole
from controller.store.writer import Store


def read(folder: Path) -> xr.DataTree:
    """All tables of a store at one moment, loaded when they are used.

    Needs no lock and disturbs no writer. What a killed writer left unpublished is published
    first; where the folder can't be written, what is published is read.

    Raises:
        NotAStore, StoreTooNew: see their messages.
        StoreCorrupt: the zarr store is damaged; the message says what to do.
    """
    folder = Path(folder)
    journal = Journal(folder, writable=False)
    try:
        behind = needs_recovery(journal, read_marker(folder))
    finally:
        journal.close()
    if behind:
        _recover(folder)
    return open_whole(folder)


def status(folder: Path) -> dict[str, Any]:
    """How a store stands, without reading its tables.

    Returns:
        `exit_status` ("running" while it is written, "killed" if the writer died, else as given
        to `close`), `last_seq`, `published_seq`, `rows` (published), `writer` (process id or
        None), `origin`, `live`.
    """
    folder = Path(folder)
    journal = Journal(folder, writable=False)
    try:
        exit_status = ending(folder, journal.exit_status)
        marker = read_marker(folder)  # before the journal, which it follows
        journal.check_numbers()
        last_seq = journal.last_seq
    finally:
        journal.close()
    return {
        "exit_status": exit_status,
        "last_seq": last_seq,
        "published_seq": marker["seq"],
        "rows": marker["rows"],
        "writer": writer_pid(folder),
        "origin": journal.layout.origin,
        "live": journal.layout.live,
    }


def _recover(folder: Path) -> None:
    """Publish what a killed writer left, unless there is a writer or the folder is read-only."""
    with contextlib.suppress(StoreLocked, DiskFull, WriteFailed, NetworkFileSystem):
        Store.recover(folder)

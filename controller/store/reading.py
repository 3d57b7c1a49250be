"""Reading a store without writing to it: the tables, and how it stands."""

import contextlib
from pathlib import Path
from typing import Any

import xarray as xr

from controller.store.errors import (
    DiskFull,
    NetworkFileSystem,
    StoreCorrupt,
    StoreLocked,
    WriteFailed,
)
from controller.store.fold import ZARR_NAME, read_marker
from controller.store.journal import Journal
from controller.store.lock import writer_pid
from controller.store.recovery import needs_recovery
from controller.store.whole import check_whole
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
    check_whole(folder)
    try:
        return xr.open_datatree(folder / ZARR_NAME, engine="zarr", chunks=None)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise StoreCorrupt(
            f"{folder / ZARR_NAME} can't be read: {error}. The journal still holds everything: "
            f"run `biasloop repair {folder}`"
        ) from error


def status(folder: Path) -> dict[str, Any]:
    """How a store stands, without reading its tables.

    Returns:
        `exit_status` ("running" while it is written, "killed" if the writer died, else as given
        to `close`), `last_seq`, `published_seq`, `rows` (published), `writer` (process id or
        None), `origin`, `live`.
    """
    folder = Path(folder)
    # A writer may come or go meanwhile: it is looked for before and after, and the tables, which
    # follow the journal, are looked at before it.
    earlier = writer_pid(folder)
    journal = Journal(folder, writable=False)
    try:
        marker = read_marker(folder)
        journal.check_numbers()
        meta, last_seq = journal.meta, journal.last_seq
    finally:
        journal.close()
    writer = writer_pid(folder)
    killed = meta["exit_status"] == "running" and earlier is None and writer is None
    return {
        "exit_status": "killed" if killed else meta["exit_status"],
        "last_seq": last_seq,
        "published_seq": marker["seq"],
        "rows": marker["rows"],
        "writer": writer,
        "origin": journal.layout.origin,
        "live": journal.layout.live,
    }


def _recover(folder: Path) -> None:
    """Publish what a killed writer left, unless there is a writer or the folder is read-only."""
    with contextlib.suppress(StoreLocked, DiskFull, WriteFailed, NetworkFileSystem):
        Store.recover(folder)

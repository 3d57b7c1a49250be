"""Making a new store: nothing on disk before all checks pass, and then all of it at once."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from controller.store.errors import (
    DiskFull,
    NetworkFileSystem,
    StoreCorrupt,
    StoreExists,
    write_error,
)
from controller.store.files import PARTIAL, remove_tree, sync_folders, write_atomic
from controller.store.fold import ZARR_NAME, Fold
from controller.store.journal import create_journal
from controller.store.place import free_bytes, nearest_existing, network_type
from controller.store.recovery import root_attributes
from controller.store.schema import Layout

DOCUMENT_NAME = "experiment.toml"
NEW_STORE_BYTES = 32 * 2**20
"""Free space that a new store asks for."""


def check_local(folder: Path) -> None:
    """Raise `NetworkFileSystem` if the folder is on one."""
    kind = network_type(folder)
    if kind is not None:
        raise NetworkFileSystem(
            f"{folder} is on a network file system ({kind}), where a kill or a lost connection "
            "can damage the journal: record to a local disk and copy the folder afterwards"
        )


def create_folder(
    folder: Path, *, document: str, header: Mapping[str, Any], layout: Layout
) -> None:
    """Make the folder of an empty store.

    It is built beside its place and renamed, so that a kill leaves no half store.

    Raises:
        StoreExists: the folder holds something.
        NetworkFileSystem: it is not on a local disk.
        DiskFull: less than `NEW_STORE_BYTES` free.
        ValueError: a header that JSON can't hold.
    """
    folder = folder.absolute()
    _check_untaken(folder)
    check_local(folder)
    _check_space(folder)
    meta = {"header": _json(header), "layout": asdict(layout), "exit_status": "created", "boot": ""}
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}{PARTIAL}")
    try:
        remove_tree(temporary)
        temporary.mkdir(parents=True)
        _fill(temporary, document, meta, layout)
        temporary.replace(folder)
        sync_folders([folder.parent])
    except (OSError, sqlite3.Error) as error:
        _check_untaken(folder)
        raise write_error(error, folder, 0) from error
    finally:
        remove_tree(temporary)


def read_document(folder: Path, header: Mapping[str, Any]) -> str:
    """Return the frozen document of a store.

    Args:
        folder: the store's.
        header: the journal's; where it has the document's hash, this is compared.

    Raises:
        StoreCorrupt: it is missing, or isn't what was frozen.
    """
    path = folder / DOCUMENT_NAME
    try:
        text = path.read_bytes()
        document = text.decode("utf-8")
    except (OSError, ValueError) as error:
        raise StoreCorrupt(f"{path} can't be read: {error}. Restore it from a copy") from error
    known = header.get("document_sha256")
    if known and hashlib.sha256(text).hexdigest() != known:
        raise StoreCorrupt(
            f"{path} isn't the document that the experiment began with: its checksum doesn't match "
            "the journal's. Undo what was changed in it, or restore it from a copy"
        )
    return document


def _fill(folder: Path, document: str, meta: Mapping[str, Any], layout: Layout) -> None:
    write_atomic(folder / DOCUMENT_NAME, document.encode(), sync=True)
    create_journal(folder, meta, live=layout.live)
    Fold(folder / ZARR_NAME, layout, root_attributes(meta)).start()
    if layout.live:
        sync_folders([folder, *(path for path in folder.rglob("*") if path.is_dir())])


def _check_untaken(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        raise StoreExists(
            f"{folder} is taken: expected a new or empty folder. Choose another name, or resume "
            "the experiment if it is one"
        )


def _check_space(folder: Path) -> None:
    free = free_bytes(folder)
    if free is not None and free < NEW_STORE_BYTES:
        raise DiskFull(
            f"{nearest_existing(folder)} has {free / 2**20:.1f} MiB left, a new store asks for "
            f"{NEW_STORE_BYTES / 2**20:.0f} MiB: free some space or choose another disk"
        )


def _json(header: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return json.loads(json.dumps(dict(header), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"header: expected what JSON can hold, got {error}") from error

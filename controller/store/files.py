"""Whole-file writes that are there completely or not at all."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

PARTIAL = ".partial"


def write_atomic(path: str | Path, data: bytes, *, sync: bool) -> None:
    """Replace the file at `path` by `data`.

    Args:
        path: in an existing folder.
        data: the whole content.
        sync: True makes the content survive a power cut (the name does after `sync_folders`);
            False makes it survive a kill.
    """
    temporary = f"{path}{PARTIAL}"
    handle = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666
    )
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(temporary, path)  # noqa: PTH105  pathlib costs more than the rename


def sync_folders(folders: Iterable[str | Path]) -> None:
    """Make the names in the folders survive a power cut."""
    if os.name == "nt":
        return  # Windows has no handle on a folder; NTFS journals names.
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_partials(folder: Path) -> None:
    """Delete what a killed process left half-written under `folder`."""
    for path in folder.rglob(f"*{PARTIAL}"):
        path.unlink(missing_ok=True)


def remove_tree(folder: Path) -> None:
    """Delete a folder if it is there."""
    if folder.exists():
        shutil.rmtree(folder)

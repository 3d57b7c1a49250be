"""A store as one file for the way, with a checksum; unpacked it is there whole or not at all."""

import hashlib
import io
import os
import shutil
import zipfile
from pathlib import Path

from controller.session.errors import SessionError
from controller.store.files import PARTIAL, sync_folders

LEFT_OUT = frozenset(["lock", "journal.sqlite-shm"])
"""Files that belong to processes of that computer."""


class Damaged(SessionError):  # noqa: N818  says what happened
    """What arrived isn't what was sent."""


def pack(folder: Path) -> bytes:
    """Return a folder whose writer is gone as one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name not in LEFT_OUT and not path.name.endswith(PARTIAL):
                packed.write(path, path.relative_to(folder))
    return buffer.getvalue()


def checksum(data: bytes) -> str:
    """Return the SHA-256 of what is sent."""
    return hashlib.sha256(data).hexdigest()


def unpack(data: bytes, folder: Path, sha256: str | None = None) -> bool:
    """Make the folder that was packed; whether it wasn't there yet.

    Raises:
        Damaged: its checksum differs, or it can't be read; nothing is made.
        OSError: it can't be written; nothing is made.
    """
    if folder.exists():
        return False
    if sha256 is not None and checksum(data) != sha256:
        raise Damaged(
            f"the store of {folder.name} arrived damaged (its SHA-256 differs): nothing is kept; "
            "it is still on its rig, and is fetched again"
        )
    temporary = folder.with_name(f".{folder.name}{PARTIAL}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            packed.extractall(temporary)  # zipfile keeps names inside the folder
        _sync(temporary)
        temporary.rename(folder)
        sync_folders([folder.parent])
    except zipfile.BadZipFile as error:
        raise Damaged(f"the store of {folder.name} can't be unpacked: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def _sync(folder: Path) -> None:
    """Make it survive a power cut: the rig may forget it afterwards."""
    paths = list(folder.rglob("*"))
    for path in paths:
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folders([folder, *(path for path in paths if path.is_dir())])

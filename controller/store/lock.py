"""One writer for each store: a lock that the system drops when its process dies."""

import json
import os
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.store.errors import StoreLocked

LOCK_NAME = "lock"
_PATIENCE_S = 2.0
# A holder's description is shorter; Windows locks the bytes from here on, so it stays readable.
_LOCKED_BYTE = 4096


def _try_lock(handle: int, *, look: bool = False) -> bool:
    """Take the lock; to look whether a writer has it, beside others who look, only for a moment."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            kind = fcntl.LOCK_SH if look else fcntl.LOCK_EX
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class Lock:
    """The right to write to a store's folder, held until `release` or the process's end."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    @classmethod
    def take(cls, folder: Path) -> "Lock":
        """Take the lock, waiting a moment for those that only look whether it is held.

        Raises:
            StoreLocked: another process holds it.
            OSError: the folder can't be written.
        """
        handle = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _wait(handle, folder)
            _sign(handle)
        except BaseException:
            os.close(handle)
            raise
        return cls(handle)

    def release(self) -> None:
        """Let others write. May be called twice."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _wait(handle: int, folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not _try_lock(handle):
        if time.monotonic() > deadline:
            raise StoreLocked(_describe(folder))
        time.sleep(0.02)


def _sign(handle: int) -> None:
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, json.dumps(holder).encode())


def _holder(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / LOCK_NAME).read_text())
    except (OSError, ValueError):
        return {}


def _describe(folder: Path) -> str:
    holder = _holder(folder)
    return (
        f"the store {folder} is written by process {holder.get('pid', 'unknown')} on "
        f"{holder.get('host', 'an unknown host')} since {holder.get('since', 'an unknown time')}; "
        "wait for it to finish or stop it. Reading works meanwhile"
    )


def writer_pid(folder: Path) -> int | None:
    """The process that writes to the store now, or None."""
    try:
        handle = os.open(folder / LOCK_NAME, os.O_RDONLY)
    except OSError:
        return None
    try:
        return None if _try_lock(handle, look=True) else _holder(folder).get("pid")
    finally:
        os.close(handle)

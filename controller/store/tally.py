"""A witness beside the journal: the number of the last frame that was committed to it.

Until a checkpoint SQLite keeps what was committed last in a second file, the write-ahead log. A
journal whose log is lost, or cut short, reads as a whole one with fewer frames; where a writer was
killed nothing else would tell. So the number is kept here too: rewritten in place after each
commit, and not synced, because behind the journal it does no harm.
"""

import contextlib
import os
from pathlib import Path

import google_crc32c

TALLY_NAME = "journal.last"
"""Before `journal.sqlite` in the alphabet: a copy of what is being written takes it first."""


def read_tally(folder: Path) -> int:
    """The last frame's number as the tally has it; 0 where there is none or it is unreadable."""
    try:
        number, crc = (folder / TALLY_NAME).read_bytes().split()
        return int(number) if crc == _checksum(number) else 0
    except (OSError, ValueError):
        return 0


class Tally:
    """The tally of the one process that writes to a store."""

    def __init__(self, folder: Path) -> None:
        """Open it, or make it.

        Raises:
            OSError: the folder can't be written.
        """
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._handle = os.open(folder / TALLY_NAME, flags, 0o666)

    def write(self, number: int) -> None:
        """Replace the number; a disk that takes no more is the journal's to report."""
        text = f"{number:020d}".encode()
        with contextlib.suppress(OSError):
            os.lseek(self._handle, 0, os.SEEK_SET)
            os.write(self._handle, text + b" " + _checksum(text) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


def _checksum(number: bytes) -> bytes:
    return f"{google_crc32c.value(number):08x}".encode()

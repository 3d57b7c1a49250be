"""Making the zarr store anew from the journal."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.store.errors import StoreCorrupt
from controller.store.fold import read_marker
from controller.store.journal import writable_journal
from controller.store.recovery import check_not_behind, rebuild_fold


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair made; `str` of it is for people."""

    folder: Path
    """The store."""
    frames: int
    """Journal frames that were read."""
    rows: dict[str, int]
    """Rows of each table."""

    def __str__(self) -> str:
        rows = ", ".join(f"{count} {table}" for table, count in self.rows.items())
        return f"{self.folder}: rebuilt from {self.frames} journal frames: {rows}"


def repair(folder: Path) -> RepairReport:
    """Delete the zarr store of an experiment and rebuild it from the journal alone.

    Raises:
        NotAStore, StoreTooNew, StoreLocked: see their messages.
        StoreCorrupt: the journal itself is damaged; the old zarr store is left as it is.
    """
    folder = Path(folder)
    with writable_journal(folder) as (lock, journal):
        if (marker := _marker(folder)) is not None:
            check_not_behind(folder, journal, marker)
        fold = rebuild_fold(folder, journal)
    journal.close()
    lock.release()
    return RepairReport(folder, fold.seq, dict(fold.rows))


def _marker(folder: Path) -> dict[str, Any] | None:
    """Return what the tables say; None where they are unreadable and lose nothing by a repair."""
    try:
        return read_marker(folder)
    except StoreCorrupt:
        return None

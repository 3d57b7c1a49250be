"""Every pulse that a device confirmed, on disk: what an animal got, across restarts and kills.

One SQLite file for each device. A pulse is known by (device, boot, id), so reading it twice counts
it once. `record` returns when the pulse is durable.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from hardware.interface import Pulsed, RigError

_APPLICATION_ID = 0x62696C67  # "bilg"
_SCHEMA_VERSION = 2
_TABLE = """CREATE TABLE IF NOT EXISTS pulses (
  device_id TEXT NOT NULL, boot_id INTEGER NOT NULL, id INTEGER NOT NULL,
  line TEXT NOT NULL, start_us INTEGER NOT NULL, width_us INTEGER NOT NULL, cut INTEGER NOT NULL,
  volume_ul REAL, t_utc_ns INTEGER NOT NULL, subject TEXT NOT NULL,
  PRIMARY KEY (device_id, boot_id, id)
) WITHOUT ROWID"""


class LedgerError(RigError):
    """The ledger can't be written, or holds something else than the device says."""


@dataclass(frozen=True, slots=True)
class Total:
    """What one line delivered."""

    pulses: int
    on_us: int
    volume_ul: float
    """Sum over the pulses whose volume is known."""


class RewardLedger:
    """An open ledger; one process writes to it at a time."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Open a ledger, or begin one; one that isn't durable is for emulated devices.

        Raises:
            LedgerError: when it can't be opened, or is another program's file.
        """
        self.path, self._durable = path, durable
        try:
            # a pulse must never wait for another program: what holds the file is a mistake
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        except sqlite3.Error as error:
            raise self._failed(error) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            raise self._failed(error) from error
        except LedgerError:
            self._connection.close()
            raise

    def record(
        self,
        device_id: str,
        boot_id: int,
        pulse: Pulsed,
        volume_ul: float | None,
        t_utc_ns: int,
        subject: str = "",
    ) -> bool:
        """Keep one confirmed pulse; it is durable on return.

        Args:
            device_id: of the device that delivered it.
            boot_id: of the device's life in which it did.
            pulse: as the device measured it.
            volume_ul: delivered, by the calibration; None for what isn't a calibrated valve.
            t_utc_ns: this computer's time of day.
            subject: who got it.

        Returns:
            Whether the pulse was new.

        Raises:
            LedgerError: when it can't be written, or another pulse has that number.
        """
        measured = (pulse.line, pulse.start_us, pulse.width_us, int(pulse.cut))
        row = (device_id, boot_id, pulse.id, *measured, volume_ul, t_utc_ns, subject)
        insert = "INSERT INTO pulses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        look = "SELECT line, start_us, width_us, cut FROM pulses WHERE (device_id, boot_id, id) = "
        try:
            if self._connection.execute(insert, row).rowcount == 1:
                return True
            held = self._connection.execute(look + "(?, ?, ?)", row[:3]).fetchone()
        except sqlite3.Error as error:
            raise self._failed(error) from error
        if held != measured:
            raise LedgerError(
                f"{self.path}: pulse {pulse.id} of boot {boot_id} of device {device_id} was kept "
                f"as {held}, now the device says {measured}; two devices have the same id, or its "
                "boot counter was reset: give the device a new id"
            )
        return False

    def totals(self, since_utc_ns: int = 0, subject: str | None = None) -> dict[str, Total]:
        """Return what each line delivered from a moment on, to everybody or to one subject.

        Raises:
            LedgerError: when the file can't be read.
        """
        if subject is None:
            return self._sums("t_utc_ns >= ?", (since_utc_ns,))
        return self._sums("t_utc_ns >= ? AND subject = ?", (since_utc_ns, subject))

    def of_boot(self, device_id: str, boot_id: int) -> dict[str, Total]:
        """Return what is kept of one life of a device, to be compared with its own ledger.

        Raises:
            LedgerError: when the file can't be read.
        """
        return self._sums("device_id = ? AND boot_id = ?", (device_id, boot_id))

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Return the open ledger."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the file."""
        self.close()

    def _prepare(self) -> None:
        execute = self._connection.execute
        (found,) = execute("PRAGMA application_id").fetchone()
        (tables,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        if (found != _APPLICATION_ID and tables) or (tables and version != _SCHEMA_VERSION):
            raise LedgerError(
                f"{self.path} is another program's database, or another version's; give the path "
                "of a ledger, or of a file that doesn't exist yet"
            )
        execute("PRAGMA journal_mode = WAL")
        execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}")
        if not tables:
            execute("BEGIN IMMEDIATE")
            execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            execute(_TABLE)
            execute("COMMIT")

    def _sums(self, where: str, values: tuple[object, ...]) -> dict[str, Total]:
        columns = "line, count(*), sum(width_us), total(volume_ul)"
        query = f"SELECT {columns} FROM pulses WHERE {where} GROUP BY line"  # noqa: S608  ours
        try:
            with closing(self._connection.execute(query, values)) as rows:
                return {line: Total(*sums) for line, *sums in rows}
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error) -> LedgerError:
        return LedgerError(
            f"the reward ledger {self.path} can't be used: {error}; check the folder, the disk's "
            "space, and that no other program has the file open"
        )

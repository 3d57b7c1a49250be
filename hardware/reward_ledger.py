"""Every pulse that a device confirmed, on disk: what an animal got, across restarts and kills.

One SQLite file for each device. A pulse is known by (device, boot, id), so reading it twice counts
it once. `record` returns when the pulse is durable. The ledger also knows whom a device served last
in each of its lives: a pulse that is found only later was that subject's.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from hardware.interface import Pulsed, RigError
from hardware.write_ahead import write_ahead

_APPLICATION_ID = 0x62696C67  # "bilg"
_SCHEMA_VERSION = 3
_BUSY_S = 1.0  # a pulse must never wait for another program: what holds the file is a mistake
_TABLES = (
    """CREATE TABLE IF NOT EXISTS pulses (
  device_id TEXT NOT NULL, boot_id INTEGER NOT NULL, id INTEGER NOT NULL,
  line TEXT NOT NULL, kind TEXT NOT NULL,
  start_us INTEGER NOT NULL, width_us INTEGER NOT NULL, cut INTEGER NOT NULL,
  volume_ul REAL, t_utc_ns INTEGER NOT NULL, subject TEXT NOT NULL,
  PRIMARY KEY (device_id, boot_id, id)
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS served (
  device_id TEXT NOT NULL, boot_id INTEGER NOT NULL, subject TEXT NOT NULL,
  t_utc_ns INTEGER NOT NULL, PRIMARY KEY (device_id, boot_id)
) WITHOUT ROWID""",
)


class LedgerError(RigError):
    """The ledger can't be written, or holds something else than the device says."""


@dataclass(frozen=True, slots=True)
class Total:
    """What one line delivered."""

    pulses: int
    on_us: int
    volume_ul: float
    """Sum over the pulses whose volume is known."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One confirmed pulse, as it is kept."""

    pulse: Pulsed
    """As the device measured it."""
    volume_ul: float | None
    """Delivered, by the calibration; None for what isn't a calibrated valve."""
    t_utc_ns: int
    """This computer's time of day."""
    subject: str = ""
    """Who got it; empty: nobody."""
    kind: str = ""
    """Of the line: valve, puff, …"""


@dataclass(frozen=True, slots=True)
class Served:
    """Whom a device served last."""

    subject: str
    """Empty: nobody."""
    t_utc_ns: int
    """The last sign of it: when it began, or its last pulse that was kept."""


class RewardLedger:
    """An open ledger; one process writes to it at a time."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Open a ledger, or begin one; one that isn't durable is for emulated devices.

        Raises:
            LedgerError: when it can't be opened, or is another program's file.
        """
        self.path, self._durable = path, durable
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S)
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

    def record(self, device_id: str, boot_id: int, entry: Entry) -> bool:
        """Keep one confirmed pulse; it is durable on return.

        Args:
            device_id: of the device that delivered it.
            boot_id: of the device's life in which it did.
            entry: what it was.

        Returns:
            Whether the pulse was new.

        Raises:
            LedgerError: when it can't be written, or another pulse has that number.
        """
        return self.record_all(device_id, boot_id, [entry]) == 1

    def record_all(self, device_id: str, boot_id: int, entries: Sequence[Entry]) -> int:
        """Keep several pulses, all of them or none; returns how many were new.

        Raises:
            LedgerError: as for `record`.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                new = sum(self._insert(device_id, boot_id, one) for one in entries)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite ends some by itself
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return new

    def _insert(self, device_id: str, boot_id: int, entry: Entry) -> bool:
        one = entry.pulse
        measured = (one.line, one.start_us, one.width_us)
        key = (device_id, boot_id, one.id)
        row = (*key, one.line, entry.kind, one.start_us, one.width_us, int(one.cut))
        insert = f"INSERT INTO pulses VALUES ({', '.join('?' * 11)}) ON CONFLICT DO NOTHING"  # noqa: S608
        values = (*row, entry.volume_ul, entry.t_utc_ns, entry.subject)
        if self._connection.execute(insert, values).rowcount == 1:
            return True
        # `cut` isn't compared: what was read from the device's own ledger doesn't say it
        look = "SELECT line, start_us, width_us FROM pulses WHERE (device_id, boot_id, id) = "
        held = self._connection.execute(look + "(?, ?, ?)", key).fetchone()
        if held != measured:
            raise LedgerError(
                f"{self.path}: pulse {one.id} of boot {boot_id} of device {device_id} was kept "
                f"as {held}, now the device says {measured}; two devices have the same id, or its "
                "boot counter was reset: give the device a new id"
            )
        return False

    def holds(self, device_id: str, boot_id: int, number: int) -> bool:
        """Return whether a pulse is kept.

        Raises:
            LedgerError: when the file can't be read.
        """
        query = "SELECT count(*) FROM pulses WHERE (device_id, boot_id, id) = (?, ?, ?)"
        return bool(self._one(query, (device_id, boot_id, number))[0])

    def lowest_id(self, device_id: str, boot_id: int) -> int:
        """Return the lowest number of a pulse, at most 0: the device's own begin at 1.

        Raises:
            LedgerError: when the file can't be read.
        """
        query = "SELECT min(id) FROM pulses WHERE (device_id, boot_id) = (?, ?)"
        return min(0, self._one(query, (device_id, boot_id))[0] or 0)

    def serve(self, device_id: str, boot_id: int, subject: str, t_utc_ns: int) -> None:
        """Note whom a device serves from now on; durable on return.

        Raises:
            LedgerError: when it can't be written.
        """
        insert = "INSERT OR REPLACE INTO served VALUES (?, ?, ?, ?)"
        try:
            self._connection.execute(insert, (device_id, boot_id, subject, t_utc_ns))
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def served(self, device_id: str, boot_id: int) -> Served | None:
        """Return whom a device served last in one of its lives; None: nobody ever.

        Raises:
            LedgerError: when the file can't be read.
        """
        query = (
            "SELECT subject, max(t_utc_ns, (SELECT coalesce(max(t_utc_ns), 0) FROM pulses "
            "WHERE (device_id, boot_id) = (served.device_id, served.boot_id))) "
            "FROM served WHERE (device_id, boot_id) = (?, ?)"
        )
        row = self._one(query, (device_id, boot_id))
        return None if row is None else Served(*row)

    def totals(self, since_utc_ns: int = 0, subject: str | None = None) -> dict[str, Total]:
        """Return what each line delivered from a moment on, to everybody or to one subject.

        Raises:
            LedgerError: when the file can't be read.
        """
        if subject is None:
            return self._sums("t_utc_ns >= ?", (since_utc_ns,))
        return self._sums("t_utc_ns >= ? AND subject = ?", (since_utc_ns, subject))

    def pulses(self, kind: str, since_utc_ns: int, subject: str) -> int:
        """Return how many pulses of one kind of line a subject got from a moment on.

        Raises:
            LedgerError: when the file can't be read.
        """
        query = "SELECT count(*) FROM pulses WHERE kind = ? AND t_utc_ns >= ? AND subject = ?"
        return self._one(query, (kind, since_utc_ns, subject))[0]

    def entries(self, since_utc_ns: int, subject: str) -> list[tuple[str, int, Entry]]:
        """Return what a subject got from a moment on: device, boot and pulse, to be copied.

        Raises:
            LedgerError: when the file can't be read.
        """
        query = (
            "SELECT device_id, boot_id, line, id, start_us, width_us, cut, volume_ul, t_utc_ns, "
            "subject, kind FROM pulses WHERE t_utc_ns >= ? AND subject = ? "
            "ORDER BY device_id, boot_id, id"
        )
        try:
            rows = self._connection.execute(query, (since_utc_ns, subject)).fetchall()
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return [
            (device, boot, Entry(Pulsed(*pulse[:4], cut=bool(pulse[4])), *kept))
            for device, boot, *pulse, kept in ((*row[:7], row[7:]) for row in rows)
        ]

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
        # tables first: another process may be making them, all in one moment
        (tables,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
        (found,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        if (found != _APPLICATION_ID and tables) or (tables and version != _SCHEMA_VERSION):
            raise LedgerError(
                f"{self.path} is another program's database, or another version's; give the path "
                "of a ledger, or of a file that doesn't exist yet"
            )
        write_ahead(self._connection, busy_s=_BUSY_S)
        execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}")
        if not tables:
            execute("BEGIN IMMEDIATE")
            execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            for table in _TABLES:
                execute(table)
            execute("COMMIT")

    def _one(self, query: str, values: tuple[object, ...]):
        try:
            return self._connection.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise self._failed(error) from error

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

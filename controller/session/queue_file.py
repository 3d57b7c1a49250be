"""The SQLite file of a queue: opening it beside other processes, whole transactions, its errors."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from controller.session.errors import SessionError
from hardware.write_ahead import write_ahead

_APPLICATION_ID = 0x62696171  # "biaq"
_VERSION = 1
_BUSY_S = 10.0
_STEP_S = 0.05  # short against a device's lease
_T = TypeVar("_T")
Run = Callable[..., sqlite3.Cursor]
"""Carries out one statement of a transaction."""


class QueueFile:
    """An open file; many processes may have it open."""

    def __init__(self, path: Path, tables: Sequence[str], *, durable: bool) -> None:
        """Open it, or make it with these tables.

        Raises:
            SessionError: when it can't be opened, or is another program's.
        """
        self.path = path
        self.meanwhile: Callable[[], object] = lambda: None
        """Called again and again while another process writes: whoever waits may have to do
        something, such as keeping a device's lease."""
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S)
        except sqlite3.Error as error:
            raise self.failed(error) from error
        try:
            self._prepare(tables, durable=durable)
            self._connection.execute(f"PRAGMA busy_timeout = {round(_STEP_S * 1000)}")
        except sqlite3.Error as error:
            self._connection.close()
            raise self.failed(error) from error
        except BaseException:
            self._connection.close()
            raise

    def transaction(self, action: Callable[[Run], _T]) -> _T:
        """Carry out an action as a whole, or not at all.

        Raises:
            SessionError: when it can't be written.
        """
        connection = self._connection
        try:
            self._begin()
            try:
                result = action(connection.execute)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # SQLite ends some by itself
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self.failed(error) from error
        return result

    def _begin(self) -> None:
        """Begin to write, once nobody else does."""
        deadline_s = time.monotonic() + _BUSY_S
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline_s:
                    raise
                self.meanwhile()
            else:
                return

    def read(self, query: str, values: tuple) -> list[Any]:
        """Return the rows of a query.

        Raises:
            SessionError: when it can't be read.
        """
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self.failed(error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def failed(self, error: Exception) -> SessionError:
        """Return what is raised when the file can't be used."""
        return SessionError(
            f"the queue {self.path} can't be used: {error}; check the folder, its permissions and "
            "the disk's space; if it is damaged, restore it from a copy (trials and answers are in "
            "the sessions' stores)"
        )

    def _prepare(self, tables: Sequence[str], *, durable: bool) -> None:
        execute = self._connection.execute
        (made,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
        (found,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        if made and (found, version) != (_APPLICATION_ID, _VERSION):
            raise SessionError(
                f"{self.path} is another program's database, or another version's: give the "
                "folder of an experiment that this program began"
            )
        write_ahead(self._connection, busy_s=_BUSY_S)
        execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        if not made:
            self.transaction(lambda run: _make(run, tables))


def _make(run: Run, tables: Sequence[str]) -> None:
    run(f"PRAGMA application_id = {_APPLICATION_ID}")
    run(f"PRAGMA user_version = {_VERSION}")
    for table in tables:
        run(table)

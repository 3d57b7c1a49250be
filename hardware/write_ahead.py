"""SQLite files that several processes open at the same time."""

import sqlite3
import time

AGAIN_S = 0.01


def write_ahead(connection: sqlite3.Connection, *, busy_s: float) -> None:
    """Let readers and a writer of a file go on side by side.

    Raises:
        sqlite3.Error: when it can't be, also after waiting for others.
    """
    deadline_s = time.monotonic() + busy_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # SQLite doesn't wait by itself for another process that is doing the same
            busy = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline_s:
                raise
            time.sleep(AGAIN_S)
        else:
            return

"""The journal: an SQLite file that is the truth about an experiment.

Tables: `frames(seq, kind, payload)`, one row for each frame, seq = 1, 2, …;
`states(name, payload)`, the last checkpoints; `meta(key, value)`, JSON.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import google_crc32c

from controller.store.boot import boot_id
from controller.store.errors import (
    NotAStore,
    StoreCorrupt,
    StoreError,
    StoreTooNew,
    write_error,
)
from controller.store.lock import Lock
from controller.store.schema import SCHEMA_VERSION, Layout
from controller.store.tally import TALLY_NAME, Tally, read_tally

JOURNAL_NAME = "journal.sqlite"
_APPLICATION_ID = 0x62696173  # "bias"
# Dry-runs write megabytes a frame: large pages and rare checkpoints halve the cost of that.
_DRY_PAGE, _DRY_CHECKPOINT_PAGES, _DRY_CACHE_KIB = 65536, 256, 8192
# A session appends and never looks back: what SQLite keeps of earlier trials only takes memory.
_LIVE_PAGE, _LIVE_CHECKPOINT_PAGES, _LIVE_CACHE_KIB = 4096, 1000, 512

_CRC = "crc"
SIGNED_SINCE = 3
"""Schema from which on meta has a checksum."""

Record = tuple[int, str, bytes]
"""seq, kind, payload."""


def _signed(meta: Mapping[str, Any]) -> dict[str, str]:
    """Return the rows of meta, with a checksum over all of them."""
    rows = {key: json.dumps(value) for key, value in meta.items()}
    return {**rows, _CRC: _checksum(rows)}


def _checksum(rows: Mapping[str, str]) -> str:
    text = json.dumps(sorted(rows.items()))
    return f"{google_crc32c.value(text.encode()):08x}"


def create_journal(folder: Path, meta: Mapping[str, Any], *, live: bool) -> None:
    """Make an empty journal in `folder`."""
    connection = sqlite3.connect(folder / JOURNAL_NAME, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {_LIVE_PAGE if live else _DRY_PAGE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        connection.execute("CREATE TABLE states (name TEXT PRIMARY KEY, payload BLOB NOT NULL)")
        connection.execute(
            "CREATE TABLE frames (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, "
            "payload BLOB NOT NULL)"
        )
        connection.executemany("INSERT INTO meta VALUES (?, ?)", _signed(meta).items())
        connection.execute("COMMIT")
    finally:
        connection.close()


def _mode(path: Path) -> str:
    """How SQLite must open the file; also readers share its locks, where they can be written."""
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "mode=rw"
    # In a read-only folder SQLite reads a WAL journal only if it may ignore the WAL.
    return "mode=ro" if path.with_name(f"{JOURNAL_NAME}-wal").exists() else "immutable=1"


class Journal:
    """An open journal. Errors of SQLite pass through, except where the file is no journal."""

    def __init__(self, folder: Path, *, writable: bool) -> None:
        """Open the journal of a store.

        Raises:
            NotAStore: there is no journal, or it is another program's file.
            StoreTooNew: a later version wrote it.
            StoreCorrupt: SQLite can't read it, or it lacks frames that were committed to it.
        """
        path = folder / JOURNAL_NAME
        if not path.is_file():
            raise NotAStore(
                f"{folder} is no store: expected {JOURNAL_NAME} in it. "
                "Give the folder that a run made (it also holds experiment.toml)"
            )
        uri = f"{path.absolute().as_uri()}?{_mode(path)}"
        self._tally: Tally | None = None
        witnessed = read_tally(folder)  # before counting, because a writer commits first
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            self._check(folder)
            self.meta = self._read_meta()
            self.layout = Layout(**self.meta["layout"])
            self._check_witnessed(folder, witnessed)
            if writable:
                self._tune()
                self._tally = Tally(folder)
            else:
                self._connection.execute("PRAGMA query_only = ON")
        except (OSError, sqlite3.OperationalError, StoreError):
            self._connection.close()
            raise
        except (sqlite3.DatabaseError, KeyError, TypeError, ValueError) as error:
            self._connection.close()
            raise StoreCorrupt(
                f"the journal {path} can't be read ({error}). It is the only truth about the "
                "experiment, so nothing can be rebuilt from it: restore it from a copy"
            ) from error

    def _check(self, folder: Path) -> None:
        try:
            (found,) = self._connection.execute("PRAGMA application_id").fetchone()
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise NotAStore(
                f"{folder / JOURNAL_NAME} is no journal of a store ({error})"
            ) from error
        if found != _APPLICATION_ID:
            raise NotAStore(f"{folder / JOURNAL_NAME} is another program's database")
        if version > SCHEMA_VERSION:
            raise StoreTooNew(
                f"the store {folder} has schema {version}, this program knows up to "
                f"{SCHEMA_VERSION}: update biasloop"
            )

    def _read_meta(self) -> dict[str, Any]:
        """Return what meta holds.

        Raises:
            ValueError: it isn't what was written.
        """
        rows = dict(self._connection.execute("SELECT key, value FROM meta"))
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        given = rows.pop(_CRC, None)
        if version >= SIGNED_SINCE and given != _checksum(rows):
            raise ValueError("the checksum of its header doesn't match")
        return {key: json.loads(value) for key, value in rows.items()}

    def _check_witnessed(self, folder: Path, witnessed: int) -> None:
        """Refuse a journal that lacks frames, for whoever goes on would use their numbers again.

        Raises:
            StoreCorrupt.
        """
        lacking = witnessed - self.last_seq
        if lacking > 0 and not self.power_was_cut:
            raise StoreCorrupt(
                f"the journal of {folder} lacks {lacking} frame(s) that were written to it: "
                f"{JOURNAL_NAME}-wal, where the last ones of a killed run are, is lost or damaged, "
                f"or an older copy is in the place of {JOURNAL_NAME}. Copy the whole folder again, "
                f"or restore both files from a copy. To go on without these frames, move "
                f"{TALLY_NAME} and experiment.zarr away and run `biasloop repair {folder}`"
            )

    @property
    def power_was_cut(self) -> bool:
        """Whether the machine stopped under a writer that didn't sync every commit."""
        left_open = self.meta["exit_status"] == "running"
        return left_open and not self.layout.live and self.meta["boot"] != boot_id()

    def _tune(self) -> None:
        live = self.layout.live
        pages = _LIVE_CHECKPOINT_PAGES if live else _DRY_CHECKPOINT_PAGES
        cache_kib = _LIVE_CACHE_KIB if live else _DRY_CACHE_KIB
        self._connection.execute(f"PRAGMA synchronous = {self._care}")
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        self._connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        self._connection.execute("PRAGMA busy_timeout = 5000")

    def exit_status(self) -> str:
        """How its writer left it by now; "running" while it is written."""
        query = "SELECT value FROM meta WHERE key = 'exit_status'"
        return str(json.loads(self._connection.execute(query).fetchone()[0]))

    @property
    def last_seq(self) -> int:
        """Number of the last frame; 0 if there is none."""
        try:
            (last,) = self._connection.execute("SELECT max(seq) FROM frames").fetchone()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise StoreCorrupt(
                f"the journal's frames can't be counted: {error}; restore it from a copy"
            ) from error
        return last or 0

    def check_numbers(self) -> None:
        """Refuse a journal whose frames aren't numbered without a gap: SQLite alone checks nothing.

        Raises:
            StoreCorrupt.
        """
        # one statement, because a writer may commit between two
        query = "SELECT count(*), max(seq) FROM frames"
        count, last = self._connection.execute(query).fetchone()
        if count != (last or 0):
            raise StoreCorrupt(
                f"the journal has {count} frames, and the last has the number {last}: it is "
                "damaged, restore it from a copy"
            )

    def append(
        self,
        after: int,
        frames: Sequence[tuple[str, bytes]],
        states: Iterable[tuple[str, bytes]] = (),
    ) -> None:
        """Store frames after number `after`, and states, in one transaction; then it is durable."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for seq, (kind, payload) in enumerate(frames, after + 1):
            execute("INSERT INTO frames VALUES (?, ?, ?)", (seq, kind, payload))
        for name, payload in states:
            execute("INSERT OR REPLACE INTO states VALUES (?, ?)", (name, payload))
        execute("COMMIT")
        self._witness(after + len(frames))

    def _witness(self, number: int) -> None:
        if self._tally is not None:
            self._tally.write(number)

    def roll_back(self) -> None:
        """End a transaction that was interrupted."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def set_meta(self, **values: Any) -> None:
        """Replace entries of meta; they survive a power cut, whatever the care for frames is."""
        self._witness(self.last_seq)  # what a power cut took isn't lacking any more
        rows = _signed({**self.meta, **values}).items()
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")
        self._connection.execute(f"PRAGMA synchronous = {self._care}")
        self.meta.update(values)

    @property
    def _care(self) -> str:
        """Whether each commit is synced, or what they have in common now and then."""
        return "FULL" if self.layout.live else "NORMAL"

    def records(self, after: int = 0) -> Iterator[Record]:
        """Frames after number `after`, one at a time, so that memory stays bounded.

        Raises:
            StoreCorrupt: a number is missing, or SQLite can't read a frame.
        """
        query = "SELECT seq, kind, payload FROM frames WHERE seq > ? ORDER BY seq LIMIT 1"
        while True:
            try:
                record = self._connection.execute(query, (after,)).fetchone()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                raise StoreCorrupt(f"frame {after + 1} can't be read: {error}") from error
            if record is None:
                return
            if record[0] != after + 1:
                raise StoreCorrupt(f"frame {after + 1} is missing; the next is {record[0]}")
            yield record
            after += 1

    def state(self, name: str) -> bytes | None:
        """The last checkpoint of that name."""
        query = "SELECT payload FROM states WHERE name = ?"
        row = self._connection.execute(query, (name,)).fetchone()
        return row[0] if row else None

    def checkpoint(self) -> None:
        """Move the write-ahead log into the main file."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file; the last one to close removes the write-ahead log. Idempotent."""
        self._connection.close()
        if self._tally is not None:
            self._tally.close()
            self._tally = None


@contextlib.contextmanager
def writable_journal(folder: Path) -> Iterator[tuple[Lock, Journal]]:
    """The lock and the open journal of a store; both are given up if the body fails.

    Raises:
        NotAStore, StoreTooNew, StoreCorrupt: see their messages.
        StoreLocked: another process has it.
        DiskFull, WriteFailed: the folder can't be written.
    """
    look = Journal(folder, writable=False)
    last_seq = look.last_seq
    look.close()
    with contextlib.ExitStack() as cleanup:
        try:
            lock = Lock.take(folder)
            cleanup.callback(lock.release)
            journal = Journal(folder, writable=True)
            cleanup.callback(journal.close)
        except (OSError, sqlite3.Error) as error:
            raise write_error(error, folder, last_seq) from error
        yield lock, journal
        cleanup.pop_all()

"""The writer of a store: append to the journal, publish by the fold, recover when opened.

The journal is committed first and is never behind; the fold follows and can be thrown away at any
moment. So an interrupted fold is handled like a kill: it is taken up from what it last published,
and the frames after that are read from the journal again.
"""

import contextlib
import errno
import math
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from controller.store import codec
from controller.store.boot import boot_id
from controller.store.creation import check_local, create_folder, read_document
from controller.store.errors import StoreError, StoreLocked, write_error
from controller.store.fold import Fold, read_marker
from controller.store.follow import publishing
from controller.store.frames import Frame, decode_frame, encode_frame
from controller.store.history import frames_of, state_of
from controller.store.journal import Journal, writable_journal
from controller.store.lock import Lock
from controller.store.memory import keep_freed_memory
from controller.store.place import free_bytes
from controller.store.recovery import Record, resume_fold
from controller.store.schema import Layout, Rows
from controller.store.session_frames import SESSION_FRAMES

RESERVE_BYTES = 8 * 2**20
"""Free space that is kept for the last fold and the write-ahead log."""
_PENDING_BYTES = 32 * 2**20
_T = TypeVar("_T")


class Store:
    """One experiment's folder, open for appending by this process alone.

    Made by `Store.create` or `Store.open`. As a context manager it is closed with the exit status
    "finished", "interrupted" (Ctrl-C) or "failed" (another exception), unless `close` came first.
    """

    def __init__(
        self, folder: Path, lock: Lock, journal: Journal, *, followed: bool = False
    ) -> None:
        self.folder = folder
        self.header: dict[str, Any] = journal.meta["header"]
        self.document = read_document(folder, self.header)
        self.layout: Layout = journal.layout
        self.last_seq = 0
        self.rows: dict[str, int] = {}
        keep_freed_memory()
        self._lock = lock
        self._journal = journal
        self._fold: Fold | None = None
        self._pending: list[Record] = []
        self._pending_bytes = 0
        self._published = 0
        self._folded_at = -math.inf
        self._failure: StoreError | None = None
        self._closed = False
        self._followed = followed
        self._interrupted = False

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        document: str,
        header: Mapping[str, Any],
        layout: Layout,
        followed: bool = False,
    ) -> "Store":
        """Make a new store and open it.

        Args:
            folder: absent or empty; its parents are made.
            document: text of the experiment's document.
            header: seed, versions, hash, …: what JSON can hold.
            layout: widths of the columns.
            followed: as for `open`.

        Raises:
            StoreExists: the folder holds something.
            NetworkFileSystem: it is not on a local disk.
            DiskFull: there is hardly any space.
        """
        folder = Path(folder)
        create_folder(folder, document=document, header=header, layout=layout)
        return cls.open(folder, followed=followed)

    @classmethod
    def open(cls, folder: Path, *, followed: bool = False) -> "Store":
        """Take the lock, recover what a kill left, and get ready to append.

        Args:
            folder: of a store.
            followed: another process publishes what is appended (`Follower`); this one does so
                only when it is opened and closed.

        Raises:
            NotAStore, StoreTooNew, StoreCorrupt: see their messages.
            StoreLocked: another process has it, or follows it.
            NetworkFileSystem: it is not on a local disk.
        """
        return cls._attach(Path(folder), "running", followed=followed)

    @classmethod
    def recover(cls, folder: Path) -> None:
        """Publish what a killed writer left; the exit status stays as it was."""
        cls._attach(Path(folder), None, followed=False).close(None)

    @classmethod
    def _attach(cls, folder: Path, exit_status: str | None, *, followed: bool) -> "Store":
        check_local(folder)
        with writable_journal(folder) as (lock, journal):
            store = cls(folder, lock, journal, followed=followed)
            with publishing(folder):
                store._guard(store._taken_up)
                if exit_status is not None:
                    store._guard(lambda: store._set_status(exit_status))
        return store

    def append(
        self,
        frames: Sequence[Frame],
        state: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    ) -> int:
        """Store frames and replace the named states, in one transaction.

        Returns:
            The number of the last frame. All is committed then.

        Raises:
            ValueError: a frame that does not fit; nothing is written and the store goes on.
            DiskFull, WriteFailed: final; the store takes no more.
        """
        self._require_open()
        payloads, rows = self._encode(frames)
        states = [(name, codec.encode(arrays)) for name, arrays in (state or {}).items()]
        if not payloads and not states:
            return self.last_seq
        self._guard(lambda: self._commit(payloads, states, rows))
        if self._pending_bytes > _PENDING_BYTES:
            self._guard(self._drain)
        return self.last_seq

    def state(self, name: str) -> dict[str, np.ndarray] | None:
        """The last checkpoint of that name, as read-only arrays; None if there is none."""
        return state_of(self._journal, self.folder, name)

    def frames(self, after: int = 0) -> Iterator[tuple[int, Frame]]:
        """All frames after number `after` with their numbers, one at a time."""
        return frames_of(self._journal, after)

    def fold(self, every_s: float = 0.0) -> None:
        """Publish everything that was appended.

        Args:
            every_s: do nothing if the last fold is not that long ago. A fold takes about 10 ms,
                whatever there is to publish.

        Raises:
            DiskFull, WriteFailed: final; the store takes no more.
        """
        self._require_open()
        if not self._followed and time.monotonic() - self._folded_at >= every_s:
            self._guard(self._publish)
            self._folded_at = time.monotonic()

    def close(self, exit_status: str | None) -> None:
        """Publish everything, record how the run ended, let others write. Idempotent.

        Args:
            exit_status: None leaves it as it was.

        Raises:
            DiskFull, WriteFailed: the journal has everything; others can write nevertheless.
        """
        if not self._closed:
            self._finish(exit_status)

    def __enter__(self) -> "Store":  # noqa: PYI034  beartype checks no Self here
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close("finished")
            return
        interrupted = issubclass(kind, (KeyboardInterrupt, SystemExit))
        try:
            self.close("interrupted" if interrupted else "failed")
        except StoreError as second:
            if error is not None:
                error.add_note(f"closing the store failed as well: {second}")

    def _require_open(self) -> None:
        if self._failure is not None:
            raise type(self._failure)(f"an earlier write failed: {self._failure}")
        if self._closed:
            raise StoreError(f"the store {self.folder} is closed: open it again to go on")
        self._guard(self._recounted if self._followed else self._taken_up)

    def _encode(self, frames: Sequence[Frame]) -> tuple[list[tuple[str, bytes]], Rows]:
        """Check frames and encode them; also the row counts after them."""
        rows, encoded = dict(self.rows), []
        for frame in frames:
            encoded.append(encode_frame(frame))
            if isinstance(frame, SESSION_FRAMES) != (self.layout.kind == "session"):
                raise ValueError(
                    f"expected a frame of a store of kind {self.layout.kind!r}, got "
                    f"{type(frame).__name__}"
                )
            frame.check(self.layout, rows)
            for table, added in frame.count().items():
                rows[table] += added
        return encoded, rows

    def _commit(
        self, payloads: list[tuple[str, bytes]], states: list[tuple[str, bytes]], rows: Rows
    ) -> None:
        size = sum(len(payload) for _, payload in (*payloads, *states))
        free = free_bytes(self.folder)
        if free is not None and free < RESERVE_BYTES + 2 * size:
            raise OSError(errno.ENOSPC, f"less than the reserve of {RESERVE_BYTES >> 20} MiB left")
        self._journal.append(self.last_seq, payloads, states)
        if not self._followed:
            for seq, (kind, payload) in enumerate(payloads, self.last_seq + 1):
                self._pending.append((seq, kind, payload))
            self._pending_bytes += size
        self.last_seq += len(payloads)
        self.rows = dict(rows)

    def _drain(self) -> Fold:
        fold = self._taken_up()
        for record in self._pending:
            fold.push(record[0], decode_frame(*record[1:], verify=False))
        self._pending, self._pending_bytes = [], 0
        return fold

    def _publish(self) -> None:
        fold = self._drain()
        if fold.seq != self._published:
            fold.publish()
            self._published = fold.seq

    def _taken_up(self) -> Fold:
        """The fold; after an interruption, taken up again from the disk."""
        if self._fold is None:
            self._journal.roll_back()
            self._pending, self._pending_bytes = [], 0
            fold = resume_fold(self.folder, self._journal)
            self.last_seq, self.rows = fold.seq, dict(fold.rows)
            self._fold, self._published, self._interrupted = fold, fold.seq, False
        return self._fold

    def _recounted(self) -> None:
        """After an interruption, count what is stored; whoever follows has the fold."""
        if not self._interrupted:
            return
        self._journal.roll_back()
        marker = read_marker(self.folder)
        self.last_seq, rows = marker["seq"], dict(marker["rows"])
        for seq, frame in frames_of(self._journal, self.last_seq):
            self.last_seq = seq
            for table, added in frame.count().items():
                rows[table] += added
        self.rows, self._interrupted = rows, False

    def _set_status(self, exit_status: str) -> None:
        fold = self._drain()
        self._journal.set_meta(exit_status=exit_status, boot=boot_id())
        fold.attributes["exit_status"] = exit_status
        fold.publish()
        self._published = fold.seq

    def _finish(self, exit_status: str | None) -> None:
        self._closed = True
        if self._followed:
            self._fold = None  # the other process went on with it
        try:
            if self._failure is not None:
                # A last attempt; the failure itself was raised already.
                with contextlib.suppress(OSError, sqlite3.Error):
                    self._journal.roll_back()
                    if exit_status is not None:
                        self._journal.set_meta(exit_status=exit_status)
                return
            try:
                with publishing(self.folder):
                    self._publish_end(exit_status)
            except StoreLocked:
                # the follower doesn't let go; it, or who reads next, publishes the rest
                if exit_status is not None:
                    self._guard(lambda: self._journal.set_meta(exit_status=exit_status))
            self._guard(self._journal.checkpoint)
        finally:
            self._journal.close()
            self._lock.release()

    def _publish_end(self, exit_status: str | None) -> None:
        if exit_status is None:
            self._guard(self._publish)
        else:
            self._guard(lambda: self._set_status(exit_status))
        self._guard(self._taken_up().publish_arrays)

    def _guard(self, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except (OSError, sqlite3.Error) as error:
            self._failure = write_error(error, self.folder, self.last_seq)
            raise self._failure from error
        except BaseException:
            # Half done, for instance by Ctrl-C: the journal knows how far.
            self._fold, self._interrupted = None, True
            raise

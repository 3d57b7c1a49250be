"""Publishing what another process appends, so that the one that may not wait never folds.

Two that publish the same store would write the same temporary files. So a follower holds a lock of
its own, beside the writer's, and whoever else wants to publish asks for it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from controller.store.errors import StoreError, StoreLocked, WriteFailed
from controller.store.fold import Fold
from controller.store.journal import Journal
from controller.store.lock import Lock, writer_pid
from controller.store.recovery import catch_up, resume_fold

FOLLOWER = "follower"
"""Folder of the follower's lock."""


class Follower:
    """Folds a store that a writer in another process has open with `followed`.

    One follower a store, and none while the writer closes it: that folds the rest by itself.
    """

    def __init__(self, folder: Path) -> None:
        """Take up the fold where it stands.

        Raises:
            StoreLocked: another one follows it.
            StoreError: as for reading, and where nothing can be written.
        """
        self._folder = folder
        self._fold: Fold | None = None
        self._journal = Journal(folder, writable=False)
        try:
            (folder / FOLLOWER).mkdir(exist_ok=True)
            self._lock = _take(folder)
        except BaseException as error:
            self._journal.close()
            if isinstance(error, OSError):
                raise self._failed(error) from error
            raise
        try:
            self._taken_up()
        except BaseException:
            self.close()
            raise

    def step(self) -> bool:
        """Publish what has come since; whether anything had.

        Raises:
            StoreError: it can't be read or written; a later call tries again.
        """
        fold = self._taken_up()
        try:
            if self._journal.last_seq == fold.seq:
                return False
            catch_up(fold, self._journal)
        except (OSError, sqlite3.Error) as error:
            self._fold = None
            raise self._failed(error) from error
        except BaseException:
            self._fold = None  # half done: the disk knows how far
            raise
        return True

    def close(self) -> None:
        """Let go of the journal, and let others publish."""
        self._journal.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _taken_up(self) -> Fold:
        """Return the fold; after a failure, taken up again from the disk."""
        if self._fold is None:
            try:
                self._fold = resume_fold(self._folder, self._journal)
            except (OSError, sqlite3.Error) as error:
                raise self._failed(error) from error
        return self._fold

    def _failed(self, error: OSError | sqlite3.Error) -> StoreError:
        return WriteFailed(
            f"what is stored in {self._folder} can't be published: {error}; the journal holds "
            "everything: check the disk and its space, then read the store"
        )


@contextmanager
def publishing(folder: Path) -> Iterator[None]:
    """Be the only one that publishes a store.

    Raises:
        StoreLocked: a follower does.
    """
    lock = _take(folder) if (folder / FOLLOWER).is_dir() else None
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _take(folder: Path) -> Lock:
    try:
        return Lock.take(folder / FOLLOWER)
    except StoreLocked as error:
        pid = writer_pid(folder / FOLLOWER) or "unknown"
        raise StoreLocked(
            f"the store {folder} is published by process {pid}, which follows it; wait for it to "
            "finish or stop it. Reading works meanwhile"
        ) from error

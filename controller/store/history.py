"""Reading a store's journal frame by frame, without the lock and without changing anything."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from controller.store import codec
from controller.store.creation import read_document
from controller.store.errors import StoreCorrupt
from controller.store.frames import Frame
from controller.store.journal import Journal
from controller.store.recovery import decode_record


class History:
    """What a store's writer has committed so far; a context manager."""

    def __init__(self, folder: Path) -> None:
        """Open the journal of a store for reading.

        Raises:
            NotAStore, StoreTooNew, StoreCorrupt: see their messages.
        """
        self.folder = folder
        self._journal = Journal(folder, writable=False)
        self.header: dict[str, Any] = self._journal.meta["header"]
        self.layout = self._journal.layout
        try:
            self.document = read_document(folder, self.header)
        except BaseException:
            self._journal.close()
            raise

    def frames(self, after: int = 0) -> Iterator[tuple[int, Frame]]:
        """All frames after number `after` with their numbers, one at a time."""
        return frames_of(self._journal, after)

    def state(self, name: str) -> dict[str, np.ndarray] | None:
        """The last checkpoint of that name, as read-only arrays; None if there is none."""
        return state_of(self._journal, self.folder, name)

    def __enter__(self) -> "History":  # noqa: PYI034  beartype checks no Self here
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._journal.close()


def frames_of(journal: Journal, after: int) -> Iterator[tuple[int, Frame]]:
    """Decode the frames of a journal after number `after`, one at a time."""
    for record in journal.records(after):
        yield record[0], decode_record(record)


def state_of(journal: Journal, folder: Path, name: str) -> dict[str, np.ndarray] | None:
    """Decode the last checkpoint of that name.

    Raises:
        StoreCorrupt: it is damaged.
    """
    payload = journal.state(name)
    if payload is None:
        return None
    try:
        return codec.decode(payload)[0]
    except codec.DecodeError as error:
        raise StoreCorrupt(f"the state {name!r} of {folder} is damaged: {error}") from error

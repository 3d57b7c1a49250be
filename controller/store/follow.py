"""Publishing what another process appends, so that the one that may not wait never folds."""

from pathlib import Path
from typing import Self

from controller.store.fold import Fold
from controller.store.journal import Journal
from controller.store.recovery import catch_up, resume_fold


class Follower:
    """Folds a store that a writer in another process has open with `followed`.

    One follower a store, and none while the writer closes it: that folds the rest by itself.
    """

    def __init__(self, folder: Path) -> None:
        """Take up the fold where it stands.

        Raises:
            StoreError: as for reading.
        """
        self._journal = Journal(folder, writable=False)
        self._fold: Fold = resume_fold(folder, self._journal)

    def step(self) -> bool:
        """Publish what has come since; whether anything had."""
        if self._journal.last_seq == self._fold.seq:
            return False
        catch_up(self._fold, self._journal)
        return True

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

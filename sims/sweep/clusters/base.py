"""What a cluster is: a way to get workers."""

import abc
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from distributed import Client


class AbstractCluster(abc.ABC):
    """A kind of cluster. A new one is one final, frozen dataclass."""

    __slots__ = ()
    kind: ClassVar[str]

    @abc.abstractmethod
    def connect(self, folder: Path, workers: int | None) -> "AbstractContextManager[Client]":
        """Start workers, and give a client; all of it ends with the block.

        Args:
            folder: of the sweep; the workers see the same.
            workers: how many, if somebody asked for a number at the terminal.

        Raises:
            controller.schedulers.SchedulerError: it can't be had; the message says what to do.
        """

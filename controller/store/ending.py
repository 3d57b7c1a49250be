"""How a store ended, for who only looks at it."""

from collections.abc import Callable
from pathlib import Path

from controller.store.lock import writer_pid


def ending(folder: Path, say: Callable[[], str]) -> str:
    """What a store says of its end; "killed" where it says that it runs and nobody writes.

    Args:
        folder: of the store.
        say: reads what it says, "running" for a store that is written.
    """
    for _ in range(2):  # a writer may come or go between the two looks, but not twice
        said = say()
        if said != "running" or writer_pid(folder) is not None:
            return said
    return "killed"

"""One lent session in its process on a rig's computer, from the lock to the word how it ended."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.rigs.lent_folder import STOP, LentFolder
from controller.rigs.messages import REFUSED
from controller.session.controls import Controls, Wish
from controller.session.errors import SessionError
from controller.session.parts import Ending
from controller.session.queue import Queue
from controller.store import StoreError
from controller.store.lock import Lock
from hardware.interface import Ask, RigError
from protocols.documents import DocumentError

PATIENCE_S = 120.0
"""How long a session whose episodes are all done waits for more, which somebody may be sending."""


@dataclass(frozen=True, slots=True)
class Loan:
    """What a session's process is given."""

    folder: LentFolder
    order: Mapping[str, Any]
    queue: Queue


class NoPlanning:
    """The planner is elsewhere: what it proposes comes into the queue by itself, or doesn't."""

    def nudge(self) -> None:
        """Nothing."""


class LentControls:
    """Wishes of whoever is at the rig, and the experimenter's to stop."""

    def __init__(self, here: Controls, queue: Queue) -> None:
        self._here, self._queue, self._heard = here, queue, False

    def wishes(self) -> Iterator[tuple[Wish, str]]:
        """Yield what was asked since, each with its words."""
        yield from self._here.wishes()
        words = None if self._heard else self._queue.read(STOP)
        if words is not None:
            self._heard = True
            yield Wish.STOP, words

    def watch(self) -> None:
        """Look for what can't wait, at the rig only.

        Raises:
            Stopped: the session has to end at once.
        """
        self._here.watch()

    def typed(self, ask: Ask) -> str | None:
        """Return what was answered at the rig; None while it isn't whole."""
        return self._here.typed(ask)


def carry_out(lab: Path, session: str, run: Callable[[Loan], Ending]) -> Ending:
    """Run a lent session, and write down how it ended, whatever happens.

    Raises:
        StoreLocked: another process runs it.
    """
    _stay()
    folder = LentFolder(lab, session)
    lock = Lock.take(folder.path)
    ending = Ending("failed", "a fault of the program")
    try:
        with Queue(folder.path) as queue:
            ending = run(Loan(folder, folder.order(), queue))
    except (SessionError, RigError, DocumentError, StoreError) as error:
        begun = folder.store.exists()
        ending = Ending("failed" if begun else REFUSED, str(error))
    except Exception as error:
        # told where the experimenter is, who sees nothing of this computer's terminal
        ending = Ending("failed", f"a fault of the program: {type(error).__name__}: {error}")
        raise
    finally:
        folder.write_ending(ending.status, ending.reason)
        lock.release()
    return ending


def _stay() -> None:
    """Go on where the terminal belongs to somebody else meanwhile, instead of being halted."""
    for name in ("SIGTTIN", "SIGTTOU"):
        with suppress(AttributeError, ValueError):
            signal.signal(getattr(signal, name), signal.SIG_IGN)

"""One run of a sweep, in a worker: claimed, begun or resumed, analysed, its row written.

What comes back is small: results are files, so that nothing has to be run again when a worker is
lost that held them.
"""

import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from controller import jax_cache
from controller.analysis.summary import AnalysisError, analyse, summary
from controller.claims import Claim, ClaimError, beating, claim
from controller.loop import LoopError
from controller.runs import begin, frozen_document, go_on
from controller.store import status
from controller.store.files import remove_tree
from sims.sweep.local_disk import on_local_disk
from sims.sweep.row import Row, later, read_row, write_row

LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker is sent."""

    name: str
    folder: Path
    """Of the sweep."""
    document: str
    control: bool
    owner: Claim
    """Of the client: without it nobody is to go on."""


class Outcome(StrEnum):
    """How a task ended."""

    DONE = "done"
    """There is a row that says how."""
    STOPPED = "stopped"
    """The client asked for the end; the store can be resumed."""
    BUSY = "busy"
    """Another process is at it."""


def store_of(folder: Path, name: str) -> Path:
    """Return where a run's store is."""
    return folder / "runs" / name


def perform(task: Task) -> Outcome:
    """Do what is left of a run. May be called again, also while another worker is at it."""
    if read_row(task.folder, task.name).final:
        return Outcome.DONE
    if not task.owner.holds():
        return Outcome.STOPPED
    place = store_of(task.folder, task.name)
    try:
        held = claim(task.folder, task.name, take_over=True, look=place)
    except ClaimError:
        return Outcome.BUSY
    try:
        with beating(held):
            return _performed(task)
    finally:
        held.release()


def _performed(task: Task) -> Outcome:
    row = read_row(task.folder, task.name)
    if row.final:  # finished by another one since it was looked at
        return Outcome.DONE
    started = time.monotonic()

    def end(**changes: object) -> Row:
        return write_row(task.folder, later(row, time.monotonic() - started, **changes))

    try:
        found = _run(task)
    except (LoopError, AnalysisError) as error:
        end(state="failed", reason=str(error))
    except Exception as error:  # noqa: BLE001  one run's failure must not end the others
        end(state="unfinished", reason=f"{type(error).__name__}: {error}")
    else:
        if found is None:
            end(state="unfinished", reason="interrupted")
            return Outcome.STOPPED
        end(state="finished", reason="", summary=found)
    return Outcome.DONE


def _run(task: Task) -> dict | None:
    """Run it to its end and return what it says; None if it was asked to stop before."""
    jax_cache.enable()
    with on_local_disk(store_of(task.folder, task.name)) as place:
        for partial in place.parent.glob(f".{place.name}.*.partial"):  # of a killed attempt
            remove_tree(partial)
        should_stop = _Watch(task.owner)
        if not place.exists():
            document = frozen_document(task.document, place)
            finished = begin(document, place, control=task.control, should_stop=should_stop)
        elif status(place)["exit_status"] == "finished":
            finished = True
        else:
            finished = go_on(place, should_stop=should_stop)
        return summary(analyse(place)) if finished else None


class _Watch:
    """Tells whether the client still wants it, and looks once a second."""

    def __init__(self, owner: Claim) -> None:
        self._owner, self._next, self._gone = owner, 0.0, False

    def __call__(self) -> bool:
        now = time.monotonic()
        if not self._gone and now >= self._next:
            self._gone, self._next = not self._owner.holds(), now + LOOK_S
        return self._gone

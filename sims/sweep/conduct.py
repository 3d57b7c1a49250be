"""The client of a sweep: sends runs to workers, hears how they ended, sends again what was lost."""

import time
import uuid
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from controller.schedulers import SchedulerError
from sims.sweep.row import later, read_row, write_row
from sims.sweep.work import Outcome, Task, perform

if TYPE_CHECKING:
    from distributed import Client

GROUP = "run"
"""What is of one group waits at the scheduler for a free worker, and isn't dealt out at once."""
AGAIN_S = 2.0
"""After so long a run that another process was at is sent again."""
ALONE_S = 15.0
"""After so long without a worker it is said."""


class Conductor:
    """Runs under way at a scheduler."""

    def __init__(
        self,
        client: "Client",
        *,
        on_done: Callable[[Task], None],
        on_note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Take a client.

        Args:
            client: of a scheduler.
            on_done: called with each task that has a row which says how it ended.
            on_note: called with what people should know meanwhile.
        """
        self._client = client
        self._on_done, self._on_note = on_done, on_note
        self._ended: SimpleQueue[Any] = SimpleQueue()
        self._flying: dict[Hashable, tuple[Any, Task]] = {}
        self._later: list[tuple[float, Task]] = []
        self._stopping = False
        self._alone_since: float | None = None

    def conduct(self, tasks: Iterable[Task], should_stop: Callable[[], bool]) -> None:
        """Have all tasks done; when asked to stop, wait only for those that workers are at.

        Raises:
            SchedulerError: the scheduler was lost.
        """
        for task in tasks:
            self._send(task)
        while self._flying or self._later:
            try:
                self._hear(self._ended.get(timeout=0.5))
            except Empty:
                self._look_for_workers()
            if should_stop() and not self._stopping:
                self._stop()
            self._send_again()

    def _send(self, task: Task) -> None:
        key = (GROUP, task.name, uuid.uuid4().hex)
        future = self._client.submit(perform, task, key=key, pure=False)
        self._flying[key] = (future, task)
        future.add_done_callback(lambda ended: self._ended.put(ended.key))

    def _hear(self, key: Hashable) -> None:
        """Take what came of a task, and let the scheduler forget it."""
        future, task = self._flying.pop(key, (None, None))
        if future is None or task is None:
            return
        try:
            outcome = future.result(timeout=60)
        except (CancelledError, OSError, TimeoutError) as error:
            if self._stopping:
                return
            raise SchedulerError(
                "lost the scheduler: is it still running? What is finished is kept, the same "
                "command goes on"
            ) from error
        except Exception as error:  # noqa: BLE001  of a worker: what it says is all there is
            row = read_row(task.folder, task.name)
            write_row(task.folder, later(row, 0, reason=f"{type(error).__name__}: {error}"))
            outcome = Outcome.DONE
        finally:
            future.release()
        if outcome is Outcome.DONE:
            self._on_done(task)
        elif outcome is Outcome.BUSY and not self._stopping:
            self._later.append((time.monotonic() + AGAIN_S, task))

    def _send_again(self) -> None:
        now = time.monotonic()
        due = [task for when, task in self._later if when <= now]
        self._later = [one for one in self._later if one[0] > now]
        for task in due:
            self._send(task)

    def _stop(self) -> None:
        """Take back what no worker is at."""
        self._stopping, self._later = True, []
        try:
            at_work: Any = self._client.processing()
            running = {key for keys in at_work.values() for key in keys}
        except (OSError, TimeoutError):
            running = set()
        waiting = [future for key, (future, _) in self._flying.items() if key not in running]
        self._client.cancel(waiting)
        for future in waiting:
            self._flying.pop(future.key, None)

    def _look_for_workers(self) -> None:
        try:
            workers = self._client.nthreads()
        except (OSError, TimeoutError):  # the scheduler is lost, as the runs' futures will tell
            return
        if workers:
            self._alone_since = None
            return
        now = time.monotonic()
        if self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since > ALONE_S:
            self._on_note("no worker at the moment; waiting for one (Ctrl-C stops)")
            self._alone_since = float("inf")  # said once

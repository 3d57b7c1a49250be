"""A thread that computes, so that the server goes on answering; it ends with the program."""

import asyncio
import gc
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from controller.store.memory import give_back_memory

_T = TypeVar("_T")
_Job = tuple[Callable[[], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]


class Worker:
    """One thread, one job after the other. Daemonic: Ctrl-C doesn't wait for a long job."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, job: Callable[[], _T]) -> _T:
        """Return what a job returns, or raise what it raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        self._jobs.put((job, done, loop))
        return await done

    def _work(self) -> None:
        while True:
            job, done, loop = self._jobs.get()
            result, failure = None, None
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001  it is raised where the job is awaited
                failure = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, done, result, failure)
            del job, done, result, failure  # nothing is kept alive while waiting
            gc.collect()  # tables refer to each other in circles: they would wait for their turn
            give_back_memory()


def _settle(done: "asyncio.Future[Any]", result: Any, failure: BaseException | None) -> None:
    if done.cancelled():
        return
    if failure is None:
        done.set_result(result)
    else:
        done.set_exception(failure)

"""A rig as a Dask worker with the resource `rig`, which comes back whenever it was cut off.

What the worker does is short: a session is another process. So a scheduler that dies, a network
that is gone, or the worker's own end change nothing for the animal.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from controller.rigs.host import Host
from controller.session.errors import NotReady

RESOURCE = "rig"
PLUGIN = "biasloop-rig"
AGAIN_S = 2.0
START_S = 60.0


def host_of(worker: Any) -> Host | None:
    """Return the host of a rig's worker; None of a worker that is no rig."""
    plugin = worker.plugins.get(PLUGIN)
    return None if plugin is None else plugin.host


async def serve(
    address: str, name: str, host: Host, say: Callable[[str], None], ended: asyncio.Event
) -> None:
    """Be a worker until `ended`, again after every interruption.

    Raises:
        NotReady: another rig of that name is there already.
    """
    served = False
    while not ended.is_set():
        with TemporaryDirectory(prefix="biasloop-rig-") as scratch:
            try:
                worker = await _started(address, name, host, scratch)
            except (OSError, TimeoutError, RuntimeError, ValueError) as error:
                if not served and "name taken" in _words(error):
                    raise NotReady(
                        f"a rig {name} is served already at {address}: end that one first, or "
                        "give this rig's document another name"
                    ) from error
                say(f"no scheduler at {address} ({error}); trying again")
                await _until(ended.wait(), AGAIN_S)
                continue
            say(f"the rig {name} waits for sessions from {address}")
            served = True
            await _until_either(worker.finished(), ended.wait())
            await _until(worker.close(), START_S)
            if not ended.is_set():
                say("the scheduler is gone; a session that runs goes on, trying again")
                await _until(ended.wait(), AGAIN_S)


@contextmanager
def ending_on_signals(ended: asyncio.Event, busy: Callable[[], bool]) -> Iterator[None]:
    """Let SIGINT and SIGTERM end serving, after the session that runs."""
    loop = asyncio.get_running_loop()
    asked = False

    def look() -> None:
        if busy():
            loop.call_later(0.5, look)
        else:
            ended.set()

    def stop() -> None:
        nonlocal asked
        if not asked:
            asked = True
            look()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def _started(address: str, name: str, host: Host, scratch: str) -> Any:
    from distributed import Worker

    from controller.rigs.host_plugin import HostPlugin

    # set with the import; what matters is said by us
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    worker = Worker(
        address,
        name=name,
        nthreads=1,
        resources={RESOURCE: 1},
        memory_limit=0,
        plugins=(HostPlugin(host),),
        local_directory=scratch,
        death_timeout=START_S,
        dashboard=False,
        dashboard_address="127.0.0.1:0",  # its HTTP server can't be left out, but kept from others
    )
    try:
        await worker
    except BaseException:
        await worker.close(reason="not-started")
        raise
    return worker


def _words(error: BaseException) -> str:
    """Return all that an error and its causes say."""
    words, cause = "", error
    while cause is not None:
        words, cause = f"{words} {cause}", cause.__cause__
    return words


async def _until(awaited: Any, seconds: float) -> None:
    try:
        await asyncio.wait_for(awaited, seconds)
    except TimeoutError:
        return


async def _until_either(*awaited: Any) -> None:
    tasks = [asyncio.ensure_future(one) for one in awaited]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()

"""Calling rigs over a scheduler; each call ends within a time, whatever became of the network."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, Self, TypeVar

from controller.rigs import endpoints
from controller.rigs.messages import Facts, Order, Report, Wishes
from controller.rigs.worker import RESOURCE
from controller.scheduler_address import checked
from controller.schedulers import require_dask
from controller.session.errors import SessionError

CALL_S = 20.0
BEGIN_S = 60.0
_T = TypeVar("_T")


class Away(SessionError):  # noqa: N818  says what happened
    """The scheduler or the rig doesn't answer now; nothing is known of what it did."""


class Rigs(Protocol):
    """Rigs that can be called by their names."""

    def facts(self) -> dict[str, Facts]:
        """Say which rigs there are.

        Raises:
            Away: nobody answers.
        """
        ...

    def begin(self, order: Order) -> str:
        """Let a rig begin a session.

        Raises:
            NotReady: the rig's own words why it may not.
            Away: it may have begun, or not.
        """
        ...

    def revoke(self, rig: str, session: str) -> bool:
        """Let a rig never begin a session from now on; whether it hadn't.

        Raises:
            Away: it doesn't answer.
        """
        ...

    def exchange(self, rig: str, session: str, wishes: Wishes) -> Report:
        """Take how a session stands.

        Raises:
            Away: it doesn't answer.
        """
        ...

    def part(self, rig: str, session: str, offset: int) -> bytes:
        """Return a part of a session's packed store.

        Raises:
            Away: it doesn't answer.
        """
        ...

    def settle(self, rig: str, session: str) -> None:
        """Say that all has arrived.

        Raises:
            Away: it doesn't answer.
        """
        ...


class Calls:
    """Rigs behind a scheduler; a context manager with an event loop in a thread of its own."""

    def __init__(self, address: str, *, call_s: float = CALL_S) -> None:
        """Connect with the first call.

        Raises:
            SchedulerError: the address isn't safe, or Dask isn't installed.
        """
        require_dask()
        checked(address)
        self._address, self._call_s = address, call_s
        self._client: Any = None
        self._known: dict[str, str] = {}
        """Addresses of rigs; asked again where one doesn't answer: all of them are a long list."""
        self._loop = asyncio.new_event_loop()
        # what is left of a connection that broke complains to nobody; each call says what it met
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, name="rigs", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(Away):
            self._wait(self._forget(), self._call_s)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(self._call_s)
        self._loop.close()

    def facts(self) -> dict[str, Facts]:
        """Say which rigs there are."""
        found = self._wait(self._facts(), self._call_s)
        return {one.name: one for one in found}

    def begin(self, order: Order) -> str:
        """Let a rig begin a session."""
        return self._wait(self._begin(order), BEGIN_S)

    def revoke(self, rig: str, session: str) -> bool:
        """Let a rig never begin a session from now on; whether it hadn't."""
        return self._call(rig, endpoints.revoke, session)

    def exchange(self, rig: str, session: str, wishes: Wishes) -> Report:
        """Take how a session stands."""
        return self._call(rig, endpoints.exchange, session, wishes)

    def part(self, rig: str, session: str, offset: int) -> bytes:
        """Return a part of a session's packed store."""
        return self._call(rig, endpoints.part, session, offset)

    def settle(self, rig: str, session: str) -> None:
        """Say that all has arrived."""
        self._call(rig, endpoints.settle, session)

    def _call(self, rig: str, function: Callable[..., Any], *arguments: object) -> Any:
        return self._wait(self._run(rig, function, *arguments), self._call_s)

    def _wait(self, work: Coroutine[Any, Any, _T], seconds: float) -> _T:
        """Wait for something in the loop's thread.

        Raises:
            Away: it took too long, or the connection broke.
        """
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, seconds), self._loop)
        try:
            return future.result()
        except SessionError:
            raise
        except (OSError, TimeoutError, asyncio.CancelledError) as error:
            self._drop()
            raise self._away(error) from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "distributed":
                raise
            self._drop()
            raise self._away(error) from error

    def _away(self, error: BaseException) -> Away:
        return Away(
            f"no answer from {self._address} within {self._call_s:g} s "
            f"({error or type(error).__name__}): is `dask scheduler` started there, with the same "
            "TLS certificates, and are the rigs connected?"
        )

    def _drop(self) -> None:
        """Begin anew with the next call."""
        asyncio.run_coroutine_threadsafe(self._forget(), self._loop)

    async def _forget(self) -> None:
        client, self._client = self._client, None
        self._known = {}
        if client is not None:
            with suppress(Exception):  # whatever is left of it
                await asyncio.wait_for(client.close(), 5.0)

    async def _connected(self) -> Any:
        from distributed import Client

        if self._client is None or self._client.status != "running":
            await self._forget()
            seconds = self._call_s * 0.8  # it gives up by itself, before it is given up
            client: Any = Client(
                self._address, asynchronous=True, timeout=seconds, set_as_default=False
            )
            try:
                self._client = await client
            except BaseException:
                await client.close()
                raise
        return self._client

    async def _workers(self) -> dict[str, str]:
        """Ask for the addresses of the workers that are rigs, by their names."""
        client = await self._connected()
        known = await client.scheduler.identity(n_workers=-1)
        self._known = {
            str(one["name"]): address
            for address, one in known["workers"].items()
            if RESOURCE in one["resources"]
        }
        return self._known

    async def _facts(self) -> list[Facts]:
        client, workers = await self._connected(), await self._workers()
        found = await client.run(endpoints.facts, workers=list(workers.values()), on_error="return")
        return [one for one in found.values() if isinstance(one, Facts)]

    async def _address_of(self, rig: str) -> str:
        known = self._known if rig in self._known else await self._workers()
        if rig not in known:
            raise Away(f"the rig {rig} isn't connected to {self._address}")
        return known[rig]

    async def _run(self, rig: str, function: Callable[..., Any], *arguments: object) -> Any:
        address = await self._address_of(rig)
        client = await self._connected()
        return (await client.run(function, *arguments, workers=[address]))[address]

    async def _begin(self, order: Order) -> str:
        address = await self._address_of(order.rig)
        client = await self._connected()
        future = client.submit(
            endpoints.begin,
            order,
            key=f"begin-{order.session}",
            workers=[address],
            allow_other_workers=False,
            resources={RESOURCE: 1},
            retries=0,
            pure=False,
        )
        try:
            return await future
        finally:
            future.release()  # a future that is held is run again after a worker's death

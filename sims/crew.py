"""A crew of simulated rigs: many Dask workers in few processes, each with a host like a real rig's.

What they say goes over real connections and through a real scheduler; only the animal isn't there:
an episode takes as long as is asked for, and is answered at random. For what a laboratory with a
hundred rigs would ask of the scheduler, and of an experiment's queue.
"""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from controller.rigs.messages import OVER, RUNNING, UNKNOWN, Facts, Order, Report, Wishes
from controller.rigs.software import software
from controller.session.errors import NotReady
from controller.session.lending import Lent, Line, Place, Standing
from controller.statuses import Status
from controller.store import codec


@dataclass
class _Session:
    """A session that nobody runs: time alone answers its episodes."""

    lent: list[Lent]
    ends_s: list[float]
    """When each of them is answered."""

    def take(self, lent: Sequence[Lent], episode_s: float) -> None:
        """Take episodes, which come one after the other."""
        there = {_place(one) for one in self.lent}
        for one in lent:
            if _place(one) in there:
                continue
            free_s = max([time.monotonic(), *self.ends_s[-1:]])
            self.lent.append(one)
            self.ends_s.append(free_s + episode_s)


@dataclass
class SimulatedHost:
    """A rig whose animal answers an episode after a time; one session at a time."""

    name: str
    episode_s: float
    patience_s: float = 0.0
    """How long it waits for more."""
    sessions: dict[str, _Session] = field(default_factory=dict)
    busy: str | None = None

    def facts(self) -> Facts:
        """Say what it is."""
        return Facts(self.name, "emulated", software(), self.busy)

    def begin(self, order: Order) -> str:
        """Begin a session, once.

        Raises:
            NotReady: it was begun before, or another one runs.
        """
        if order.session in self.sessions:
            raise NotReady(f"no second start: {order.session} was begun before")
        if self.busy is not None:
            raise NotReady(f"the rig {self.name} runs {self.busy}: wait until that is over")
        self.sessions[order.session] = _Session([], [])
        self.sessions[order.session].take(order.lent, self.episode_s)
        self.busy = order.session
        return self.name

    def revoke(self, session: str) -> bool:
        """Never begin a session from now on; whether it wasn't begun."""
        begun = session in self.sessions
        self.sessions.setdefault(session, _Session([], []))
        return not begun

    def exchange(self, session: str, wishes: Wishes) -> Report:
        """Take more episodes; say how many are answered by now."""
        one = self.sessions.get(session)
        if one is None:
            return Report(UNKNOWN)
        one.take(wishes.lent, self.episode_s)
        now_s = time.monotonic()
        done = sum(end_s <= now_s for end_s in one.ends_s)
        standings = tuple(
            self._standing(lent, done=number < done, begun=number <= done)
            for number, lent in enumerate(one.lent)
        )
        if done < len(one.lent) or now_s - max(one.ends_s, default=0.0) < self.patience_s:
            return Report(RUNNING, standings, done)
        if self.busy == session:
            self.busy = None
        return Report(OVER, standings, done, "no_slot", "all are answered")

    def part(self, session: str, offset: int) -> bytes:
        """Return nothing: there is no store."""
        del session, offset
        return b""

    def settle(self, session: str) -> None:
        """Forget what is home."""
        self.sessions[session].lent.clear()

    def _standing(self, lent: Lent, *, done: bool, begun: bool) -> Standing:
        one, place = lent.assignment, _place(lent)
        if not begun:
            return Standing(place, one.attempt, Status.PROPOSED, (), None)
        history = (Line(one.attempt, int(Status.LEASED), 0, ""),)
        if not done:
            return Standing(place, one.attempt, Status.LEASED, history, None)
        answers = np.random.default_rng(one.seed).uniform(-1, 1, len(one.test_x))
        result = codec.encode({"answers": answers.astype(np.float32)}, {"presentations": 1})
        return Standing(place, one.attempt, Status.DONE, history, result)


async def serve(address: str, names: list[str], episode_s: float, ended: asyncio.Event) -> None:
    """Be so many rigs at a scheduler until `ended`."""
    from distributed import Worker

    from controller.rigs.host_plugin import HostPlugin
    from controller.rigs.worker import RESOURCE

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    workers = [
        Worker(
            address,
            name=name,
            nthreads=1,
            resources={RESOURCE: 1},
            memory_limit=0,
            dashboard_address="127.0.0.1:0",
            plugins=(HostPlugin(_host(name, episode_s)),),
        )
        for name in names
    ]
    try:
        for worker in workers:
            await worker
        await ended.wait()
    finally:
        await asyncio.gather(*(worker.close() for worker in workers), return_exceptions=True)


def _place(lent: Lent) -> Place:
    one = lent.assignment
    return one.stage, one.generation, one.slot


def _host(name: str, episode_s: float) -> SimulatedHost:
    """Return a rig that isn't in step with the others."""
    return SimulatedHost(name, episode_s * random.uniform(0.8, 1.2), patience_s=5.0)  # noqa: S311

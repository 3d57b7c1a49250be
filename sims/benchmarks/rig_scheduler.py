"""A hundred rigs on one scheduler: what it costs, how long a lease takes, and what breaks first.

Run with `python -m sims.benchmarks.rig_scheduler`. The rigs are simulated (`sims.crew`): real
workers, connections and calls, and a real queue on a real disk, without animals. Each rig is
followed by a thread as by an experimenter of its own.
"""

import asyncio
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from controller.rigs import loan
from controller.rigs.calls import Away, Calls
from controller.rigs.loan import Follow, Out, record
from controller.rigs.messages import Order
from controller.rigs.software import software
from controller.session.lending import Lent
from controller.session.planning import Plan
from controller.session.queue import Queue
from protocols.assignment import Assignment

TRAIN, TEST, DIM = 6, 18, 3
AT_ONCE = 2
"""Episodes that a rig has at most, so that leases are frequent."""
SECTION = {
    "plan": {"kind": "go_nogo", "delay_s": 0.1, "window_s": 1.0, "interval_s": 2.0},
    "feedback": {"kind": "sign", "valve": "valve_left", "volume_ul": 4.0},
}
CASES = ((100, 1000, 1.0), (100, 1000, 0.25), (200, 1000, 1.0))
"""Rigs, episodes, seconds between two looks at a rig."""


class NoPlanning:
    """Everything is proposed already."""

    def nudge(self) -> None:
        """Nothing."""


@dataclass
class Times:
    """How long things took, s."""

    lend: list[float] = field(default_factory=list)
    begin: list[float] = field(default_factory=list)
    exchange: list[float] = field(default_factory=list)
    away: int = 0


class Watched:
    """Calls whose times are taken."""

    def __init__(self, calls: Calls, times: Times) -> None:
        self._calls, self._times = calls, times

    def begin(self, order: Order) -> str:
        """Begin a session."""
        began_s = time.perf_counter()
        answer = self._calls.begin(order)
        self._times.begin.append(time.perf_counter() - began_s)
        return answer

    def exchange(self, rig: str, session: str, wishes: object):
        """Take how a session stands."""
        began_s = time.perf_counter()
        report = self._calls.exchange(rig, session, wishes)  # type: ignore[arg-type]
        self._times.exchange.append(time.perf_counter() - began_s)
        return report

    def __getattr__(self, name: str):
        return getattr(self._calls, name)


def _scheduler(connection: Connection) -> None:
    async def run() -> None:
        from distributed import Scheduler

        options = {"host": "127.0.0.1", "port": 0, "dashboard_address": "127.0.0.1:0"}
        async with Scheduler(**options) as scheduler:  # type: ignore[arg-type]
            connection.send(scheduler.address)
            await asyncio.to_thread(connection.recv)

    asyncio.run(run())


def _crew(connection: Connection, address: str, names: list[str], episode_s: float) -> None:
    async def run() -> None:
        from sims.crew import serve

        ended = asyncio.Event()
        serving = asyncio.create_task(serve(address, names, episode_s, ended))
        await asyncio.to_thread(connection.recv)
        ended.set()
        await serving

    asyncio.run(run())


@contextmanager
def timed_leases(times: Times) -> Iterator[None]:
    """Take the times of leases."""
    lend = loan.lend

    def timed(*arguments: Any, **options: Any) -> list[Lent]:
        began_s = time.perf_counter()
        lent = lend(*arguments, **options)
        times.lend.append(time.perf_counter() - began_s)
        return lent

    loan.lend = timed
    try:
        yield
    finally:
        loan.lend = lend


@contextmanager
def process(target: object, *arguments: object) -> Iterator[tuple[Connection, int]]:
    """Run something in a process of its own, which ends when it is told."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    made = context.Process(target=target, args=(theirs, *arguments), daemon=True)  # type: ignore[arg-type]
    made.start()
    try:
        yield ours, made.pid or 0
    finally:
        ours.send("end")
        made.join(30)
        made.kill()
        made.join()


def assignments(count: int) -> list[Assignment]:
    """Return made-up episodes."""
    random = np.random.default_rng(0)

    def points(rows: int) -> np.ndarray:
        return random.normal(size=(rows, DIM)).astype(np.float32)

    return [
        Assignment(
            *(0, 0, slot, 0),
            train_x=points(TRAIN),
            train_z=random.uniform(-1, 1, TRAIN).astype(np.float32),
            test_x=points(TEST),
            seed=slot,
        )
        for slot in range(count)
    ]


def plan(episodes_each: int) -> Plan:
    """Return what a session has to know."""
    trials = episodes_each * (TRAIN + TEST)
    return Plan(
        *("made-up", {**SECTION, "trials": trials}, TRAIN, TEST, DIM),
        slots=1,
        reference=(),
        document_text="",
        document_sha256="",
    )


def follow(experiment: Path, name: str, wanted: Plan, rigs: Watched, times: Times) -> None:
    """Run one session on one rig."""
    with Queue(experiment) as queue:
        out = Out(f"session-{name}", name, f"animal-{name}")
        one = Follow(
            *(experiment, experiment / "lab", queue, NoPlanning(), wanted, rigs, out),  # type: ignore[arg-type]
            say=lambda words: times.__setattr__("away", times.away + ("is away" in words)),
            share=lambda: AT_ONCE,
        )
        record(experiment, out)
        order = Order(
            *(out.session, name, out.subject, wanted, {}, None),
            check=False,
            ordered_ns=time.time_ns(),
            software=software(),
            lent=one.lend(),
        )
        one.begin(order)
        one.until_home()


def run(
    rigs: int, episodes: int, every_s: float, episode_s: float, idle_s: float = 10.0
) -> dict[str, object]:
    """Run so many episodes on so many rigs; return what it cost."""
    import psutil

    loan.EXCHANGE_S = every_s
    times, names = Times(), [f"rig{number}" for number in range(rigs)]
    wanted = plan(-(-episodes // rigs))
    with ExitStack() as opened:
        experiment = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        with Queue(experiment) as queue:
            queue.propose(assignments(episodes))
        pipe, pid = opened.enter_context(process(_scheduler))
        address, scheduler = pipe.recv(), psutil.Process(pid)
        opened.enter_context(process(_crew, address, names, episode_s))
        calls = opened.enter_context(Calls(address))
        opened.enter_context(timed_leases(times))
        _wait_for(calls, rigs)
        idle = _share_of_a_core(scheduler, idle_s)
        watched = Watched(calls, times)
        threads = [
            threading.Thread(target=follow, args=(experiment, name, wanted, watched, times))
            for name in names
        ]
        begun_s, before_s = time.monotonic(), _cpu_s(scheduler)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - begun_s
        busy = (_cpu_s(scheduler) - before_s) / seconds
        memory = scheduler.memory_info().rss / 2**20
        with Queue(experiment) as queue:
            results = queue.results(0, 0, episodes)
    answered = episodes if results is not None else "NOT ALL"
    return {
        "rigs": rigs,
        "episodes": answered,
        "look every, s": every_s,
        "seconds": round(seconds),
        "scheduler idle, % of a core": round(100 * idle, 1),
        "scheduler busy, % of a core": round(100 * busy, 1),
        "scheduler, MiB": round(memory),
        "calls a second": round(len(times.exchange) / seconds),
        "lease, ms": _quantiles(times.lend),
        "order, ms": _quantiles(times.begin),
        "look, ms": _quantiles(times.exchange),
        "calls that failed": times.away,
    }


def _wait_for(calls: Calls, rigs: int) -> None:
    """Wait until so many rigs are connected; many take a while."""
    found = 0
    while found < rigs:
        time.sleep(1.0)
        with suppress(Away):
            found = len(calls.facts())


def _cpu_s(process_: object) -> float:
    times = process_.cpu_times()  # type: ignore[attr-defined]
    return times.user + times.system


def _share_of_a_core(process_: object, seconds: float) -> float:
    before_s = _cpu_s(process_)
    time.sleep(seconds)
    return (_cpu_s(process_) - before_s) / seconds


def _quantiles(values_s: Sequence[float]) -> str:
    """Return median and 99th percentile, and of how many."""
    middle, high = np.quantile(values_s, [0.5, 0.99]) * 1e3
    return f"{middle:.3g} / {high:.3g} (n = {len(values_s)})"


def main(cases: Sequence[tuple[int, int, float]] = CASES, episode_s: float = 5.0) -> None:
    """Print a table of every case, with the load of this computer."""
    for case in cases:
        before = os.getloadavg()[0]
        found = run(*case, episode_s)
        print("\n".join(f"{name:30} {value}" for name, value in found.items()))
        print(f"{'load of the computer':30} {before:.1f} before, {os.getloadavg()[0]:.1f} after\n")


if __name__ == "__main__":
    main()

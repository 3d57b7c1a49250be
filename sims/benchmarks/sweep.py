"""Time of a sweep of 10 runs with one worker ÷ with two; run `python -m sims.benchmarks.sweep`.

Target: at least 1.8. A worker is a process of one core here: it is held to one, as are both of two.
Left to itself, one worker may use more than that, because a run computes its next generations while
those before are stored; that ratio is printed too, with the cores that a single free worker used.
Starting workers, importing, and compiling (each worker runs one run before) are not counted;
scheduler and client are, on the same cores, and so are tracing, analysis and the rows of every run.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller import jax_cache
from controller.claims import beating, claim
from controller.document import load_experiment
from controller.schedulers import connect
from protocols.library import ready
from sims.sweep.conduct import Conductor
from sims.sweep.row import read_row
from sims.sweep.work import Task, perform

if TYPE_CHECKING:
    from distributed import Client

RUNS = 10
ROUNDS = 5
SETTINGS = ("stages.generations=600",)


@dataclass(frozen=True, slots=True)
class Crew:
    """Workers of one kind."""

    name: str
    client: "Client"


def hold(core: int) -> None:
    """Keep all threads of this process, and those to come, on one core."""
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def documents() -> Iterator[str]:
    """Yield the documents of the runs, and one more to warm up with."""
    for seed in range(RUNS + 1):
        yield load_experiment(ready()["default"], (*SETTINGS, f"seed={seed}")).text


def tasks(folder: Path, texts: list[str]) -> list[Task]:
    """Return the runs of a new sweep."""
    owner = claim(folder, "sweep")
    return [Task(f"run{place}", folder, text, True, owner) for place, text in enumerate(texts)]


def warm(folder: str, text: str) -> None:
    """Do one run in a worker, so that what comes next finds everything imported and compiled."""
    place = Path(folder) / str(os.getpid())
    place.mkdir()
    perform(tasks(place, [text])[0])


@contextmanager
def crew(name: str, workers: int, *, held: bool, text: str) -> Iterator[Crew]:
    """Start workers and warm them up."""
    cores = sorted(os.sched_getaffinity(0))
    with connect(None, workers=workers) as client, tempfile.TemporaryDirectory() as folder:
        client.run(warm, folder, text)
        started: Any = client.nthreads()
        for place, worker in enumerate(started):
            if held:
                client.run(hold, cores[place % len(cores)], workers=[worker])
        yield Crew(name, client)


def swept(one: Crew, texts: list[str]) -> tuple[float, float]:
    """Return the wall time of a sweep, and the cores that its workers used."""
    with tempfile.TemporaryDirectory() as folder:
        work = tasks(Path(folder), texts)
        before = _cpu_s(one.client)
        started = time.perf_counter()
        with beating(work[0].owner):
            Conductor(one.client, on_done=lambda _: None).conduct(work, lambda: False)
        seconds = time.perf_counter() - started
        rows = [read_row(task.folder, task.name) for task in work]
        if left := [f"{row.run}: {row.reason}" for row in rows if row.state != "finished"]:
            raise SystemExit(f"runs ended early: {'; '.join(left)}")
        return seconds, (_cpu_s(one.client) - before) / seconds


def _cpu_s(client: "Client") -> float:
    spent: Any = client.run(time.process_time)
    return sum(spent.values())


def main() -> None:
    """Print the times in turn, and both ratios."""
    jax_cache.enable()
    *texts, spare = documents()
    found: dict[str, list[float]] = {}
    with (
        crew("one worker, one core", 1, held=True, text=spare) as one,
        crew("one worker, free", 1, held=False, text=spare) as free,
        crew("two workers, a core each", 2, held=True, text=spare) as two,
    ):
        for _ in range(ROUNDS):
            for each in (one, two, free):
                seconds, cores = swept(each, texts)
                found.setdefault(each.name, []).append(seconds)
                load = os.getloadavg()[0]
                print(f"{each.name:25} {seconds:6.1f} s, {cores:.2f} cores, load {load:.1f}")
    for base in (one, free):
        pairs = zip(found[base.name], found[two.name], strict=True)
        ratios = sorted(a / b for a, b in pairs)
        target = " (target ≥ 1.8)" if base is one else ""
        print(
            f"{base.name} ÷ two workers: {statistics.median(ratios):.2f}{target}; "
            f"{ratios[0]:.2f}–{ratios[-1]:.2f}, n = {ROUNDS}, {RUNS} runs"
        )


if __name__ == "__main__":
    main()

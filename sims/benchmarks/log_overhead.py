"""Speed of a dry-run with every trial logged ÷ the same loop as one fused scan without a log.

Candidates 64, trials 30 + 100, K = 100: run with `python -m sims.benchmarks.log_overhead`. Target:
at least 0.8.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp

from controller import jax_cache
from controller.document import Experiment, load_experiment, root_key
from controller.engine import Engine
from controller.generation import generation
from controller.loop import Progress
from controller.position import first_position, situation
from controller.runs import begin
from controller.strategies.base import State
from protocols.documents import Document
from protocols.library import ready

GENERATIONS = 1500
SETTINGS = (
    "episode.train=30",
    "episode.test=100",
    "strategy.population=64",
    "stages.count=1",
    f"stages.generations={GENERATIONS}",
)
ROUNDS = 3


def logged_rate(document: Document[Experiment], folder: Path) -> float:
    """Return generations a second of a run, from its first stored block to the closed store."""
    marks: list[tuple[float, int]] = []

    def mark(progress: Progress) -> None:
        marks.append((time.perf_counter(), progress.generation))

    begin(document, folder, control=False, on_progress=mark)
    return (GENERATIONS - marks[0][1]) / (time.perf_counter() - marks[0][0])


def fused_loop(experiment: Experiment) -> Callable[[], None]:
    """Return a compiled function that runs all generations and keeps nothing but the last state."""
    design = experiment.design()
    root = root_key(experiment)
    start = first_position(Engine(design, block=1), root, 1)
    where = situation(start, root)
    learners = len(design.panel.learners)
    nothing = jnp.zeros((design.strategy.population, learners, design.n_test), jnp.float32)

    @jax.jit
    def run(state: State) -> State:
        def one(state: State, index: jax.Array) -> tuple[State, None]:
            return generation(design, where, state, index, nothing)[0], None

        return jax.lax.scan(one, state, jnp.arange(GENERATIONS))[0]

    def go() -> None:
        jax.block_until_ready(run(start.state))

    go()  # compiled before it is timed
    return go


def main() -> None:
    """Print both rates and their ratio, taken in turn in one run."""
    jax_cache.enable()
    document = load_experiment(ready()["default"], SETTINGS)
    fused = fused_loop(document.value)
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(ROUNDS):
            begun = time.perf_counter()
            fused()
            bare = GENERATIONS / (time.perf_counter() - begun)
            logged = logged_rate(document, Path(folder) / str(turn))
            ratios.append(logged / bare)
            print(f"logged {logged:8.1f} generations/s, fused scan {bare:8.1f}")
    print(
        f"logged ÷ fused scan: {statistics.median(ratios):.3f} (median of {ROUNDS}; target ≥ 0.8)"
    )


if __name__ == "__main__":
    main()

"""CPU time of logging one simulated trial: journal, fold and close, all threads counted.

Run with `python -m sims.benchmarks.log_cost`. Target: at most 30 ns a trial.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from controller import jax_cache
from controller.document import load_experiment
from controller.runs import begin
from controller.store import GenerationBlock, History, Store
from protocols.library import ready

TRIALS = 10_000_000
BLOCKS_BETWEEN_FOLDS = 16  # a run folds every two seconds, which is about 500 generations here
SETTINGS = (
    "episode.train=30",
    "episode.test=100",
    "strategy.population=64",
    "stages.count=1",
    "stages.generations=64",
    'log.theta="recommended"',
)


def recorded_block(folder: Path) -> tuple[Store, GenerationBlock]:
    """Run a short real experiment; return its largest block and a store of the same layout."""
    document = load_experiment(ready()["default"], SETTINGS)
    begin(document, folder / "source", control=False)
    with History(folder / "source") as source:
        blocks = [frame for _, frame in source.frames() if isinstance(frame, GenerationBlock)]
    target = Store.create(
        folder / "target", document=source.document, header=source.header, layout=source.layout
    )
    return target, max(blocks, key=lambda block: block.fitness.shape[0])


def main() -> None:
    """Print nanoseconds of CPU a trial, logging one real block again and again."""
    jax_cache.enable()
    with tempfile.TemporaryDirectory() as folder:
        store, block = recorded_block(Path(folder))
        generations = block.fitness.shape[0]
        trials_each = block.labels.size
        begun, number = time.process_time(), 0
        while number * trials_each < TRIALS:
            store.append(
                [
                    replace(
                        block,
                        first_generation=number * generations,
                        first_candidate=store.rows["candidates"],
                        first_stimulus=store.rows["stimuli"],
                    )
                ]
            )
            number += 1
            if number % BLOCKS_BETWEEN_FOLDS == 0:
                store.fold()
        store.close("finished")
        spent = time.process_time() - begun
    trials = number * trials_each
    print(
        f"log cost: {spent / trials * 1e9:.1f} ns CPU a trial ({trials:,} trials in blocks of "
        f"{generations} generations; target ≤ 30)"
    )


if __name__ == "__main__":
    main()

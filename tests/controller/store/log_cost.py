"""What logging costs a dry-run: CPU time for each trial of append and fold together."""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from controller.store import GenerationBlock, Layout, Store

N_TRAIN, N_TEST = 30, 100


def make_block(rng: np.random.Generator, generations: int, slots: int) -> GenerationBlock:
    """A block of the size of a dry-run's, with labels and answers that don't compress."""

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    terms = {
        name: normal(generations, slots)
        for name in (
            *("error", "error_se", "label_power"),
            *("distribution", "orthogonality", "fitness"),
        )
    }
    # The row numbers are set anew for each append.
    return GenerationBlock(
        arm=0,
        stage=0,
        first_generation=0,
        first_candidate=0,
        first_stimulus=0,
        n_train=N_TRAIN,
        stimuli=normal(generations, 1, N_TRAIN + N_TEST, 3),
        labels=np.tanh(normal(generations, slots, N_TRAIN + N_TEST)),
        answers=np.tanh(normal(generations, slots, N_TEST)),
        status=np.full((generations, slots), 3),
        attempts=np.ones((generations, slots), np.uint8),
        theta=None,
        recommended=normal(generations, 9),
        t_ns=np.arange(generations),
        **terms,
    )


def measure_log_cost(
    generations: int = 32,
    slots: int = 64,
    trials: float = 1e7,
    fold_every: int = 1,
    folder: Path | None = None,
) -> float:
    """CPU time of this process, in ns for each trial.

    Args:
        generations: in a block.
        slots: in a generation.
        trials: about how many to log.
        fold_every: blocks between folds.
        folder: where to write; None takes the system's temporary folder.
    """
    block = make_block(np.random.default_rng(0), generations, slots)
    size = block.labels.size
    blocks = max(1, round(trials / size))
    layout = Layout(stimulus_dim=3, theta_dim=9, theta_log="recommended")
    with (
        tempfile.TemporaryDirectory(dir=folder) as name,
        Store.create(Path(name) / "s", document="", header={}, layout=layout) as store,
    ):
        start = time.process_time()
        for index in range(blocks):
            for field, value in (
                ("first_generation", index * generations),
                ("first_candidate", store.rows["candidates"]),
                ("first_stimulus", store.rows["stimuli"]),
            ):
                object.__setattr__(block, field, value)
            store.append([block])
            if (index + 1) % fold_every == 0:
                store.fold()
        store.fold()
        spent = time.process_time() - start
    return spent / (blocks * size) * 1e9


def main() -> None:
    """Print the cost of the two typical blocks."""
    for generations, slots, fold_every in ((32, 64, 1), (32, 64, 4), (512, 1, 1), (512, 1, 4)):
        cost = measure_log_cost(generations, slots, fold_every=fold_every)
        sys.stdout.write(
            f"G={generations} L={slots} fold every {fold_every} blocks: {cost:.1f} ns/trial\n"
        )


if __name__ == "__main__":
    main()

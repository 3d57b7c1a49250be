"""How long the twin keeps an animal waiting: refits to 3 072 trials, between two generations.

Processor time of a whole generation of the default document's kernel with 10 % lapses (fits of all
models, several weightings, the next proposals, and the simulated learner, which is nothing beside
them), once everything that is remembered is full. Aim: at most 2 s of one core. Compilation, once a
process, is said apart.

    python -m sims.benchmarks.refit
"""

import dataclasses
import statistics
import time

import jax

from controller import jax_cache
from controller.document import load_experiment, root_key
from controller.engine import Engine
from controller.position import first_position, situation
from protocols.library import ready

AIM_S = 2.0
COUNTED = 10
DOCUMENT = (
    'strategy={kind="twin"}',
    *("episode.common_stimuli=false", "episode.train=6", "episode.test=18"),
    *("stages.count=1", "habits.lapses=0.1", "seed=10"),
)


def main() -> None:
    """Measure and print."""
    jax_cache.enable()
    experiment = load_experiment(ready()["default"], DOCUMENT).value
    design = experiment.design()
    engine, root = Engine(design, block=1), root_key(experiment)
    position = first_position(engine, root, 1)
    remembered = position.state.strategy.known.history.happened.shape[0]
    full = remembered // design.strategy.population
    spent_s = []
    for _ in range(full + COUNTED):
        began_s = time.process_time()
        where = situation(position, root)
        state, _, _ = engine.run(where, position.state, position.generation, 1)
        jax.block_until_ready(state)
        spent_s.append(time.process_time() - began_s)
        position = dataclasses.replace(position, generation=position.generation + 1, state=state)
    trials = remembered * (design.n_train + design.n_test)
    median_s = statistics.median(spent_s[full:])
    print(
        f"refit to {trials:,} trials: {median_s:.2f} s of processor time (median of {COUNTED}, "
        f"{min(spent_s[full:]):.2f}-{max(spent_s[full:]):.2f}), {median_s / AIM_S:.2f} x the aim "
        f"of {AIM_S:g} s; the first one, compiled or loaded, {spent_s[0]:.1f} s"
    )


if __name__ == "__main__":
    main()

"""How much processor time one meta-step takes, at the sizes of the published notebooks.

A meta-step is one generation of the gradient strategy: stimuli, labels, a naive learner's whole
training, its answers, the gradient of all that in θ and the step. The published figures are the
quietest measurements of the authors' own programs on one thread; they are constants here, so the
ratio depends on the machine. Compilation and the store are left out: the engine runs as a search
runs it, without a log.
"""

import os
import time
from dataclasses import dataclass

FLAGS = "--xla_cpu_multi_thread_eigen=false"
REPEATS, STEPS = 7, 64
MLP = 'labeller={kind="mlp", hidden=[150, 150], output="linear"}'
GRADIENT = 'strategy={kind="gradient", learning_rate=1e-3}'
COMMON = (GRADIENT, MLP, 'objective.error="mse"', "stages.generations=100000")


@dataclass(frozen=True, slots=True)
class Case:
    """One experiment at the authors' sizes."""

    figure: str
    document: str
    overrides: tuple[str, ...]
    theirs_ms: float
    aim: float
    """How many times less than theirs is aimed at."""
    stage: int = 0


def _episode(train: int, test: int, reference: int) -> tuple[str, ...]:
    return (
        f"episode.train={train}",
        f"episode.test={test}",
        f"objective.reference_points={reference}",
    )


def _mushroom(excitatory: str) -> tuple[str, ...]:
    return (
        *COMMON,
        *_episode(50, 300, 64),
        "learner.kenyon_cells=100",
        'learner.optimiser="sgd"',
        "learner.steps=50",
        "learner.batch=30",
        f"learner.excitatory={excitatory}",
    )


CASES = (
    Case("2B", "fig2b", (*COMMON, *_episode(6, 24, 32)), 4.1, 25),
    Case("2C", "fig2c", (*COMMON, *_episode(20, 80, 64), "learner.width=20"), 3.3, 25),
    Case("3C, stage 6", "fig3c", (*COMMON, *_episode(6, 24, 64)), 3.0, 25, stage=5),
    Case("4B", "fig4b", (*COMMON, *_episode(50, 150, 64)), 7.5, 25),
    Case("7, signs free", "fig7_random", _mushroom("false"), 81, 80),
    Case("7, excitatory", "fig7_excitatory", _mushroom("true"), 111, 80),
    Case(
        "9",
        "fig9",
        (
            *COMMON,
            *_episode(30, 300, 64),
            "learner.hidden=[20, 20]",
            'learner.optimiser="sgd"',
            "learner.steps=200",
            "learner.batch=0",
        ),
        93,
        25,
    ),
)


def measure(case: Case) -> float:
    """Return CPU milliseconds of one meta-step: the quietest of a few repeats."""
    import jax
    import jax.numpy as jnp

    from controller.document import load_experiment, root_key
    from controller.engine import Engine
    from controller.position import first_position, situation
    from sims.figures.evidence import LIBRARY

    experiment = load_experiment(LIBRARY / f"{case.document}.toml", case.overrides).value
    engine, root = Engine(experiment.design(), block=STEPS), root_key(experiment)
    position = first_position(engine, root, max(1, case.stage + 1))
    where = situation(position, root)
    seeded = jax.random.normal(root, where.earlier.shape).at[case.stage :].set(0)
    where = type(where)(
        root=where.root,
        stage=jnp.int32(case.stage),
        earlier=seeded,
        learner_weight=where.learner_weight,
        use_learner=where.use_learner,
    )
    state, quietest = position.state, float("inf")
    for _ in range(1 + REPEATS):  # the first compiles
        begun = time.process_time()
        state, _, done = jax.block_until_ready(engine.run(where, state, 0, STEPS))
        quietest = min(quietest, (time.process_time() - begun) / int(done))
    return 1e3 * quietest


def main() -> None:
    """Print one line a case."""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FLAGS}".strip()
    print("figure          theirs ms   ours ms   ratio   aim")
    for case in CASES:
        ours = measure(case)
        ratio = case.theirs_ms / ours
        verdict = "reached" if ratio >= case.aim else "not reached"
        print(
            f"{case.figure:<15} {case.theirs_ms:9.1f} {ours:9.3f} {ratio:7.1f} {case.aim:5.0f} "
            f"{verdict}",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""What a function costs in trials: from the first trial to a recommendation that is 95 % right.

Trials are counted as an animal would do them, training and test presentations together, from the
first one on; exploration costs as much as anything else. Stimuli lie on a sphere. *Right* is a
first-order function, for the decoys the one that they prefer; by exact quadrature, looked at after
every generation. The first time counts: a recommendation that comes right by chance and goes
astray again is right here, and so it is for the *control*, the same search with nobody to ask.

The engine runs without a store, which changes no number. Reported seeds are 10-19; settings were
chosen on 20-31.

    python -m sims.benchmarks.trials [--only WORDS] [--seeds N] [--record [--again]]

`--record` keeps every case in `costs/`, from which `python -m sims.figures.results` makes its
table; a case that is there already is left as it is, unless its settings have changed or `--again`
is given. So a recording that was stopped goes on.
"""

import dataclasses
import hashlib
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import typer
from jaxtyping import Float, Float64

from controller import jax_cache
from controller.arms import CONTROL_ARM, LEARNER_ARM
from controller.design import Design
from controller.document import Experiment, load_experiment, root_key
from controller.engine import Engine
from controller.position import first_position, situation
from protocols.documents import Document
from protocols.library import ready
from protocols.spaces.base import GradedBasis
from sims.benchmarks.trial_cases import CASES, Case, Target
from sims.benchmarks.trial_costs import COSTS, Cost, read, write

ENOUGH = 0.95
FIRST_SEED, SEEDS = 10, 10
AT_A_TIME = 64  # functions that are evaluated on the quadrature's nodes
Shares = Callable[[Float[np.ndarray, "generation theta"]], Float64[np.ndarray, " generation"]]


def measure(case: Case, seeds: tuple[int, ...]) -> Cost:
    """Run all seeds of a case, each with its control."""
    began_s = time.monotonic()
    document = _document(case)
    experiment = document.value
    design = experiment.design()
    engine = Engine(design, block=experiment.stages.generations)
    share_of = shares(design, case.target)

    def searched(arm: int) -> tuple[list[int | None], list[float]]:
        found = [share_of(_recommended(engine, experiment, seed, arm)) for seed in seeds]
        spent = [_until_right(share, design.trials_per_generation) for share in found]
        return spent, [round(float(share[-1]), 4) for share in found]

    trials, share = searched(LEARNER_ARM)
    control_trials, control_share = searched(CONTROL_ARM)
    return Cost(
        name=case.name,
        learner=case.learner,
        strategy=case.strategy,
        labeller=case.labeller,
        looked_for=case.target.words,
        at_most=case.at_most,
        seeds=list(seeds),
        trials=trials,
        share=share,
        control_trials=control_trials,
        control_share=control_share,
        run=experiment.stages.generations * design.trials_per_generation,
        document=_hash(document, seeds),
        minutes=round((time.monotonic() - began_s) / 60, 2),
        reason=case.reason,
    )


def shares(design: Design, target: Target) -> Shares:
    """Return what measures how much of the squared norm of functions is of the right kind."""
    basis = design.space.graded_basis()
    right = _right(basis, target)
    points = jnp.asarray(basis.points, jnp.float32)

    def labels(theta: jax.Array) -> jax.Array:
        return design.labeller.labels(design.space, theta, points)

    every = jax.jit(lambda thetas: jax.lax.map(labels, thetas, batch_size=AT_A_TIME))

    def measured(thetas: np.ndarray) -> np.ndarray:
        values = np.asarray(every(jnp.asarray(thetas)), np.float64)
        projections = (values * basis.weights) @ right
        return np.sum(projections**2, axis=1) / (values**2 @ basis.weights)

    return measured


def main(
    only: Annotated[str, typer.Option(help="Cases whose name contains this.")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = SEEDS,
    *,
    record: Annotated[bool, typer.Option("--record", help="Keep what is measured.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also what is kept already.")] = False,
    costs: Annotated[Path, typer.Option(help="Where it is kept.")] = COSTS,
) -> None:
    """Measure what a function costs in trials."""
    if record and seeds != SEEDS:
        raise typer.BadParameter(f"--record needs all {SEEDS} seeds; leave out --seeds or --record")
    chosen = [case for case in CASES if only.lower() in case.name.lower()]
    if not chosen:
        names = "\n".join(case.name for case in CASES)
        raise typer.BadParameter(f"no case's name contains {only!r}; there are\n{names}")
    jax_cache.enable()
    numbers = tuple(range(FIRST_SEED, FIRST_SEED + seeds))
    for case in chosen:
        if record and not again and _is_kept(case, numbers, costs):
            typer.echo(f"{case.name}: kept as it is")
            continue
        cost = measure(case, numbers)
        if record:
            write(cost, costs)
        typer.echo(_line(cost))


def _recommended(
    engine: Engine, experiment: Experiment, seed: int, arm: int
) -> Float[np.ndarray, "generation theta"]:
    """Return what a search, or its control, recommends after every generation."""
    root = root_key(experiment.model_copy(update={"seed": seed}))
    start = dataclasses.replace(first_position(engine, root, 1), arm=arm)
    generations = experiment.stages.generations
    _, record, done = engine.run(situation(start, root), start.state, 0, generations)
    if int(done) < generations:
        raise RuntimeError(f"a learner gave no finite answer in generation {int(done) + 1}")
    return np.asarray(record.recommended)


def _until_right(share: Float64[np.ndarray, " generation"], trials: int) -> int | None:
    right = np.flatnonzero(share >= ENOUGH)
    return int(right[0] + 1) * trials if len(right) else None


def _right(basis: GradedBasis, target: Target) -> Float64[np.ndarray, "point function"]:
    """Return orthonormal functions of the right kind, on the quadrature's nodes."""
    if target.axis is None:
        return basis.values[:, basis.degrees == target.degree]
    along = basis.points[:, [target.axis]]
    return along / np.sqrt(basis.weights @ along**2)


def _document(case: Case) -> Document[Experiment]:
    overrides = (*case.overrides, "stages.count=1", 'log.theta="recommended"')
    return load_experiment(ready()[case.protocol], overrides)


def _hash(document: Document[Experiment], seeds: tuple[int, ...]) -> str:
    # defaults are left out: a document is the same when settings are added that it doesn't use
    said = document.value.model_dump_json(exclude_unset=True)
    return hashlib.sha256(f"{seeds} {said}".encode()).hexdigest()[:16]


def _is_kept(case: Case, seeds: tuple[int, ...], costs: Path) -> bool:
    kept = read(case.name, costs)
    return kept is not None and kept.document == _hash(_document(case), seeds)


def _line(cost: Cost) -> str:
    count = len(cost.seeds)
    spread = f"{min(cost.right):,}-{max(cost.right):,}" if cost.right else "none"
    median = f"> {cost.run:,}" if cost.median is None else f"{cost.median:,.0f}"
    return (
        f"{cost.name}: {median} trials (median; {spread}, {count - len(cost.right)} of {count} "
        f"never within {cost.run:,}), share in the end {statistics.median(cost.share):.3f}; "
        f"control: {cost.controls_right} right, {statistics.median(cost.control_share):.3f}; "
        f"{cost.verdict}; {cost.minutes:.1f} minutes"
    )


if __name__ == "__main__":
    typer.run(main)

"""What the twin does with learners that none of its models can be, and with all easy functions.

1. Learners outside the twins' family, each searched by `twin` and by `gradient` (Algorithm 1 of
   Dorrell et al. 2023, through the learner itself) on the same document: held-out error over label
   power of what each found, on fresh learners. Target: the twin's median is at most 1.5 times the
   gradient's.
2. A learner that believes something before it is taught anything, which no twin can: iterated
   learning has to take over, and the share of generations in which it did is counted. Its easiest
   function is what it believes anyway.
3. All eight functions of order one and two, one after the other, of the default document's kernel
   with 10 % lapses. (Nine harmonics have an order of two or less; the ninth is the constant, which
   has no label power and is no function to be generalised.) Target: within 10 000 trials.

Seeds are 10-19; settings were chosen on 20-25.

    python -m sims.benchmarks.beyond_twins [--seeds N] [--record]
"""

import dataclasses
import json
import statistics
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from controller import jax_cache
from controller.analysis.measures import function_values, held_out, shares, variance
from controller.arms import LEARNER_ARM
from controller.document import Experiment, load_experiment, root_key
from controller.engine import Engine
from controller.position import after_stage, first_position, situation
from controller.strategies.twin import TwinState
from protocols.keys import Purpose, derive
from protocols.library import ready

DATA = Path(__file__).parent / "data"
FIRST_SEED, SEEDS = 10, 10
WITHIN = 1.5
ENOUGH = 0.95
BUDGET = 10_000
OWN = ("episode.common_stimuli=false",)
TWIN = ('strategy={kind="twin"}', "stages.generations=20")
GRADIENT = (
    'strategy={kind="gradient", population=8, learning_rate=0.03, averaging=0.9, decay_steps=200}',
    "stages.generations=200",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Beyond:
    """A learner that isn't in the family."""

    name: str
    protocol: str
    overrides: tuple[str, ...]
    gradient: tuple[str, ...] = GRADIENT


LEARNERS = (
    Beyond(
        "ReLU net 20-20 by gradient descent",
        "default",
        (
            'learner={kind="relu_net", hidden=[20, 20], learning_rate=0.1, steps=100}',
            *("episode.train=10", "episode.test=18"),
        ),
    ),
    Beyond(
        "mushroom body, random connectivity",
        "default",
        (
            'learner={kind="mushroom_body", connectivity="random", batch=0}',
            *("episode.train=20", "episode.test=18"),
        ),
    ),
    Beyond(
        "spiking net (momentum)",
        "fig5",
        ('learner.optimiser="momentum"', "learner.learning_rate=0.005", "learner.steps=100"),
        (
            'strategy={kind="gradient", learning_rate=0.05, decay_steps=120, averaging=0.9}',
            "stages.generations=120",
        ),
    ),
)
INNATE = (0.9, 0.0, 0.0)
STUBBORN = (
    f'learner={{kind="ridge", ridge=1000.0, innate={list(INNATE)}}}',
    "habits.lapses=0.1",
    *("episode.train=6", "episode.test=18"),
)
EIGHT = (
    *("habits.lapses=0.1", "episode.train=6", "episode.test=18"),
    *('strategy={kind="twin"}', "stages.count=8", "stages.generations=6"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What one search found in its stages."""

    g_over_var: list[float]
    share: list[dict[int, float]]
    trials: int
    fell_back: float
    """Part of the generations whose proposals were iterated learning's."""
    theta: list[list[float]]


def search(protocol: str, overrides: tuple[str, ...], seeds: tuple[int, ...]) -> list[Found]:
    """Search with every seed, without a store, and measure what was found."""
    experiment = load_experiment(ready()[protocol], (*OWN, *overrides)).value
    engine = Engine(experiment.design(), block=1)
    found = []
    for seed in seeds:
        found.append(_searched(engine, experiment.model_copy(update={"seed": seed})))
        typer.echo(f"{experiment.learner.kind}, {experiment.strategy.kind}, seed {seed}", err=True)
    return found


def _searched(engine: Engine, experiment: Experiment) -> Found:
    design, root = engine.design, root_key(experiment)
    position = first_position(engine, root, experiment.stages.count)
    fell_back, found = [], []
    while position.arm == LEARNER_ARM:
        where = situation(position, root)
        state, record, done = engine.run(where, position.state, position.generation, 1)
        if not int(done):
            raise RuntimeError(f"no finite answer in generation {position.generation + 1}")
        position = dataclasses.replace(position, generation=position.generation + 1, state=state)
        if isinstance(state.strategy, TwinState):
            fell_back.append(bool(state.strategy.fell_back))
        if position.generation == experiment.stages.generations:
            found.append(np.asarray(record.recommended[0]))
            position = after_stage(position, engine, root, record.recommended[0])
    basis = design.space.graded_basis()
    values = [function_values(design.space, design.labeller, t, basis.points) for t in found]
    errors = [
        held_out(
            design.space,
            design.labeller,
            design.panel.learners[0],
            theta,
            n_train=design.n_train,
            power=variance(basis, here),
            key=derive(root, stage, Purpose.HELD_OUT),
        ).median
        for stage, (theta, here) in enumerate(zip(found, values, strict=True))
    ]
    generations = experiment.stages.count * experiment.stages.generations
    return Found(
        g_over_var=errors,
        share=[shares(basis, here) for here in values],
        trials=generations * design.trials_per_generation,
        fell_back=statistics.mean(fell_back) if fell_back else 0.0,
        theta=[theta.tolist() for theta in found],
    )


def beyond(case: Beyond, seeds: tuple[int, ...]) -> dict[str, Any]:
    """Search one learner by twin and by gradient."""
    one = ("stages.count=1", *case.overrides)
    twins = search(case.protocol, (*one, *TWIN), seeds)
    gradients = search(case.protocol, (*one, *case.gradient), seeds)
    g, other = ([found.g_over_var[0] for found in arm] for arm in (twins, gradients))
    ratio = statistics.median(g) / statistics.median(other)
    return {
        "learner": case.name,
        "seeds": list(seeds),
        "twin_g_over_var": g,
        "gradient_g_over_var": other,
        "ratio_of_medians": ratio,
        "reached": ratio <= WITHIN,
        "twin_trials": twins[0].trials,
        "gradient_trials": gradients[0].trials,
        "fell_back": [found.fell_back for found in twins],
    }


def stubborn(seeds: tuple[int, ...]) -> dict[str, Any]:
    """Search a learner that believes what it wants."""
    found = search("default", ("stages.count=1", *STUBBORN, *TWIN), seeds)
    return {
        "seeds": list(seeds),
        "share_of_what_it_believes": [_along(one.theta[0]) for one in found],
        "g_over_var": [one.g_over_var[0] for one in found],
        "trials": found[0].trials,
        "fell_back": [one.fell_back for one in found],
    }


def _along(theta: list[float]) -> float:
    """Return the share of a function in x · INNATE, whose harmonic is the third (y, z, x)."""
    return theta[2] ** 2 / sum(value**2 for value in theta)


def eight(seeds: tuple[int, ...]) -> dict[str, Any]:
    """Search all functions of order one and two."""
    found = search("default", EIGHT, seeds)
    orders = [1] * 3 + [2] * 5
    least = [min(s[d] for s, d in zip(one.share, orders, strict=True)) for one in found]
    return {
        "seeds": list(seeds),
        "least_share_of_the_right_order": least,
        "trials": found[0].trials,
        "reached": statistics.median(least) >= ENOUGH and found[0].trials <= BUDGET,
    }


HEADER = """# What the twin does beyond its family

Generated by `python -m sims.benchmarks.beyond_twins --record`; don't edit. Medians over seeds 10-19
(range). *g/Var*: held-out error over label power on fresh learners. *Fell back*: part of the
generations in which iterated learning asked, because no model predicted better than the baseline.

| learner | g/Var twin | trials | g/Var gradient | trials | ratio (≤ 1.5) | fell back |
|---|---|---|---|---|---|---|
"""


def written(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    rows = "".join(
        f"| {row['learner']} | {_spread(row['twin_g_over_var'])} | {row['twin_trials']:,} "
        f"| {_spread(row['gradient_g_over_var'])} | {row['gradient_trials']:,} "
        f"| {row['ratio_of_medians']:.2f}, {_said(reached=row['reached'])} "
        f"| {_spread(row['fell_back'])} |\n"
        for row in result["beyond"]
    )
    own, every = result["stubborn"], result["eight"]
    least = every["least_share_of_the_right_order"]
    return (
        HEADER
        + rows
        + "\nA learner that goes on believing what it believed before (ridge regression with a\n"
        f"ridge of 1 000 and innate weights): after {own['trials']:,} trials the function has\n"
        f"a share of {_spread(own['share_of_what_it_believes'])} in that belief; iterated\n"
        f"learning asked in {_spread(own['fell_back'])} of the generations.\n\n"
        "All eight functions of order one and two, kernel ridge (K = 100), 10 % lapses: the least\n"
        f"share of the right order among them is {_spread(least)} after {every['trials']:,}\n"
        f"trials in all (target: ≥ .95 within {BUDGET:,}): {_said(reached=every['reached'])},\n"
        f"{sum(share >= ENOUGH for share in least)} of {len(least)} seeds.\n"
    )


def _said(*, reached: bool) -> str:
    return "reached" if reached else "NOT reached"


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g}-{max(values):.3g})"


def main(
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = SEEDS,
    *,
    record: Annotated[bool, typer.Option("--record", help="Keep what is measured.")] = False,
) -> None:
    """Measure, print, and keep."""
    if record and seeds != SEEDS:
        raise typer.BadParameter(f"--record needs all {SEEDS} seeds; leave out --seeds or --record")
    jax_cache.enable()
    numbers = tuple(range(FIRST_SEED, FIRST_SEED + seeds))
    result = {
        "eight": eight(numbers),
        "stubborn": stubborn(numbers),
        "beyond": [beyond(case, numbers) for case in LEARNERS],
    }
    text = written(result)
    if record:
        (DATA / "beyond_twins.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
        (DATA / "beyond_twins.md").write_text(text, encoding="utf-8")
    typer.echo(text)


if __name__ == "__main__":
    typer.run(main)

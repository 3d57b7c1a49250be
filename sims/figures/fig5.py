"""Figure 5: a spiking network's three easiest functions of an interaural phase difference."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from controller.analysis.measures import function_values
from controller.analysis.plots.style import CONTROL, LEARNER, PAGE_WIDTH_IN
from controller.analysis.summary import FoundFunction, Stage
from controller.document import root_key
from sims.figures.claims import Arm, Claim, degree_share, error_ratio
from sims.figures.evidence import Evidence, Run, Settings, Variant, reproduction

SEARCHED, GRADIENT = "ES", "gradient"
FIRST, LAST = (1, 2), 3
STAGES = (*FIRST, LAST)
NETWORKS = 20  # whose answers are drawn
ANGLES = 145
ROW_HEIGHT_IN = 1.7

# Through Adam's steps this network's meta-gradient is often not finite, so here the network itself
# learns with momentum, in more steps.
THROUGH_THE_TRAINING = (
    'strategy={kind="gradient", learning_rate=0.05, decay_steps=120, averaging=0.9}',
    "stages.generations=120",
    'learner.optimiser="momentum"',
    "learner.learning_rate=0.005",
    "learner.steps=100",
)


def frequencies_as_expected(arm: Arm) -> float:
    """Part of the stages whose dominant frequency is the expected one: 1, 1 and 2."""
    dominant = [max(found.share, key=lambda k: found.share[k]) for found in arm.found]
    return float(np.mean([a == b for a, b in zip(dominant, (1, 1, 2), strict=True)]))


SETTINGS = Settings(
    name="fig5",
    variants=(
        Variant(SEARCHED, "fig5"),
        Variant(GRADIENT, "fig5", THROUGH_THE_TRAINING),
    ),
    claims=(
        Claim(
            "stages with dominant frequency 1, 1, 2",
            SEARCHED,
            frequencies_as_expected,
            stages=STAGES,
            at_least=1.0,
        ),
        Claim(
            "least share of frequency 1 in stages 1-2",
            SEARCHED,
            degree_share(1, *FIRST),
            stages=FIRST,
            at_least=0.95,
        ),
        Claim(
            "share of frequency 2 in stage 3",
            SEARCHED,
            degree_share(2, LAST),
            stages=(LAST,),
            at_least=0.9,
        ),
        Claim(
            "g/Var of stage 3 over stage 1",
            SEARCHED,
            error_ratio(LAST, to=1),
            stages=(LAST,),
            at_least=5,
        ),
        Claim(
            "least share of frequency 1 in stages 1-2, by surrogate gradients",
            GRADIENT,
            degree_share(1, *FIRST),
            stages=FIRST,
            at_least=0.95,
        ),
        Claim(
            "share of frequency 2 in stage 3, by surrogate gradients",
            GRADIENT,
            degree_share(2, LAST),
            stages=(LAST,),
        ),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw the first seed: left what is to be learnt, right what fresh networks answer."""
    run = evidence.run(SEARCHED)
    stages = run.analysis.stages
    figure = Figure(figsize=(PAGE_WIDTH_IN, ROW_HEIGHT_IN * len(stages) + 0.9))
    cells = figure.subplots(len(stages), 2, sharex=True, sharey=True, squeeze=False)
    for stage, (left, right) in zip(stages, cells, strict=True):
        _draw_targets(left, run, stage)
        _draw_answers(right, run, stage)
        left.set_ylabel("valence")
    for axes in cells[-1]:
        axes.set_xlabel("phase difference Δφ (°)")
        axes.set_xticks([0, 90, 180, 270, 360])
    cells[0, 0].set(xlim=(0, 360), ylim=(-1.5, 1.5))
    handles, labels = cells[0, 0].get_legend_handles_labels()
    more, names = cells[0, 1].get_legend_handles_labels()
    figure.legend(handles + more, labels + names, loc="outside lower center", ncols=4)
    seeds = len({run.seed for run in evidence.runs})
    figure.suptitle(f"Figure 5: spiking network (seed {run.seed}, n = {seeds})")
    return figure


def _draw_targets(axes: Axes, run: Run, stage: Stage) -> None:
    for arm, found in ((LEARNER, stage.found), (CONTROL, stage.control)):
        if found is not None:
            name = f"target, {arm.label}"
            axes.plot(_degrees(), _target(run, found), arm.line, color=arm.colour, label=name)
    control = "" if stage.control is None else f" · control: {_dominant(stage.control)}"
    axes.set_title(f"stage {stage.number} · ours: {_dominant(stage.found)}{control}")


def _draw_answers(axes: Axes, run: Run, stage: Stage) -> None:
    answers = _answers(run, stage)
    mean, spread = answers.mean(axis=0), answers.std(axis=0)
    axes.plot(_degrees(), _target(run, stage.found), color=LEARNER.colour, linewidth=1)
    axes.plot(_degrees(), mean, color="0.1", label=f"answers, mean of {NETWORKS} fresh networks")
    band = (_degrees(), mean - spread, mean + spread)
    axes.fill_between(*band, color="0.1", alpha=0.2, linewidth=0, label="their SD")
    axes.set_title(f"networks' answers · g/Var {stage.found.held_out.median:.2g}")


def _answers(run: Run, stage: Stage) -> Float[np.ndarray, "network angle"]:
    """Train fresh networks on the stage's function, ask each for its valence everywhere."""
    design, learner = run.analysis.design, run.analysis.design.panel.learners[0]
    theta, everywhere = jnp.asarray(stage.found.theta), jnp.asarray(_points(), jnp.float32)

    def answer(key: jax.Array) -> jax.Array:
        x = design.space.sample(design.n_train, key=jax.random.fold_in(key, 0))
        z = design.labeller.labels(design.space, theta, x)
        return learner.fit_predict(x, z, everywhere, key=jax.random.fold_in(key, 1))

    root = jax.random.fold_in(root_key(run.analysis.experiment), stage.number)
    return np.asarray(jax.jit(jax.vmap(answer))(jax.random.split(root, NETWORKS)))


def _target(run: Run, found: FoundFunction) -> Float[np.ndarray, " angle"]:
    design = run.analysis.design
    return function_values(design.space, design.labeller, found.theta, _points())


def _degrees() -> Float[np.ndarray, " angle"]:
    return np.linspace(0, 360, ANGLES)


def _points() -> Float[np.ndarray, "angle 2"]:
    angle = np.radians(_degrees())
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _dominant(found: FoundFunction) -> str:
    frequency = max(found.share, key=lambda k: found.share[k])
    return f"frequency {frequency}, {found.share[frequency]:.2f}"


REPRODUCTION = reproduction(SETTINGS, plot)

"""Section 4's co-operative set: a function that several different learners all find easy.

Each learner is driven most by an input of its own and somewhat less by one that all share. Alone,
the first finds its own input easiest, which is hard for the others; the set agrees on the shared.
"""

import statistics
from functools import lru_cache

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from controller.analysis.measures import held_out
from controller.analysis.plots.style import CONTROL, LEARNER, PAGE_WIDTH_IN
from controller.design import Design
from controller.document import load_experiment
from sims.figures.claims import Arm, Claim
from sims.figures.evidence import LIBRARY, Evidence, Settings, Variant, reproduction
from sims.figures.input_weights import input_weights, share_on

SET, ALONE = "set", "first alone"
ALONE_COLOUR = "#DDAA33"
SHARED = 0  # the input that drives all learners
FRESH_SEED = 4711  # of held-out stimuli and learners, that no search has used


def worst_of_set(arm: Arm) -> float:
    """Return the largest held-out error over power among the learners of the set.

    All of the set are asked, also about what was found without them.
    """
    design, found = _set_design(), arm.found[0]
    return max(
        held_out(
            design.space,
            design.labeller,
            learner,
            found.theta,
            n_train=design.n_train,
            power=found.power,
            key=jax.random.key(FRESH_SEED),
        ).median
        for learner in design.panel.learners
    )


@lru_cache
def _set_design() -> Design:
    return load_experiment(LIBRARY / "together.toml").value.design()


SETTINGS = Settings(
    name="idea_together",
    variants=(Variant(SET, "together"), Variant(ALONE, "together", ("together=[]",))),
    claims=(
        Claim("share of w² on the shared input, set", SET, share_on(SHARED), at_least=0.95),
        Claim("share of w² on the shared input, first alone", ALONE, share_on(SHARED)),
        Claim("worst g/Var of the set, set asked", SET, worst_of_set, at_most=0.05),
        Claim("worst g/Var of the set, first alone asked", ALONE, worst_of_set),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw the inputs that each search found, and how hard the worst of the set finds that."""
    figure = Figure(figsize=(PAGE_WIDTH_IN, 3.2))
    left, right = figure.subplots(1, 2)
    for index, (name, colour, arms) in enumerate(_searches(evidence)):
        weights = np.array([input_weights(arm) ** 2 for arm in arms])
        share = np.median(weights / weights.sum(axis=1, keepdims=True), axis=0)
        place = np.arange(1, len(share) + 1) + 0.27 * (index - 1)
        left.bar(place, share, width=0.25, color=colour, label=name)
        _points(right, index, [worst_of_set(arm) for arm in arms], colour)
    left.set(
        xlabel="input (1 is shared, 2 is the first learner's own)",
        ylabel="share of w², median",
        ylim=(0, 1),
    )
    left.set_xticks(range(1, _set_design().space.dim + 1))
    left.legend(fontsize=7)
    names = [name for name, _, _ in _searches(evidence)]
    right.set(yscale="log", ylabel="g/Var of the worst of the set", xlim=(-0.5, 2.5))
    right.set_xticks(range(len(names)), names)
    seeds = len({run.seed for run in evidence.runs})
    figure.suptitle(f"What a set of three learners all find easy (n = {seeds} seeds)")
    return figure


def _searches(evidence: Evidence) -> tuple[tuple[str, str, list[Arm]], ...]:
    """Return each search's name, colour and what it found, a seed each."""
    by_set = [run.arms() for run in evidence.runs if run.variant == SET]
    alone = [run.arms()[0] for run in evidence.runs if run.variant == ALONE]
    return (
        ("set asked", LEARNER.colour, [ours for ours, _ in by_set]),
        ("first alone asked", ALONE_COLOUR, alone),
        ("none asked", CONTROL.colour, [control for _, control in by_set]),
    )


def _points(axes: Axes, place: int, values: list[float], colour: str) -> None:
    axes.scatter([place] * len(values), values, s=16, color=colour, alpha=0.7)
    axes.hlines(statistics.median(values), place - 0.25, place + 0.25, color=colour)


REPRODUCTION = reproduction(SETTINGS, plot)

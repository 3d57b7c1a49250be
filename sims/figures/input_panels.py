"""Pictures of functions of several inputs: labels against each input, or on a plane of two sums."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from controller.analysis.plots.label_maps import COLOURS, LABEL
from controller.analysis.plots.style import CONTROL, LEARNER, PAGE_WIDTH_IN
from controller.analysis.summary import FoundFunction
from protocols.spaces.base import GradedBasis
from sims.figures.claims import Arm
from sims.figures.evidence import Evidence, Run
from sims.figures.input_weights import input_weights

SHOWN = 1000  # stimuli in a panel; more would hide each other
DOTS = {"s": 7, "cmap": COLOURS, "edgecolors": "0.35", "linewidths": 0.2, "rasterized": True}
Plane = Callable[[Arm], tuple[Float64[np.ndarray, "point 2"], tuple[str, str]]]
"""Where an arm's stimuli lie on the page, and what the two axes are called."""


def by_input(evidence: Evidence, variant: str, title: str) -> Figure:
    """Draw labels against the activity of each input: ours above, the control below."""
    run = evidence.run(variant)
    inputs = run.analysis.design.space.dim
    figure = Figure(figsize=(PAGE_WIDTH_IN, 3.6))
    cells = figure.subplots(2, inputs, sharex=True, sharey="row", squeeze=False)
    for row, (found, name) in zip(cells, _arms(run), strict=True):
        share = _shares(run, found)
        for index, axes in enumerate(row):
            x, z = run.analysis.basis.points[:SHOWN, index], found.values[:SHOWN]
            axes.scatter(x, z, c=z, norm=_limits(found), **DOTS)
            axes.set_title(f"w² share {share[index]:.3f}", fontsize=8)
        row[0].set_ylabel(f"{name}\n{LABEL}")
    for index, axes in enumerate(cells[-1], start=1):
        axes.set_xlabel(f"input {index}")
    figure.suptitle(_title(evidence, run, title))
    return figure


def on_plane(evidence: Evidence, variant: str, plane: Plane, title: str) -> Figure:
    """Draw labels as colours on a plane: ours on the left, the control on the right."""
    run = evidence.run(variant)
    figure = Figure(figsize=(PAGE_WIDTH_IN, 3.5))
    cells = figure.subplots(1, 2)
    norm = Normalize(-1, 1)
    for axes, (found, name) in zip(cells, _arms(run), strict=True):
        _scatter(axes, run.analysis.basis, found, plane, norm)
        axes.set_title(f"{name}\ng/Var {found.held_out.median:.2g}")
    figure.colorbar(ScalarMappable(norm, COLOURS), ax=cells, label=LABEL, extend="both")
    figure.suptitle(_title(evidence, run, title))
    return figure


def _scatter(
    axes: Axes, basis: GradedBasis, found: FoundFunction, plane: Plane, norm: Normalize
) -> None:
    place, (across, up) = plane(_arm(basis, found))
    x, y = place[:SHOWN].T
    axes.scatter(x, y, c=found.values[:SHOWN], norm=norm, **DOTS)
    axes.set(aspect="equal", xlabel=across, ylabel=up)


def _arms(run: Run) -> tuple[tuple[FoundFunction, str], tuple[FoundFunction, str]]:
    """Return what was found with the learner and without, each with its name."""
    stage = run.analysis.stages[0]
    if stage.control is None:
        raise ValueError(f"{run.analysis.folder} holds no control; run it with one")
    return (stage.found, LEARNER.label), (stage.control, CONTROL.label)


def _arm(basis: GradedBasis, found: FoundFunction) -> Arm:
    return Arm((found,), (), basis)


def _shares(run: Run, found: FoundFunction) -> Float64[np.ndarray, " input"]:
    squared = input_weights(_arm(run.analysis.basis, found)) ** 2
    return squared / np.sum(squared)


def _limits(found: FoundFunction) -> Normalize:
    limit = max(1.0, float(np.max(np.abs(found.values[:SHOWN]))))
    return Normalize(-limit, limit)


def _title(evidence: Evidence, run: Run, title: str) -> str:
    seeds = len({other.seed for other in evidence.runs})
    return f"{title} (seed {run.seed} of n = {seeds})"

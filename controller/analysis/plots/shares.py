"""How much of each found function lies in each degree."""

import math

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from controller.analysis.plots.style import CONTROL, LEARNER, PAGE_WIDTH_IN, stage_title
from controller.analysis.summary import Analysis, FoundFunction, Stage

FEWEST_DEGREES = 3
VISIBLE = 0.005
"""Degrees above the last with this share in any stage aren't shown."""
BAR_WIDTH = 0.38
HATCH = "////"
PANELS_ACROSS = 4


def shares(analysis: Analysis) -> Figure:
    """Draw one panel of bars for each stage."""
    stages, top = analysis.stages, _top_degree(analysis.stages)
    across = min(PANELS_ACROSS, len(stages))
    down = math.ceil(len(stages) / across)
    figure = Figure(figsize=(max(PAGE_WIDTH_IN * across / PANELS_ACROSS, 3.6), 2.0 * down + 0.5))
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, stage in zip(panels, stages, strict=False):
        share_bars(axes, stage, top)
    for axes in panels[len(stages) :]:
        axes.set_axis_off()
    for axes in panels[max(0, len(stages) - across) : len(stages)]:
        axes.tick_params(labelbottom=True)  # also where the last row isn't full
    figure.supxlabel(_degree_word(analysis), fontsize="medium")
    figure.supylabel("share of squared norm (%)", fontsize="medium")
    _legend(figure, stages)
    return figure


def share_bars(axes: Axes, stage: Stage, top: int) -> Axes:
    """Draw the shares of one stage, ours beside the control's.

    Args:
        axes: to draw on.
        stage: what was found.
        top: largest degree with its own bar; the rest, where there is any, is one bar more.
    """
    degrees = np.arange(top + 2)
    aside = 0.0 if stage.control is None else BAR_WIDTH / 2
    _bars(axes, degrees - aside, stage.found, LEARNER.colour)
    if stage.control is not None:
        _bars(axes, degrees + aside, stage.control, CONTROL.colour, hatch=HATCH)
    every = math.ceil((top + 1) / 12)
    axes.set_xticks(
        [*degrees[:-1:every], top + 1], [*(str(d) for d in degrees[:-1:every]), f">{top}"]
    )
    axes.set_ylim(0, 100)
    axes.set_title(stage_title(stage.number, finished=stage.finished))
    axes.grid(axis="y")
    return axes


def _bars(
    axes: Axes,
    places: Float64[np.ndarray, " degree"],
    found: FoundFunction,
    colour: str,
    hatch: str | None = None,
) -> None:
    known = {degree: share for degree, share in found.share.items() if math.isfinite(share)}
    parts = [known.get(degree, 0.0) for degree in range(len(places) - 1)]
    rest = max(0.0, 1 - sum(parts)) if known else 0.0
    edge = {"edgecolor": "white", "linewidth": 0}
    axes.bar(places, 100 * np.array([*parts, rest]), BAR_WIDTH, color=colour, hatch=hatch, **edge)


def _top_degree(stages: tuple[Stage, ...]) -> int:
    found = [f for s in stages for f in (s.found, s.control) if f is not None]
    used = [degree for f in found for degree, share in f.share.items() if share >= VISIBLE]
    return min(max([*used, FEWEST_DEGREES]), max(stages[0].found.share))


def _degree_word(analysis: Analysis) -> str:
    return analysis.basis.word + ("" if analysis.basis.exact else " (Monte Carlo quadrature)")


def _legend(figure: Figure, stages: tuple[Stage, ...]) -> None:
    handles = [Patch(facecolor=LEARNER.colour, label=LEARNER.label)]
    if any(stage.control is not None for stage in stages):
        look = Patch(facecolor=CONTROL.colour, edgecolor="white", linewidth=0, hatch=HATCH)
        look.set_label(CONTROL.label)
        handles.append(look)
    figure.legend(handles=handles, loc="outside upper center", ncols=2)

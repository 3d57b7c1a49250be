"""Held-out error of every stage's function, against its control's."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from controller.analysis.plots.style import CONTROL, LEARNER, PAGE_WIDTH_IN, ArmStyle
from controller.analysis.summary import Analysis, FoundFunction, Stage

OFFSET = 0.1
MOST_TICKS = 20
FEW_DECADES = 1e2


def held_out(analysis: Analysis) -> Figure:
    """Draw the held-out errors of all stages in one panel."""
    stages = analysis.stages
    width = min(PAGE_WIDTH_IN, 3.6 + 0.5 * max(0, len(stages) - 3))
    figure = Figure(figsize=(width, 3.2))
    held_out_errors(figure.add_subplot(), stages)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def held_out_errors(axes: Axes, stages: tuple[Stage, ...]) -> Axes:
    """Draw g/Var of each stage with its quartiles, on a logarithmic axis.

    A constant function has no g/Var and no marker.
    """
    axes.set_yscale("log")
    theirs = [(s.number + OFFSET, s.control) for s in stages if s.control is not None]
    ours = [(stage.number - (OFFSET if theirs else 0), stage.found) for stage in stages]
    _quartiles(axes, ours, LEARNER)
    if theirs:
        _quartiles(axes, theirs, CONTROL)
    axes.axhline(1, color="0.5", linewidth=0.8, zorder=0)
    axes.annotate(
        "guessing\nthe mean",
        (1, 1),
        xycoords=axes.get_yaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=7,
        color="0.4",
    )
    _at_least_a_decade(axes)
    axes.set_xlim(0.5, len(stages) + 0.5)
    step = math.ceil(len(stages) / MOST_TICKS)
    unfinished = {stage.number for stage in stages if not stage.finished}
    numbers = [stage.number for stage in stages][::step]
    axes.set_xticks(
        numbers, [f"{n}\n(not finished)" if n in unfinished else f"{n}" for n in numbers]
    )
    axes.set_xlabel("stage")
    learners = stages[0].found.held_out.learners
    axes.set_ylabel(f"held-out error g/Var\n(median, quartiles; n = {learners} fresh learners)")
    axes.grid(axis="y")
    return axes


def _at_least_a_decade(axes: Axes) -> None:
    """Widen a short logarithmic axis, so that it has labels, which are plain numbers."""
    low, high = axes.get_ylim()
    if (spare := 10 / (high / low)) > 1:
        low, high = low / math.sqrt(spare), high * math.sqrt(spare)
        axes.set_ylim(low, high)
    few = high / low < FEW_DECADES
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _quartiles(axes: Axes, placed: list[tuple[float, FoundFunction]], arm: ArmStyle) -> None:
    shown = [(x, f.held_out) for x, f in placed if math.isfinite(f.held_out.median)]
    middle = [error.median for _, error in shown]
    below = [error.median - error.lower for _, error in shown]
    above = [error.upper - error.median for _, error in shown]
    axes.errorbar(
        [x for x, _ in shown],
        middle,
        yerr=[below, above],
        fmt=arm.marker,
        color=arm.colour,
        markersize=5,
        capsize=2.5,
        label=arm.label,
    )

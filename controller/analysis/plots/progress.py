"""Fitness and its terms over the generations of all stages."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from controller.analysis.plots.style import CONTROL, LEARNER, PAGE_WIDTH_IN
from controller.analysis.plots.tracks import Track, tracks
from controller.analysis.summary import Analysis
from controller.arms import CONTROL_ARM, LEARNER_ARM

ARMS = {LEARNER_ARM: LEARNER, CONTROL_ARM: CONTROL}
LOG_RANGE = 10.0
"""Values that are all positive and span more than this factor get a logarithmic axis."""
FEW_POINTS = 60
"""So many generations, or fewer, are marked one by one."""
MOST_NAMES = 8
PANEL_HEIGHT_IN = 1.6
TRIALS_BELOW_PT = 36


def progress(analysis: Analysis) -> Figure:
    """Draw the fitness and each of its terms, one panel below the other."""
    panels = _panels(analysis)
    figure = Figure(figsize=(PAGE_WIDTH_IN, PANEL_HEIGHT_IN * len(panels) + 1.3))
    rows = list(figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0])
    for axes, (name, by_arm) in zip(rows, panels.items(), strict=True):
        progress_lines(axes, by_arm)
        axes.set_ylabel(name)
        _mark_stages(axes, analysis)
    _name_stages(rows[0], analysis)
    _count_trials(rows[-1], analysis.design.trials_per_generation)
    _legend(figure, rows[0], analysis)
    figure.align_ylabels(rows)
    return figure


def _panels(analysis: Analysis) -> dict[str, dict[int, Track]]:
    """Return what is drawn, by label; a single term isn't drawn again below the fitness."""
    found = tracks(analysis)
    fitness, terms = found.pop("fitness", {}), found
    if len(terms) == 1:
        return {f"fitness\n(only term: {next(iter(terms))})": fitness}
    return {"fitness": fitness} | {f"{name}\n(weighted)": terms[name] for name in terms}


def progress_lines(axes: Axes, by_arm: Mapping[int, Track]) -> Axes:
    """Draw the median of one quantity for each arm, and behind it the range over the slots."""
    for arm, track in by_arm.items():
        look = ARMS[arm]
        marker = look.marker if len(track.generation) <= FEW_POINTS else None
        axes.plot(
            track.generation,
            track.median,
            look.line,
            color=look.colour,
            marker=marker,
            markersize=2.5,
            label=look.label,
            zorder=3 - arm,
        )
        axes.fill_between(
            track.generation, track.low, track.high, color=look.colour, alpha=0.2, linewidth=0
        )
    if _spans_decades(by_arm):
        axes.set_yscale("log")
    axes.grid(axis="y")
    return axes


def _spans_decades(by_arm: Mapping[int, Track]) -> bool:
    low = min((float(np.nanmin(track.low)) for track in by_arm.values()), default=0.0)
    high = max((float(np.nanmax(track.high)) for track in by_arm.values()), default=0.0)
    return low > 0 and high > LOG_RANGE * low


def _mark_stages(axes: Axes, analysis: Analysis) -> None:
    generations = analysis.experiment.stages.generations
    last = analysis.stages[-1].number
    for stage in range(1, last):
        axes.axvline(stage * generations + 0.5, color="0.6", linewidth=0.8, zorder=0)
    axes.set_xlim(0.5, last * generations + 0.5)
    axes.set_xlabel("")


def _name_stages(axes: Axes, analysis: Analysis) -> None:
    stages, generations = analysis.stages, analysis.experiment.stages.generations
    short, step = len(stages) > MOST_NAMES, math.ceil(len(stages) / 32)
    if short:
        axes.annotate(
            "stage ",
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
        )
    for stage in stages[::step]:
        name = f"{stage.number}" if short else f"stage {stage.number}"
        axes.annotate(
            name if stage.finished else f"{name} (not finished)",
            ((stage.number - 0.5) * generations + 0.5, 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
        )


def _count_trials(axes: Axes, trials_per_generation: int) -> None:
    """Put trials below generations; only the learner's arm costs any."""
    axes.set_xlabel("generation")
    below = axes.secondary_xaxis(
        "bottom",
        functions=(
            lambda generation: np.multiply(generation, trials_per_generation),
            lambda trials: np.divide(trials, trials_per_generation),
        ),
    )
    below.spines.bottom.set_position(("outward", TRIALS_BELOW_PT))
    below.set_xlabel("trials of the learner")
    below.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _legend(figure: Figure, axes: Axes, analysis: Analysis) -> None:
    slots = analysis.design.strategy.population
    title = f"line: median, band: range over n = {slots} slots"
    handles, labels = axes.get_legend_handles_labels()
    if CONTROL.label not in labels and any(s.control is not None for s in analysis.stages):
        title += f"; {CONTROL.label}: fitness 0 throughout"
    figure.legend(handles, labels, title=title, loc="outside upper center", ncols=2)

"""Habits of one subject over days."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from controller.analysis.plots.band import known, legend_below, points
from controller.analysis.plots.style import CONTROL, LEARNER

ASIDE = 0.06  # days, so that intervals don't hide each other


def days(axes: Axes, panel: Any) -> Axes:
    """Draw parts of trials, or biases, in each session."""
    day = known([one["day"] for one in panel["sessions"]])
    (_parts if panel["shows"] == "parts" else _biases)(axes, panel["sessions"], day)
    axes.set_xlim(day.min() - 0.5, day.max() + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel(panel["day_is"])
    count = len(panel["sessions"])
    axes.set_title(f"{panel['subject']}, n = {count} session{'' if count == 1 else 's'}")
    if axes.get_legend_handles_labels()[1]:
        legend_below(axes)
    return axes


def _parts(axes: Axes, sessions: Any, day: np.ndarray) -> None:
    shown = (("missed", "part", "missed", LEARNER), ("lapses", "rate", "lapses (anchors)", CONTROL))
    for key, middle, name, look in shown:
        rows = [(at, one[key]) for at, one in zip(day, sessions, strict=True) if one[key]]
        if rows:
            values = [[100 * one[k] for _, one in rows] for k in (middle, "low", "high")]
            _draw(axes, [at for at, _ in rows], values, look, name=name)
    axes.set_ylabel("part of the trials (%), 95 % interval")
    _, top = axes.get_ylim()
    axes.set_ylim(-0.04 * top, top)


def _biases(axes: Axes, sessions: Any, day: np.ndarray) -> None:
    axes.axhline(0, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    shown = (("intercept", "at label 0", LEARNER), ("catch", "without stimulus", CONTROL))
    for key, name, look in shown:
        rows = [(at, one[key]) for at, one in zip(day, sessions, strict=True) if one[key]]
        if rows:
            mean = known([one["mean"] for _, one in rows])
            se = np.nan_to_num(known([one["se"] for _, one in rows]))
            values = [mean.tolist(), (mean - se).tolist(), (mean + se).tolist()]
            _draw(axes, [at for at, _ in rows], values, look, name=name)
    axes.set_ylabel("mean answer ± standard error")


def _draw(axes: Axes, day: list[float], values: list[list[float]], look: Any, *, name: str) -> None:
    aside = ASIDE if look is CONTROL else -ASIDE
    middle, low, high = values
    style = {"color": look.colour, "fmt": f"{look.marker}-", "markersize": 3.5, "linewidth": 1}
    points(axes, [at + aside for at in day], middle, (low, high), label=name, **style)

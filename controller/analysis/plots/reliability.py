"""Reliability of one evaluation in each stage."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from controller.analysis.plots.band import counted, points
from controller.analysis.plots.style import LEARNER

LOOK = {"fmt": "o", "color": LEARNER.colour, "markersize": 4, "capsize": 2.5}


def stages(axes: Axes, panel: Any) -> Axes:
    """Draw each stage's reliability with its interval, and what is wanted."""
    rows = panel["stages"]
    stage = [float(one["stage"]) for one in rows]
    middle, low, high = ([one[key] for one in rows] for key in ("reliability", "low", "high"))
    axes.axhline(panel["wanted"], color="0.5", linewidth=0.8, linestyle="--", zorder=0)
    points(axes, stage, middle, (low, high), **LOOK)
    bottom, _ = axes.get_ylim()
    axes.set_ylim(min(0.0, bottom), 1.02)
    axes.set_xlim(min(stage) - 0.5, max(stage) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("stage")
    axes.set_ylabel(f"reliability, {100 * panel['level']:.0f} % interval")
    axes.set_title(counted(sum(one["evaluations"] for one in rows), "evaluation"))
    return axes

"""Anchors of one subject over days."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from controller.analysis.plots.band import counted, known, points
from controller.analysis.plots.style import LEARNER

LOOK = {"fmt": "o-", "color": LEARNER.colour, "markersize": 3.5, "linewidth": 1, "capsize": 2}
CHANCE = 50.0


def days(axes: Axes, panel: Any) -> Axes:
    """Draw the part that was right in each session, with its interval."""
    sessions = panel["sessions"]
    day = [one["day"] for one in sessions]
    right, low, high = (
        (100 * known([one[key] for one in sessions])).tolist() for key in ("right", "low", "high")
    )
    axes.axhline(CHANCE, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    points(axes, day, right, (low, high), **LOOK)
    axes.set_ylim(-3, 103)
    axes.set_xlim(min(day) - 0.5, max(day) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel(panel["day_is"])
    axes.set_ylabel(f"anchors right (%), {100 * panel['level']:.0f} % interval")
    each = np.array([one["n"] for one in sessions])
    number = f"{each.min()}" if each.min() == each.max() else f"{each.min()}-{each.max()}"
    axes.set_title(f"{panel['subject']}\n{counted(panel['n'], 'anchor')}, {number} in a session")
    return axes

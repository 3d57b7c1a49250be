"""Reaction times of one subject."""

from typing import Any

from matplotlib.axes import Axes

from controller.analysis.plots.band import counted, legend_below
from controller.analysis.plots.style import CONTROL, LEARNER

LOOKS: dict[str, dict[str, Any]] = {
    "right": {"color": LEARNER.colour},
    "wrong": {"color": CONTROL.colour, "linestyle": "--"},
    "neither": {"color": "0.5", "linestyle": ":"},
}


def histogram(axes: Axes, panel: Any) -> Axes:
    """Draw how many trials had each reaction time, right and wrong apart."""
    for kind, look in LOOKS.items():
        counts = panel["counts"][kind]
        if sum(counts):
            label = f"{kind} (n = {sum(counts):,})"
            axes.stairs(counts, panel["edges_ms"], label=label, linewidth=1.3, **look)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("reaction time (ms)")
    axes.set_ylabel("trials")
    beyond = f", {panel['slower']:,} slower than shown" if panel["slower"] else ""
    axes.set_title(f"{panel['subject']}\n{counted(panel['n'], 'response')}{beyond}")
    legend_below(axes, 3 if max(map(sum, panel["counts"].values())) < 1000 else 2)
    return axes

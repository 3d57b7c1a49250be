"""A stage's function with its band, the control's beside it."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from controller.analysis.plots.style import CONTROL, LEARNER

LOOKS = {"control": CONTROL, "learner": LEARNER}
ORDERED = "stimuli by mean label (%)"


def functions(axes: Axes, panel: Any) -> Axes:
    """Draw mean, band and last recommendation of each arm over the space's axis, or by rank."""
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    for one in panel["functions"]:
        look = LOOKS[one["arm"]]
        if one["low"] is not None:
            low, high = (np.array(one[end], float) for end in ("low", "high"))
            axes.fill_between(one["place"], low, high, color=look.colour, alpha=0.25, linewidth=0)
        name = f"{look.label}, n = {one['generations']}"
        axes.plot(one["place"], one["mean"], look.line, color=look.colour, label=name)
        dots = {"linestyle": "none", "marker": ".", "markersize": 2.0, "markeredgewidth": 0}
        last = dots if panel["axis"] is None else {"linestyle": ":", "linewidth": 0.8}
        axes.plot(one["place"], one["last"], color=look.colour, **last)
    axes.set(xlabel=panel["axis"] or ORDERED, ylabel="label f(x)", title=f"stage {panel['stage']}")
    place = panel["functions"][0]["place"]
    axes.set_xlim((0, 100) if panel["axis"] is None else (place[0], place[-1]))
    if panel["axis"] == "angle φ (°)":
        axes.set_xticks([0, 90, 180, 270, 360])
    axes.legend(fontsize=6, loc="lower center", bbox_to_anchor=(0.5, 1.08), ncols=2)
    return axes

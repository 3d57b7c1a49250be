"""One subject's psychometric curve."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from controller.analysis.plots.band import counted, known, legend_below, points
from controller.analysis.plots.style import CONTROL, LEARNER
from controller.analysis.statistics.psychometric import probability

MARGIN = 0.05
BINS = {"fmt": LEARNER.marker, "color": LEARNER.colour, "markersize": 3.5, "zorder": 3}
FITS = {"logistic": "logistic with lapses", "line": "straight line"}


def curve(axes: Axes, panel: Any) -> Axes:
    """Draw the mean answer in each bin of labels, and the fitted function."""
    bins, fit = panel["bins"], panel["fit"]
    most = max(1.0, float(np.abs(known(bins["label"])).max()))
    z = np.linspace(-most, most, 201)
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    label = f"mean, {100 * panel['level']:.0f} % interval"
    points(axes, bins["label"], bins["answer"], (bins["low"], bins["high"]), label=label, **BINS)
    if fit is not None:
        name = FITS[fit["kind"]]
        axes.plot(z, _fitted(fit, z), CONTROL.line, color=CONTROL.colour, label=name)
    axes.set_xlim(-most * (1 + MARGIN), most * (1 + MARGIN))
    _whole_range(axes)
    axes.set_xlabel(f"label ({panel['phase']} trials)")
    axes.set_ylabel("mean answer (-1 to 1)")
    episodes = f"{panel['episodes']:,} episode{'' if panel['episodes'] == 1 else 's'}"
    axes.set_title(f"{panel['subject']}\n{counted(panel['n'], 'trial')} in {episodes}")
    legend_below(axes)
    return axes


def _fitted(fit: Any, z: np.ndarray) -> np.ndarray:
    if fit["kind"] == "line":
        return fit["intercept"] + fit["slope"] * z
    parameters = (fit[name] for name in ("intercept", "slope", "low", "high"))
    return 2 * probability(z, *parameters) - 1


def _whole_range(axes: Axes) -> None:
    """Show -1 to 1 at least, and more where answers are beyond."""
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -1 - MARGIN), max(high, 1 + MARGIN))

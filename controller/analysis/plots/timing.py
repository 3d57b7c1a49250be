"""Distributions of a rig's times."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from controller.analysis.plots.style import CONTROL, LEARNER

NAMES = {
    "overhead_ms": ("program's overhead (ms)", "trials"),
    "interval_s": ("interval between trials' ends (s)", "trials"),
    "light_ms": ("light after the clocks' line (ms)", "flips"),
}


def times(axes: Axes, panel: Any) -> Axes:
    """Draw one histogram, or the overhead over the sessions."""
    if panel["name"] == "overhead_by_session":
        return _by_session(axes, panel)
    name, unit = NAMES[panel["name"]]
    axes.stairs(panel["counts"], panel["edges"], fill=True, color=LEARNER.colour)
    if panel["log"] and panel["edges"][-1] > 3 * panel["edges"][0]:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlabel=name, ylabel=unit, title=f"n = {panel['n']:,} {unit}")
    axes.set_ylim(bottom=0)
    return axes


def _by_session(axes: Axes, panel: Any) -> Axes:
    """Draw the median and the 99th percentile of the overhead of every session."""
    for key, look, name in (("p99_ms", CONTROL, "99 %"), ("p50_ms", LEARNER, "median")):
        values = np.array([np.nan if one is None else one for one in panel[key]])
        session = np.arange(1, len(values) + 1)
        axes.plot(
            session,
            values,
            look.line,
            marker=look.marker,
            color=look.colour,
            markersize=3,
            label=name,
        )
    axes.set(
        xlabel="session", ylabel="program's overhead (ms)", title=f"n = {len(values)} sessions"
    )
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return axes

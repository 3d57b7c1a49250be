"""Stimuli where they lie, in the colour of their label or of the answer to them."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

COLOURS = "RdBu_r"  # diverging; told apart in every common kind of colour blindness
NAMES = {"label": "mean label", "answer": "mean answer"}
DEGREES = {
    "longitude (°)": (-180, 180, 90),
    "latitude (°)": (-90, 90, 45),
    "angle φ (°)": (0, 360, 90),
}


def scatter(axes: Axes, panel: Any) -> Axes:
    """Draw one point for each stimulus; on one axis its value is the height as well."""
    values = np.array([np.nan if one is None else one for one in panel["values"]], float)
    known = np.isfinite(values)
    place, values = np.array(panel["place"], float)[known], values[known]
    limit = max(1.0, float(np.abs(values).max(initial=0.0)))
    name, flat = NAMES[panel["name"]], place.shape[1] > 1
    points = axes.scatter(
        place[:, 0],
        place[:, 1] if flat else values,
        c=values,
        s=20,
        clip_on=False,
        cmap=COLOURS,
        norm=Normalize(-limit, limit),
        edgecolors="0.35",  # values near 0 are near white
        linewidths=0.3,
        rasterized=True,
    )
    _measure(axes, panel["axes"])
    figure = axes.get_figure(root=True)
    if flat and figure is not None:
        figure.colorbar(points, ax=axes, label=name, aspect=25)
    else:
        axes.set(ylabel=name, ylim=(-1.08 * limit, 1.08 * limit))
        axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    drawn = f" ({len(values):,} drawn)" if panel["every"] > 1 else ""
    axes.set_title(f"{name} · n = {_count(panel):,} stimuli{drawn}")
    return axes


def _count(panel: Any) -> int:
    """Return how many stimuli have a value; with many of them it is known of those drawn only."""
    return panel["known"] if panel["every"] == 1 else panel["stimuli"]


def _measure(axes: Axes, names: Any) -> None:
    """Name the axes, and give those in degrees their range."""
    for which, name in zip("xy", names, strict=False):
        axes.set(**{f"{which}label": name})
        if name in DEGREES:
            low, high, step = DEGREES[name]
            axes.set(**{f"{which}lim": (low, high), f"{which}ticks": range(low, high + 1, step)})

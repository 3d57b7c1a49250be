"""Points with intervals, from lists in which None is what nobody knows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

Numbers = Sequence[float | None]
LEGEND_BELOW = -0.2
"""Of the axes' height: there it hides nothing, and leaves room for the axis' label."""


def known(values: Numbers) -> Float[np.ndarray, " value"]:
    """Return numbers, NaN for None."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def points(
    axes: Axes, x: Numbers, middle: Numbers, ends: tuple[Numbers, Numbers], **look: Any
) -> None:
    """Draw points with the intervals that are known; of one without, the point alone."""
    places, y = known(x), known(middle)
    low, high = (np.where(np.isnan(known(end)), y, known(end)) for end in ends)
    spread = np.maximum(np.stack([y - low, high - y]), 0)
    axes.errorbar(places, y, yerr=spread, elinewidth=1, **look)


def legend_below(axes: Axes, columns: int = 2, title: str | None = None) -> None:
    """Say what is what below the axes."""
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, LEGEND_BELOW),
        ncols=columns,
        title=title,
        title_fontsize="small",
        columnspacing=1.2,
    )


def counted(n: int, one: str) -> str:
    """Say how many: "n = 1 trial", "n = 1,200 trials"."""
    return f"n = {n:,} {one}{'' if n == 1 else 's'}"

"""Means over trials in cells, such as bins of labels or places in an episode, with intervals."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from controller.analysis.statistics.bootstrap import ratio_band


@dataclass(frozen=True, slots=True, eq=False)
class CellMeans:
    """One mean a cell."""

    n: Integer[np.ndarray, " cell"]
    """Trials that have a value."""
    mean: Float[np.ndarray, " cell"]
    """NaN without any."""
    low: Float[np.ndarray, " cell"]
    """Of the interval; NaN where too few units have trials."""
    high: Float[np.ndarray, " cell"]


def cell_means(
    values: Float[np.ndarray, " trial"],
    cell: Integer[np.ndarray, " trial"],
    unit: Integer[np.ndarray, " trial"],
    cells: int,
) -> CellMeans:
    """Return the mean of each cell with its bootstrap interval over units.

    Args:
        values: of each trial; NaN is left out.
        cell: of each trial, from 0.
        unit: of each trial, from 0: what is resampled.
        cells: number of cells.
    """
    if np.isnan(values).any():
        known = ~np.isnan(values)
        values, cell, unit = values[known], cell[known], unit[known]
    shape = (int(unit.max(initial=-1)) + 1, cells)
    flat = unit.astype(np.int64) * cells + cell
    counts = np.bincount(flat, minlength=shape[0] * cells).reshape(shape).astype(np.float64)
    sums = np.bincount(flat, values, minlength=shape[0] * cells).reshape(shape).astype(np.float64)
    low, high = ratio_band(sums, counts)
    n = counts.sum(axis=0)
    mean = np.divide(sums.sum(axis=0), n, out=np.full(cells, np.nan), where=n > 0)
    return CellMeans(n.astype(np.int64), mean, low, high)

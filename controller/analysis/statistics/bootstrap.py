"""Bootstrap intervals of means over trials, by resampling units: sums and counts, never trials.

Efron & Tibshirani 1993, An introduction to the bootstrap, chapter 13 (percentile intervals). The
seed is fixed, so that the same store has the same intervals.
"""

import numpy as np
from jaxtyping import Float

RESAMPLES = 1000
LEVEL = 0.95
FEWEST_UNITS = 5
"""With fewer a percentile interval is much too narrow, and none is given."""


def ratio_band(
    sums: Float[np.ndarray, "unit cell"],
    counts: Float[np.ndarray, "unit cell"],
    level: float = LEVEL,
) -> tuple[Float[np.ndarray, " cell"], Float[np.ndarray, " cell"]]:
    """Return the interval of each cell's sum over its count.

    Args:
        sums: of the values of each unit's trials.
        counts: how many trials these are.
        level: part of the resamples that the interval holds.

    Returns:
        Its lower and upper end; NaN where fewer than `FEWEST_UNITS` units have trials.
    """
    low, high = np.full((2, sums.shape[1]), np.nan)
    enough = np.sum(counts > 0, axis=0) >= FEWEST_UNITS
    if not enough.any():
        return low, high
    drawn = resampled(np.hstack([sums[:, enough], counts[:, enough]]))
    with np.errstate(invalid="ignore"):  # a resample without any trial of a cell
        means = np.divide(*np.hsplit(drawn, 2))
    tail = (1 - level) / 2
    low[enough], high[enough] = np.nanquantile(means, (tail, 1 - tail), axis=0)
    return low, high


def resampled(sums: Float[np.ndarray, "unit cell"]) -> Float[np.ndarray, "resample cell"]:
    """Return the sums over the units of each resample; the same resamples in every call."""
    units = len(sums)
    drawn = np.random.default_rng(0).integers(0, units, (RESAMPLES, units))
    drawn += units * np.arange(RESAMPLES)[:, None]
    weights = np.bincount(drawn.ravel(), minlength=RESAMPLES * units)
    return weights.reshape(RESAMPLES, units).astype(np.float64) @ sums

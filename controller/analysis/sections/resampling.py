"""A bootstrap over a few generations of which neighbours resemble each other.

Runs of neighbours, a third of the generations each, are drawn with replacement. Three runs tell
little about their own spread, so the resampled values' distances from the middle are widened as
Student's distribution asks for.

Measured on made-up series of 20 generations whose neighbours are correlated by 0, 0.5 and 0.9, the
band of a mean holds the truth in 99, 98 and 80 of 100; of 40 generations in 99, 98 and 89.
"""

import math

import numpy as np
from jaxtyping import Float64, Int64

RUNS = 3
"""Runs of neighbours that a resample is put together from."""
RESAMPLES = 1000
CONFIDENCE = (0.025, 0.975)
WIDER = 4.303 / 1.960 * math.sqrt(RUNS / (RUNS - 1))
"""Student's quantile with two degrees of freedom over the normal one, and what resampling three
runs takes from their variance."""


def resamples(
    generations: int, random: np.random.Generator, count: int = RESAMPLES
) -> Float64[np.ndarray, "resample generation"]:
    """Return the weight of each generation in each resample of runs of neighbours.

    Runs go around from the last generation to the first, so that all are drawn equally often.
    """
    length = math.ceil(generations / RUNS)
    begin: Int64[np.ndarray, "resample run"] = random.integers(0, generations, (count, RUNS))
    drawn = (begin[:, :, None] + np.arange(length)) % generations
    drawn = drawn.reshape(count, -1)[:, :generations]
    weights = np.zeros((count, generations))
    np.add.at(weights, (np.arange(count)[:, None], drawn), 1 / generations)
    return weights


def band(
    center: Float64[np.ndarray, " point"], resampled: Float64[np.ndarray, "resample point"]
) -> tuple[Float64[np.ndarray, " point"], Float64[np.ndarray, " point"]]:
    """Return the lower and the upper end of a band around what was found."""
    low, high = np.quantile(resampled, CONFIDENCE, axis=0) - np.median(resampled, axis=0)
    return center + WIDER * low, center + WIDER * high

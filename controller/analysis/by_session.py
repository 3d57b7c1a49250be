"""Held-out prediction of choices, with whole sessions held out and errors between sessions.

Trials of one day resemble each other, so neither may a day be split between fit and test, nor do
20 000 trials count as so many independent ones in an error bar: its unit is the session.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

Predict = Callable[[Bool[np.ndarray, " trial"]], Float64[np.ndarray, " trial"]]
"""From the trials whose choices may be fitted to the probability of choosing 1 in every trial.

Each is predicted one step ahead: from its stimulus and from anything in the trials before it."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over trials."""

    value: float
    error: float
    """Its standard error, from the differences between sessions."""
    sessions: int


def blocks(session: Int64[np.ndarray, " trial"], count: int) -> Int64[np.ndarray, " trial"]:
    """Return the block of each trial: `count` runs of neighbouring sessions, equal within one.

    Neighbours are held out together, since a slow change would tell a session from those around.

    Raises:
        ValueError: fewer than two blocks, or fewer sessions than blocks.
    """
    different, place = np.unique(session, return_inverse=True)
    if not 2 <= count <= len(different):
        raise ValueError(
            f"blocks of sessions: expected 2 to {len(different)} (the number of sessions), "
            f"got {count}"
        )
    return place * count // len(different)


def held_out(predict: Predict, block: Int64[np.ndarray, " trial"]) -> Float64[np.ndarray, " trial"]:
    """Return the probability of 1 in each trial by the fit without the trial's own block."""
    probability = np.full(len(block), np.nan)
    for one in np.unique(block):
        out = block == one
        probability[out] = predict(~out)[out]
    return probability


def bits(
    probability: Float64[np.ndarray, " trial"], choice: Int64[np.ndarray, " trial"]
) -> Float64[np.ndarray, " trial"]:
    """Return the log likelihood of each choice in bits; a coin has -1 in every trial."""
    return np.log2(np.where(choice == 1, probability, 1 - probability))


def mean_by_session(
    values: Float64[np.ndarray, " trial"], session: Int64[np.ndarray, " trial"]
) -> Mean:
    """Return the mean over trials, as a ratio of two sums over sessions, and its standard error."""
    _, place, sizes = np.unique(session, return_inverse=True, return_counts=True)
    count, mean = len(sizes), float(values.mean())
    residuals = np.bincount(place, values) - mean * sizes
    error = np.sqrt(count / (count - 1) * np.sum(residuals**2)) / len(values)
    return Mean(mean, float(error), count)

"""Where the next run will fall, from runs that were simulated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.8
ROUNDING = 1e-9
NEVER = math.inf
"""Stands for a run that didn't get there: all that is known is that it needs more."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A median, and the range into which the next run falls with probability `LEVEL`."""

    median: float
    low: float
    high: float
    """Infinite where too many runs never got there."""
    n: int
    """Runs that it is taken from."""
    never: int
    """Of them those that never got there."""
    method: str

    def holds(self, value: float) -> bool:
        """Say whether a run is inside, ends included; one that never got there is above all."""
        return self.low <= value <= self.high


def predictive(values: Sequence[float], level: float = LEVEL) -> Interval:
    """Return the interval for one more run like those given.

    Of n runs and one more, every order is equally likely, so that the next one is below the k-th
    smallest with probability k / (n + 1), whatever the distribution is. The ends are the order
    statistics at ranks (n + 1)(1 ∓ level) / 2, interpolated between two. With fewer runs than those
    ranks need (9 for 80 %), a log-normal distribution is assumed instead: exp(m ± t s √(1 + 1/n)),
    t of n - 1 degrees of freedom.

    Args:
        values: positive numbers, `NEVER` for runs that didn't get there; at least one.
        level: probability that the next run falls inside.

    Raises:
        ValueError: there is no run, or one that isn't positive.
    """
    ordered = np.sort(np.asarray(values, np.float64))
    n = len(ordered)
    if n == 0 or not np.all(ordered > 0):
        raise ValueError(f"expected positive numbers of at least one run, got {list(values)}")
    never = int(np.sum(np.isinf(ordered)))
    tail = (1 - level) / 2
    if (n + 1) * tail > 1 - ROUNDING:
        low, high = _at_rank(ordered, (n + 1) * tail), _at_rank(ordered, (n + 1) * (1 - tail))
        return Interval(_median(ordered), low, high, n, never, "order statistics")
    if n < 2 or never:
        low = 0.0 if n < 2 else float(ordered[0])
        return Interval(_median(ordered), low, NEVER, n, never, "too few runs for an upper end")
    logs = np.log(ordered)
    half = stats.t.ppf(1 - tail, n - 1) * logs.std(ddof=1) * math.sqrt(1 + 1 / n)
    low, high = (float(np.exp(logs.mean() + sign * half)) for sign in (-1, 1))
    return Interval(_median(ordered), low, high, n, never, "log-normal")


def of_a_part(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Return Wilson's interval of a probability, from how often it came true."""
    ends = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    return float(ends.low), float(ends.high)


def _at_rank(ordered: np.ndarray, rank: float) -> float:
    """Return the order statistic at a rank that is counted from 1 and needn't be whole."""
    below = math.floor(rank + ROUNDING)
    part = rank - below
    if part < ROUNDING:
        return float(ordered[below - 1])
    lower, upper = ordered[below - 1], ordered[below]
    return NEVER if math.isinf(upper) else float(lower + part * (upper - lower))


def _median(ordered: np.ndarray) -> float:
    return _at_rank(ordered, (len(ordered) + 1) / 2)

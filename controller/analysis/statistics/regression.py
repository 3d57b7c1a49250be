"""Least squares with standard errors that are clustered.

Liang & Zeger 1986, Biometrika 73: 13-22; with the usual correction for few clusters, and Student's
t with one degree of freedom less than there are clusters (Cameron & Miller 2015, J. Hum. Resour.
50: 317-372).
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

LEVEL = 0.95
SMALLEST = 1e-10
"""Below this part of the largest singular value, regressors can't be told apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """One weight for each regressor."""

    weight: Float[np.ndarray, " regressor"]
    error: Float[np.ndarray, " regressor"]
    """Standard error; NaN with a single cluster."""
    r2: float
    """Part of the variance that is explained; NaN where there is none."""
    n: int
    clusters: int

    def interval(self, place: int, level: float = LEVEL) -> tuple[float, float]:
        """Return the interval of one weight."""
        if self.clusters < 2:
            return math.nan, math.nan
        from scipy.special import stdtrit

        half = float(stdtrit(self.clusters - 1, (1 + level) / 2) * self.error[place])
        return float(self.weight[place]) - half, float(self.weight[place]) + half


def regress(
    columns: list[Float[np.ndarray, " trial"]],
    answer: Float[np.ndarray, " trial"],
    cluster: Integer[np.ndarray, " trial"],
) -> Regression | None:
    """Regress answers on columns.

    Args:
        columns: the regressors, a constant among them where there is to be one.
        answer: what is explained.
        cluster: of each trial, from 0; between clusters trials are independent.

    Returns:
        None where the columns can't be told apart, or there are no more trials than columns.
    """
    count = len(columns)
    if len(answer) <= count:
        return None
    gram = np.array([[_product(one, other) for other in columns] for one in columns])
    size = np.sqrt(np.diag(gram))
    if not np.all(size > 0):
        return None
    scaled = gram / np.outer(size, size)
    if np.linalg.matrix_rank(scaled, tol=SMALLEST * count) < count:
        return None
    inverse = np.linalg.inv(scaled) / np.outer(size, size)
    weight = inverse @ np.array([_product(one, answer) for one in columns])
    rest = answer - sum(w * one for w, one in zip(weight, columns, strict=True))
    error, clusters = _clustered(columns, rest, cluster, inverse)
    total = float(np.sum((answer - answer.mean()) ** 2))
    r2 = 1 - float(np.sum(rest**2)) / total if total > 0 else math.nan
    return Regression(weight, error, r2, len(answer), clusters)


def _product(one: np.ndarray, other: np.ndarray) -> float:
    """Return the sum of products: in one thread, because short columns don't pay for more."""
    return float(np.einsum("t,t->", one, other, dtype=np.float64))


def _clustered(
    columns: list[np.ndarray], rest: np.ndarray, cluster: np.ndarray, inverse: np.ndarray
) -> tuple[np.ndarray, int]:
    """Return standard errors, and the number of clusters."""
    clusters, n, count = int(np.sum(np.bincount(cluster) > 0)), len(rest), len(columns)
    if clusters < 2:
        return np.full(count, np.nan), clusters
    scores = np.stack([np.bincount(cluster, one * rest) for one in columns])
    few = clusters / (clusters - 1) * (n - 1) / (n - count)
    covariance = few * inverse @ (scores @ scores.T) @ inverse
    return np.sqrt(np.maximum(np.diag(covariance), 0.0)), clusters

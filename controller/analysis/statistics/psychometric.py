"""The psychometric function of a subject that answers 1 or -1: logistic, with lapses and a bias.

Wichmann & Hill 2001, The psychometric function: I, Perception & Psychophysics 63: 1293-1313, eq. 1,
here with the label z as stimulus strength:

    P(answer = 1) = low + (1 - low - high) σ(intercept + slope z)

`low` is how often the answer is 1 although the label surely says -1, `high` the reverse; a subject
that guesses in a part of the trials has that part as low + high. So has one that believes the
opposite of some labels: in answers to what wasn't taught the two can't be told apart.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from controller.analysis.statistics.bootstrap import FEWEST_UNITS

CELLS = 1000
"""Labels are rounded to this part of the largest one before they are counted."""
STEEPEST = 50.0
"""Largest slope, over the largest label: a step. Steeper ones can't be told apart."""
TINY = 1e-9
EDGE = 1e-6
STARTS = ((0.0, 1.0, 0.02, 0.02), (0.0, 6.0, 0.1, 0.1), (0.0, -1.0, 0.02, 0.02))


@dataclass(frozen=True, slots=True)
class PsychometricFit:
    """Parameters of one subject, most likely ones, and their standard errors.

    Errors are NaN for what lies at its bound, with few units, and where the answers don't tell
    parameters apart.
    """

    intercept: float
    """Log odds of the answer 1 at the label 0, lapses aside: the bias."""
    slope: float
    """Log odds for each unit of the label."""
    low: float
    high: float
    intercept_se: float
    slope_se: float
    low_se: float
    high_se: float
    n: int

    @property
    def lapse_rate(self) -> float:
        """Part of the trials whose answer has nothing to do with the label."""
        return self.low + self.high


def probability(
    z: Float[np.ndarray, " point"], intercept: float, slope: float, low: float, high: float
) -> Float[np.ndarray, " point"]:
    """Return the probability of the answer 1 at each label."""
    return low + (1 - low - high) * _logistic(intercept + slope * z)


def _logistic(odds: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(odds / 2))


def fit_psychometric(
    label: Float[np.ndarray, " trial"],
    answer: Float[np.ndarray, " trial"],
    unit: Integer[np.ndarray, " trial"],
) -> PsychometricFit:
    """Fit the function to answers of 1 and -1; labels have at least three values.

    Args:
        label: of each trial.
        answer: 1 or -1.
        unit: of each trial, from 0: between units trials are independent, for the standard errors.
    """
    from scipy.optimize import minimize  # slow to load, and most that is asked needs no fit

    scale = float(np.abs(label).max())
    z, shown, ones = _counted(label / scale, answer, unit)
    n, k = shown.sum(axis=0), ones.sum(axis=0)
    bounds = ((-STEEPEST, STEEPEST), (-STEEPEST, STEEPEST), (0.0, 0.5), (0.0, 0.5))
    tries = [  # by a method that starts no threads for four parameters
        minimize(_loss, start, (z, n, k), "TNC", jac=True, bounds=bounds) for start in STARTS
    ]
    best = min(tries, key=lambda one: one.fun).x
    errors = _errors(best, z, shown, ones, np.array(bounds))
    intercept, slope, low, high = best.tolist()
    return PsychometricFit(
        *(intercept, slope / scale, low, high),
        *(errors / np.array([1.0, scale, 1.0, 1.0])).tolist(),
        n=len(label),
    )


def _counted(
    z: np.ndarray, answer: np.ndarray, unit: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rounded labels, and for each unit and label the trials and the answers of 1."""
    cell = np.rint(z * CELLS).astype(np.int64) + CELLS
    there = np.flatnonzero(np.bincount(cell, minlength=2 * CELLS + 1))
    rank = np.zeros(2 * CELLS + 1, np.int64)
    rank[there] = np.arange(len(there))
    shape = (int(unit.max()) + 1, len(there))
    flat = unit.astype(np.int64) * len(there) + rank[cell]
    shown = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
    ones = np.bincount(flat[answer > 0], minlength=shape[0] * shape[1]).reshape(shape)
    return (there - CELLS) / CELLS, shown.astype(np.float64), ones.astype(np.float64)


def _loss(
    parameters: np.ndarray, z: np.ndarray, n: np.ndarray, k: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the negative log likelihood a trial, and its gradient."""
    p, slopes = _with_slopes(parameters, z)
    loss = -np.sum(k * np.log(p) + (n - k) * np.log(1 - p))
    return float(loss / n.sum()), slopes @ ((n * p - k) / (p * (1 - p))) / n.sum()


def _with_slopes(parameters: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability at each label, and its derivatives f8[parameter, label]."""
    intercept, slope, low, high = parameters
    core = _logistic(intercept + slope * z)
    steep = (1 - low - high) * core * (1 - core)
    p = np.clip(low + (1 - low - high) * core, TINY, 1 - TINY)
    return p, np.stack([steep, steep * z, 1 - core, -core])


def _errors(
    best: np.ndarray, z: np.ndarray, shown: np.ndarray, ones: np.ndarray, bounds: np.ndarray
) -> np.ndarray:
    """Return standard errors, clustered by unit, of the parameters that aren't at a bound."""
    errors = np.full(len(best), np.nan)
    free = np.flatnonzero((best > bounds[:, 0] + EDGE) & (best < bounds[:, 1] - EDGE))
    p, slopes = _with_slopes(best, z)
    slopes, weight = slopes[free], 1 / (p * (1 - p))
    information = (slopes * (shown.sum(axis=0) * weight)) @ slopes.T
    if len(shown) < FEWEST_UNITS or np.linalg.matrix_rank(information, hermitian=True) < len(free):
        return errors
    scores = ((ones - shown * p) * weight) @ slopes.T
    inverse = np.linalg.inv(information)
    few = len(shown) / (len(shown) - 1)
    covariance = few * inverse @ (scores.T @ scores) @ inverse
    errors[free] = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return errors

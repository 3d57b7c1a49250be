"""Logistic regression: what choices are predicted from when nobody asks how they were learnt."""

import numpy as np
from jaxtyping import Bool, Float64
from scipy.optimize import minimize
from scipy.special import expit, log_expit


def fit_logistic(
    terms: Float64[np.ndarray, "trial term"],
    chosen: Bool[np.ndarray, " trial"],
    *,
    ridge: float = 1.0,
) -> Float64[np.ndarray, " term"]:
    """Return the weights with the largest Σ log p(choice) - ridge/2 |w|².

    The penalty is that of all trials together, so more trials weigh more against it; with terms
    whose standard deviation is about 1 a ridge of 1 is a normal prior of that width. The problem
    is convex, so that the answer doesn't depend on where the search began.

    Raises:
        ValueError: no trials.
    """
    if len(terms) == 0:
        raise ValueError("logistic regression: expected at least one trial, got none")
    signs = np.where(chosen, 1.0, -1.0)

    def loss(weights: Float64[np.ndarray, " term"]) -> tuple[float, Float64[np.ndarray, " term"]]:
        margin = signs * (terms @ weights)
        value = -log_expit(margin).sum() + ridge / 2 * weights @ weights
        slope = -terms.T @ (signs * expit(-margin)) + ridge * weights
        return value / len(terms), slope / len(terms)

    start = np.zeros(terms.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-9})
    return found.x


def chances(
    weights: Float64[np.ndarray, " term"], terms: Float64[np.ndarray, "trial term"]
) -> Float64[np.ndarray, " trial"]:
    """Return the probability of choosing 1 in every trial."""
    return expit(terms @ weights)

"""How a found function depends on single inputs: its linear weights, and measures of them.

w are the slopes of the best affine function of the inputs, by the quadrature of the basis. A share
is a part of Σ w²: it asks for the direction only, and not how linear the function is. A random
direction among five inputs has about .53 of it on one input.
"""

import numpy as np
from jaxtyping import Float64

from sims.figures.claims import Arm, Measure

Groups = tuple[tuple[int, ...], ...]
"""Inputs of each group, counted from 0."""


def input_weights(arm: Arm) -> Float64[np.ndarray, " input"]:
    """Return the slope of the first stage's function along each input."""
    return _affine(arm.basis.points, arm.found[0].values, arm.basis.weights)[1:]


def largest_share(arm: Arm) -> float:
    """Return the largest share of w² that one input has, whichever."""
    return float(np.max(_shares(arm)))


def share_on(index: int) -> Measure:
    """Share of w² on one named input, counted from 0."""
    return lambda arm: float(_shares(arm)[index])


def largest_group_share(groups: Groups) -> Measure:
    """Share of w² inside one group, whichever has most."""
    return lambda arm: max(float(np.sum(_shares(arm)[list(group)])) for group in groups)


def group_means_fit(groups: Groups) -> Measure:
    """R² of the best function that is affine in the mean activity of each group."""

    def measure(arm: Arm) -> float:
        values, weights = arm.found[0].values, arm.basis.weights
        means = group_means(arm.basis.points, groups)
        slopes = _affine(means, values, weights)
        residual = values - slopes[0] - means @ slopes[1:]
        spread = weights @ (values - weights @ values) ** 2
        return float(1 - weights @ residual**2 / spread) if spread > 0 else float("nan")

    return measure


def group_means(
    points: Float64[np.ndarray, "point input"], groups: Groups
) -> Float64[np.ndarray, "point group"]:
    """Return the mean activity of each group's inputs."""
    return np.stack([points[:, list(group)].mean(axis=1) for group in groups], axis=1)


def _shares(arm: Arm) -> Float64[np.ndarray, " input"]:
    squared = input_weights(arm) ** 2
    total = np.sum(squared)
    return squared / total if total > 0 else np.full(len(squared), np.nan)


def _affine(
    x: Float64[np.ndarray, "point feature"],
    values: Float64[np.ndarray, " point"],
    weights: Float64[np.ndarray, " point"],
) -> Float64[np.ndarray, " coefficient"]:
    """Return intercept and slopes of the best affine function."""
    design = np.column_stack([np.ones(len(x)), x])
    root = np.sqrt(weights)
    return np.linalg.lstsq(root[:, None] * design, root * values, rcond=None)[0]

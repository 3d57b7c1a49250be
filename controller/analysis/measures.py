"""The numbers that describe a found function; every table and figure takes them from here."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Key, PRNGKeyArray

from controller.labellers.base import AbstractLabeller
from learners.base import AbstractLearner
from protocols.spaces.base import AbstractSpace, GradedBasis

FRESH_LEARNERS = 40
HELD_OUT_STIMULI = 200


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Generalisation error over label power, on learners that took no part in the search."""

    median: float
    """Median over the learners; infinite where the function is constant."""
    lower: float
    """Lower quartile."""
    upper: float
    """Upper quartile."""
    learners: int
    """Number of fresh learners, each with its own stimuli."""


def function_values(
    space: AbstractSpace,
    labeller: AbstractLabeller,
    theta: Float[np.ndarray, " theta"],
    points: Float64[np.ndarray, "point feature"],
) -> Float64[np.ndarray, " point"]:
    """Evaluate f_θ at `points`."""
    labels = _labels(space, labeller, jnp.asarray(theta), jnp.asarray(points, jnp.float32))
    return np.asarray(labels, np.float64)


@eqx.filter_jit
def _labels(
    space: AbstractSpace,
    labeller: AbstractLabeller,
    theta: Float[Array, " theta"],
    points: Float[Array, "point feature"],
) -> Float[Array, " point"]:
    return labeller.labels(space, theta, points)


def shares(basis: GradedBasis, values: Float64[np.ndarray, " point"]) -> dict[int, float]:
    """Return the part of the function's total squared norm in each degree.

    The parts sum to less than 1 by what lies beyond the largest degree of the basis. The constant
    is degree 0. A function that is zero everywhere has no shares: all are NaN.

    Args:
        basis: orthonormal functions and their quadrature.
        values: the function at the quadrature's nodes.
    """
    total = float(basis.weights @ values**2)
    projections = (basis.weights * values) @ basis.values
    return {
        int(degree): float(np.sum(projections[basis.degrees == degree] ** 2) / total)
        if total > 0
        else float("nan")
        for degree in np.unique(basis.degrees)
    }


def cosine(
    basis: GradedBasis, a: Float64[np.ndarray, " point"], b: Float64[np.ndarray, " point"]
) -> float:
    """Return the cosine of the angle between two functions, by quadrature."""
    norms = np.sqrt((basis.weights @ a**2) * (basis.weights @ b**2))
    return float(basis.weights @ (a * b) / norms) if norms > 0 else float("nan")


def variance(basis: GradedBasis, values: Float64[np.ndarray, " point"]) -> float:
    """Return the label power: the function's variance under p(x)."""
    mean = basis.weights @ values
    return float(basis.weights @ (values - mean) ** 2)


def affine_fit(basis: GradedBasis, values: Float64[np.ndarray, " point"]) -> float:
    """Return R² of the best affine function of the stimulus' features."""
    design = np.column_stack([np.ones(len(values)), basis.points])
    root = np.sqrt(basis.weights)
    coefficients = np.linalg.lstsq(root[:, None] * design, root * values, rcond=None)[0]
    residual = basis.weights @ (values - design @ coefficients) ** 2
    spread = variance(basis, values)
    return float(1 - residual / spread) if spread > 0 else float("nan")


def held_out(
    space: AbstractSpace,
    labeller: AbstractLabeller,
    learner: AbstractLearner,
    theta: Float[np.ndarray, " theta"],
    *,
    n_train: int,
    power: float,
    key: PRNGKeyArray,
    learners: int = FRESH_LEARNERS,
) -> HeldOut:
    """Train fresh learners on the function, test them on stimuli that they haven't seen.

    Args:
        space: where stimuli come from.
        labeller: the family of the function.
        learner: trained anew for each of `learners` independent draws.
        theta: the function.
        n_train: training trials.
        power: the function's variance, by which the mean squared error is divided.
        key: decides stimuli and learners; use one that no search has used.
        learners: number of fresh learners.
    """
    spare = HELD_OUT_STIMULI if space.size is None else space.size - n_train
    n_test = min(HELD_OUT_STIMULI, spare)
    errors = _errors(
        space,
        labeller,
        learner,
        jnp.asarray(theta),
        jax.random.split(key, learners),
        n_train=n_train,
        n_test=n_test,
    )
    if power <= 0:  # a constant function: nothing that could be generalised
        return HeldOut(median=np.inf, lower=np.inf, upper=np.inf, learners=learners)
    ratios = np.asarray(errors, np.float64) / power
    lower, median, upper = (float(q) for q in np.quantile(ratios, [0.25, 0.5, 0.75]))
    return HeldOut(median=median, lower=lower, upper=upper, learners=learners)


@eqx.filter_jit
def _errors(
    space: AbstractSpace,
    labeller: AbstractLabeller,
    learner: AbstractLearner,
    theta: Float[Array, " theta"],
    keys: Key[Array, " learner"],
    *,
    n_train: int,
    n_test: int,
) -> Float[Array, " learner"]:
    def error(key: PRNGKeyArray) -> Float[Array, ""]:
        stimuli_key, learner_key = jax.random.split(key)
        x = space.sample(n_train + n_test, key=stimuli_key)
        z = labeller.labels(space, theta, x)
        answers = learner.fit_predict(x[:n_train], z[:n_train], x[n_train:], key=learner_key)
        return jnp.mean((z[n_train:] - answers) ** 2)

    return jax.vmap(error)(keys)

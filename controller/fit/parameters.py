"""Parameters of a fit with their uncertainty, by Laplace's approximation over episodes.

The posterior is taken for a normal one, on the unbounded scale, around its maximum. Its covariance
is H⁻¹ (S + P) H⁻¹, with H the second derivatives, P the prior's part of them, and S the sum of the
squared slopes of each episode (Huber 1967): answers of one episode resemble each other, and where a
circuit is drawn anew in each they share it. If they don't, S + P is H, and all of it is Laplace's.
Where there is no peak (a parameter on which no answer depends) there is no interval.

An interval says how well the data place a parameter *of this model*. Where the model isn't quite
right (few draws of a noisy circuit, say) its parameters can lie beside the true ones by more.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float64

from controller.fit.held_out import slope
from learners.base import AbstractLearner
from learners.twins.base import AbstractModel, History
from learners.twins.fitting import Fitted
from learners.twins.voice import LEAST_NOISE

WIDTH = 1.96  # standard deviations on either side of a normal distribution's middle 95 %
DIRECTIONS = "directions"
DIFFERENCE = 1e-2  # of an unbounded parameter, for second derivatives
LARGEST_ERROR = 10.0  # of an unbounded parameter: more is no knowledge


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a model, on the scale on which it is read."""

    name: str
    value: float
    low: float | None
    """Of its middle 95 %; None where that isn't known."""
    high: float | None


def parameters(
    model: AbstractModel,
    fitted: Fitted,
    history: History,
    circuit: AbstractLearner | None = None,
) -> tuple[Parameter, ...]:
    """Return the parameters of a fit to all answers.

    Those of each degree are named by it, the constant's is 0; those of how a belief becomes an
    answer, which every model has, are its voice's. Free directions of a kernel are left
    out: only what follows from them can be read (`easy`).

    Args:
        model: what was fitted.
        fitted: its fit.
        history: the answers.
        circuit: by whose own settings the logarithms of a circuit's are meant.
    """
    errors = _errors(model, fitted, history)
    degrees = np.asarray(history.degrees).tolist()
    found: list[Parameter] = []
    for name, value in fitted.model.items():
        if name == DIRECTIONS:
            continue
        error, unit = errors.model[name], _unit(circuit, name)
        if np.ndim(value) == 0:
            found.append(_parameter(name, value, error, unit))
            continue
        # one for each degree, with the constant's; or one for each function
        by_degree = len(value) == len(degrees) + 1
        places = sorted({0, *degrees}) if by_degree else range(len(value))
        found += [_parameter(f"{name}.{k}", value[k], error[k], unit) for k in places]
    voice = vars(fitted.voice)
    spoken = [_parameter(name, voice[name], getattr(errors.voice, name), 1.0) for name in voice]
    return (*found, *(replace(one, name=f"voice.{one.name}") for one in spoken))


def _unit(circuit: AbstractLearner | None, name: str) -> float:
    return 1.0 if circuit is None else getattr(circuit, name.removeprefix("log_"), 1.0)


def _parameter(name: str, value: Array, error: Array, unit: float) -> Parameter:
    middle, spread = float(value), float(error)
    known = np.isfinite(spread) and spread < LARGEST_ERROR
    low, high = middle - WIDTH * spread, middle + WIDTH * spread

    def read(at: float) -> float:
        if name.startswith("log_"):
            return float(unit * np.exp(at) + (LEAST_NOISE if name == "log_noise" else 0.0))
        if name in {"kept", "lapse"}:
            return float(1 / (1 + np.exp(-at)))
        return at

    return Parameter(
        name=name.removeprefix("log_"),
        value=read(middle),
        low=read(low) if known else None,
        high=read(high) if known else None,
    )


def _errors(model: AbstractModel, fitted: Fitted, history: History) -> Fitted:
    """Return the standard deviation of each parameter, infinite where there is no peak."""
    flat, back = ravel_pytree(fitted)
    episodes = len(history.happened)

    def up(at: Array, weights: Array) -> Float64[np.ndarray, " parameter"]:
        return np.asarray(slope(model, at, fitted, history, weights), np.float64)

    every, none = jnp.ones(episodes), jnp.zeros(episodes)
    prior = up(flat, none)
    scores = np.stack([up(flat, one) - prior for one in jnp.eye(episodes)])
    spread = scores.T @ scores + _curvature(lambda at: up(at, none), flat)
    deviations = _deviations(_curvature(lambda at: up(at, every), flat), spread)
    return back(jnp.asarray(deviations, flat.dtype))


def _curvature(
    up: Callable[[Array], Float64[np.ndarray, " parameter"]], at: Array
) -> Float64[np.ndarray, "parameter parameter"]:
    """Return the negative second derivatives, by differences of the first ones."""
    rows = [
        (up(at - along) - up(at + along)) / (2 * DIFFERENCE)
        for along in DIFFERENCE * jnp.eye(len(at))
    ]
    return np.stack(rows)


def _deviations(
    curvature: Float64[np.ndarray, "n n"], spread: Float64[np.ndarray, "n n"]
) -> Float64[np.ndarray, " n"]:
    """Return the roots of the diagonal of H⁻¹ (S + P) H⁻¹; infinite where H has no peak."""
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    peaked = values > 1e-6 * values.max()
    inverse = vectors[:, peaked] / values[peaked] @ vectors[:, peaked].T
    variance = np.diag(inverse @ spread @ inverse)
    lost = np.sum(vectors[:, ~peaked] ** 2, axis=1) > 1e-6
    return np.sqrt(np.where(lost | (variance <= 0), np.inf, variance))

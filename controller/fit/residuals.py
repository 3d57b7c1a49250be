"""What a model leaves unexplained: checks of held-out residuals, each a number and a plain word.

A residual is an answer less its predicted mean, by the fit without the answer's block. Errors are
between episodes, since answers of one episode resemble each other. With five checks, one beyond two
errors is no great surprise; beyond three it is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64
from scipy import stats

from controller.fit.held_out import Prediction, blocks
from learners.twins.base import AbstractModel, Belief, History
from learners.twins.fitting import Fitted
from learners.twins.voice import LEAST_NOISE, Voice, all_binary

NOTICED, CLEAR = 2.0, 3.0
BINS = 10
TOLERATED = 0.05
"""Largest distance of the distribution of p-values from the uniform one that doesn't matter."""


@dataclass(frozen=True, slots=True)
class Check:
    """One look at the residuals."""

    name: str
    value: float
    error: float
    word: str


@dataclass(frozen=True, slots=True)
class Residuals:
    """The residuals of one model, and what they show."""

    residual: Float64[np.ndarray, "episode test"]
    predicted: Float64[np.ndarray, "episode test"]
    percentile: Float64[np.ndarray, "episode test"]
    """Of each answer in its predictive distribution; uniform if that is right."""
    checks: tuple[Check, ...]


def residuals(model: AbstractModel, prediction: Prediction, history: History) -> Residuals:
    """Check the held-out residuals of a model."""
    folds = len(jax.tree.leaves(prediction.folds.voice)[0])
    block = blocks(len(history.happened), folds)
    binary = bool(all_binary(history))
    means, below, at = (
        np.asarray(part, np.float64)[block, np.arange(len(block))]
        for part in _predictive(model, prediction.folds, history, binary)
    )
    answers = np.asarray(history.answers, np.float64)
    # where an answer has a probability of its own its percentile is drawn from what it covers
    percentile = below + at * np.random.default_rng(0).uniform(size=below.shape)
    residual = answers - means
    labels = np.asarray(history.test_labels, np.float64)
    position = np.broadcast_to(np.arange(residual.shape[1], dtype=float), residual.shape)
    return Residuals(
        residual=residual,
        predicted=means,
        percentile=percentile,
        checks=(
            _check("mean residual", _ratio(residual, np.ones_like(residual)), _MEAN),
            _check("slope on the label", _slope(residual, labels), _LABEL),
            _check("slope on the place in the episode", _slope(residual, position), _PLACE),
            _check("correlation with the trial before", _neighbours(residual), _BEFORE),
            _calibration(percentile),
        ),
    )


@eqx.filter_jit
def _predictive(
    model: AbstractModel, folds: Fitted, history: History, binary: bool
) -> tuple[Float[Array, "fold episode test"], ...]:
    """Return mean, probability below each answer, and probability of the very answer."""

    def one(fitted: Fitted) -> tuple[Array, Array, Array]:
        belief = model.beliefs(fitted.model, history)
        return _of_answers(fitted.voice, belief, history.answers, binary=binary)

    return jax.lax.map(one, folds)


def _of_answers(
    voice: Voice, belief: Belief, answers: Array, *, binary: bool
) -> tuple[Array, Array, Array]:
    lapse = jax.nn.sigmoid(voice.lapse)
    if binary:
        yes = jnp.exp(voice.log_likelihood(belief, jnp.ones_like(answers), jnp.array(True)))
        is_yes = answers > 0
        return 2 * yes - 1, jnp.where(is_yes, 1 - yes, 0.0), jnp.where(is_yes, yes, 1 - yes)
    said, gain = voice.said(belief.mean), jnp.exp(voice.log_gain)
    noise = jnp.sqrt((LEAST_NOISE + jnp.exp(voice.log_noise)) ** 2 + gain**2 * belief.variance)
    anything = jnp.clip((answers + 1) / 2, 0, 1)
    below = (1 - lapse) * jax.scipy.stats.norm.cdf(answers, said, noise) + lapse * anything
    return (1 - lapse) * said, below, jnp.zeros_like(below)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> tuple[float, float]:
    """Return the ratio of two sums, and its standard error between episodes."""
    above, below = np.sum(top, axis=1), np.sum(bottom, axis=1)
    ratio, count = above.sum() / below.sum(), len(above)
    error = np.sqrt(count / (count - 1) * np.sum((above - ratio * below) ** 2)) / abs(below.sum())
    return float(ratio), float(error)


def _slope(residual: np.ndarray, on: np.ndarray) -> tuple[float, float]:
    centred = on - on.mean()
    return _ratio((residual - residual.mean()) * centred, centred**2)


def _neighbours(residual: np.ndarray) -> tuple[float, float]:
    rest = residual - residual.mean()
    return _ratio(rest[:, 1:] * rest[:, :-1], (rest[:, 1:] ** 2 + rest[:, :-1] ** 2) / 2)


Words = tuple[str, str, str]
"""Where there is nothing to see, where it is too high, where it is too low."""
_MEAN: Words = (
    "no bias is left over",
    "answers lie higher than predicted",
    "answers lie lower than predicted",
)
_LABEL: Words = (
    "answers follow the labels as predicted",
    "answers follow the labels more than predicted",
    "answers follow the labels less than predicted",
)
_PLACE: Words = (
    "nothing changes in the course of an episode",
    "answers rise in the course of an episode",
    "answers fall in the course of an episode",
)
_BEFORE: Words = (
    "an answer says nothing about the next one",
    "what an answer is off by goes on in the next one",
    "what an answer is off by is made up for in the next one",
)


def _check(name: str, found: tuple[float, float], words: Words) -> Check:
    value, error = found
    size = abs(value) / error if error > 0 else 0.0
    if size < NOTICED:
        word = words[0]
    else:
        word = f"{'' if size >= CLEAR else 'perhaps '}{words[1] if value > 0 else words[2]}"
    return Check(name, value, error, word)


def _calibration(percentile: np.ndarray) -> Check:
    """Compare percentiles with the uniform distribution (Kolmogorov and Smirnov's distance)."""
    found = stats.kstest(percentile.ravel(), "uniform")
    error = _jackknife(lambda part: stats.kstest(part.ravel(), "uniform").statistic, percentile)
    distance = float(found.statistic)
    if distance < TOLERATED:
        word = "answers are spread as predicted"
    elif percentile.var() > 1 / 12:
        word = "answers are further off than predicted: the model is too sure"
    else:
        word = "answers are less far off than predicted: the model isn't sure enough"
    return Check("distance of percentiles from uniform", distance, error, word)


def _jackknife(statistic: Callable[[np.ndarray], float], rows: np.ndarray) -> float:
    """Return a standard error, leaving out a tenth of the episodes at a time."""
    part = blocks(len(rows), BINS)
    values = np.array([statistic(rows[part != one]) for one in range(BINS)])
    return float(np.sqrt((BINS - 1) / BINS * np.sum((values - values.mean()) ** 2)))

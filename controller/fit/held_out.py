"""How well a model predicts answers that it wasn't fitted to: contiguous blocks of episodes.

Neighbours are held out together, since what changes slowly would tell an episode from those around
it. Only the answers of a block are held out: its training trials happened, so a model goes through
them, and their lessons carry over into later episodes as they do in the learner.
"""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Float64, Int

from learners.twins.base import AbstractModel, History
from learners.twins.circuit import Tabled
from learners.twins.fitting import Fitted, fit, log_likelihoods, unfitted
from learners.twins.low_rank import LowRank

FOLDS = 5
SCOUTING = 60
"""Steps from each beginning, before the best of them goes on."""
STEPS = 200
RESTARTS = 2
MOST_STARTS = 12
VOICE = 4
"""Parameters of every model: gain, bias, noise, lapses."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One model, fitted to all answers, and to all but each block."""

    fitted: Fitted
    """To all answers."""
    folds: Fitted
    """Stacked, one without each block."""
    log_likelihood: Float64[np.ndarray, "episode test"]
    """Of every answer, in nats, by the fit without its block."""
    parameters: int
    """Numbers on which its predictions depend, those of every model's voice among them."""


def blocks(episodes: int, count: int = FOLDS) -> Int[np.ndarray, " episode"]:
    """Return the block of each episode: `count` runs of neighbours of about equal length."""
    return np.arange(episodes) * count // episodes


def predict(
    model: AbstractModel, history: History, *, folds: int = FOLDS, steps: int = STEPS
) -> Prediction:
    """Fit a model with and without each block, and score the answers of each block.

    Args:
        model: what is fitted; circuits as tabled for this history.
        history: the answers, and what was shown before them.
        folds: number of blocks.
        steps: of each fit, after the beginnings were tried.
    """
    block = blocks(len(history.happened), folds)
    counted = np.concatenate([np.ones((1, len(block))), block != np.arange(folds)[:, None]])
    starts = _starts(model, history)
    fits = _fit_all(model, starts, history, jnp.asarray(counted, jnp.float32), steps)
    fitted = jax.tree.map(lambda leaf: leaf[0], fits)
    without = jax.tree.map(lambda leaf: leaf[1:], fits)
    every = np.asarray(_scored(model, without, history), np.float64)
    return Prediction(
        fitted=fitted,
        folds=without,
        log_likelihood=every[block, np.arange(len(block))],
        parameters=_depended_on(model, fitted, history),
    )


def log_posterior(
    model: AbstractModel, fitted: Fitted, history: History, weights: Float[Array, " episode"]
) -> Float[Array, ""]:
    """Return what a fit makes large, with each episode's answers counted by its weight."""
    said = jnp.sum(weights * jnp.sum(log_likelihoods(model, fitted, history), axis=1))
    return said + model.log_prior(fitted.model) + fitted.voice.log_prior()


@eqx.filter_jit
def slope(
    model: AbstractModel,
    flat: Float[Array, " parameter"],
    like: Fitted,
    history: History,
    weights: Float[Array, " episode"],
) -> Float[Array, " parameter"]:
    """Return the derivative of the log posterior in every parameter.

    Args:
        model: whose parameters they are.
        flat: the parameters, as `ravel_pytree` lays them out; the last ones are the voice's.
        like: a fit of that model, for its structure.
        history: the answers.
        weights: how much each episode's answers count.
    """
    back = ravel_pytree(like)[1]
    return jax.grad(lambda at: log_posterior(model, back(at), history, weights))(flat)


def _starts(model: AbstractModel, history: History) -> Fitted:
    """Return where fits begin, stacked: for a circuit settings all over its grid."""
    functions = history.train.shape[-1]
    if isinstance(model, Tabled):
        names = [f"log_{name}" for name in model.free]
        nodes = model.nodes[:: -(-len(model.nodes) // MOST_STARTS)]
        settings = dict(zip(names, nodes.T, strict=True))
        start = unfitted(model, functions, key=jax.random.key(0))
        count = len(nodes)
        spread = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)), start)
        return Fitted({**spread.model, **settings}, spread.voice)
    count = RESTARTS if isinstance(model, LowRank) else 1
    keys = jax.random.split(jax.random.key(0), count)
    return jax.tree.map(
        lambda *leaves: jnp.stack(leaves), *(unfitted(model, functions, key=key) for key in keys)
    )


@eqx.filter_jit
def _fit_all(
    model: AbstractModel,
    starts: Fitted,
    history: History,
    counted: Float[Array, "fit episode"],
    steps: int,
) -> Fitted:
    """Fit to each selection of episodes, from the beginning that does best on that selection."""

    def one(weights: Array) -> Fitted:
        scouts = jax.vmap(lambda start: fit(model, start, history, weights, steps=SCOUTING))(starts)
        good = jax.vmap(lambda scout: log_posterior(model, scout, history, weights))(scouts)
        best = jnp.argmax(jnp.where(jnp.isfinite(good), good, -jnp.inf))
        begun = jax.tree.map(lambda leaf: leaf[best], scouts)
        return fit(model, begun, history, weights, steps=steps)

    return jax.lax.map(one, counted)


@eqx.filter_jit
def _scored(
    model: AbstractModel, fits: Fitted, history: History
) -> Float[Array, "fit episode test"]:
    return jax.lax.map(lambda fitted: log_likelihoods(model, fitted, history), fits)


def _depended_on(model: AbstractModel, fitted: Fitted, history: History) -> int:
    """Count the parameters in which answers make a slope, here or before any answer."""
    start = unfitted(model, history.train.shape[-1], key=jax.random.key(0))
    every = jnp.ones(len(history.happened))
    felt = []
    for at in (fitted, start):
        flat = ravel_pytree(at)[0]
        with_answers, prior = (slope(model, flat, at, history, w * every) for w in (1.0, 0.0))
        felt.append(np.asarray(with_answers != prior)[:-VOICE])
    return VOICE + int(np.sum(felt[0] | felt[1]))

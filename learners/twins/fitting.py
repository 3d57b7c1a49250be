"""Fitting a model to answers: the largest posterior density, from where the last fit ended."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from learners.twins.base import AbstractModel, History, Params
from learners.twins.voice import Voice, all_binary

RATE = 0.1
SLOWEST = 0.1  # of that rate, at the end of a fit


class Fitted(eqx.Module):
    """A model's parameters."""

    model: Params
    voice: Voice


def unfitted(model: AbstractModel, functions: int, *, key: PRNGKeyArray) -> Fitted:
    """Return a model's parameters before any answer."""
    return Fitted(model.start(functions, key=key), Voice.start())


def log_likelihoods(
    model: AbstractModel, fitted: Fitted, history: History
) -> Float[Array, "episode test"]:
    """Return the logarithm of each answer's density; 0 in rows that are empty yet."""
    belief = model.beliefs(fitted.model, history)
    found = fitted.voice.log_likelihood(belief, history.answers, all_binary(history))
    return jnp.where(history.happened[:, None], found, 0.0)


def fit(
    model: AbstractModel,
    start: Fitted,
    history: History,
    weights: Float[Array, " episode"] | float = 1.0,
    *,
    steps: int,
) -> Fitted:
    """Improve the posterior density of `start` by so many steps of Adam.

    Args:
        model: what is fitted.
        start: where to begin.
        history: the answers, and what was shown before them.
        weights: how much each episode's answers count.
        steps: number of steps.
    """

    def loss(fitted: Fitted) -> Float[Array, ""]:
        said = jnp.sum(weights * jnp.sum(log_likelihoods(model, fitted, history), axis=1))
        return -said - model.log_prior(fitted.model) - fitted.voice.log_prior()

    return descend(loss, start, steps)


def descend(loss: Callable[[Any], Float[Array, ""]], start: Any, steps: int) -> Any:
    """Go down a loss by Adam, slower towards the end; what isn't finite is left out."""
    schedule = optax.cosine_decay_schedule(RATE, steps, alpha=SLOWEST)
    optimiser = optax.chain(optax.zero_nans(), optax.adam(schedule))

    def step(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
        params, state = carry
        updates, state = optimiser.update(jax.grad(loss)(params), state, params)
        return (optax.apply_updates(params, updates), state), None

    (params, _), _ = jax.lax.scan(step, (start, optimiser.init(start)), None, length=steps)
    return params

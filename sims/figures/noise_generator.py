"""A network that turns noise into data, and its training: what the generating examples share."""

from collections.abc import Callable
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

Weights = tuple[tuple[Array, Array], ...]
"""Weights and biases, layer by layer."""
Loss = Callable[[Weights, Array, PRNGKeyArray], Array]
"""Of the weights, the weight of the learner's term (0: the control), and a key."""
INITIAL_GAIN = 1.5  # of the first layers, so that tanh bends what comes out


def initial(widths: tuple[int, ...], *, key: PRNGKeyArray) -> Weights:
    """Draw the layers of a naive network."""
    keys = jax.random.split(key, len(widths) - 1)
    return tuple(
        (INITIAL_GAIN * jax.random.normal(k, (m, n)) / m**0.5, jnp.zeros(n))
        for k, (m, n) in zip(keys, pairwise(widths), strict=True)
    )


def generate(weights: Weights, count: int, *, key: PRNGKeyArray) -> Float[Array, "sample value"]:
    """Turn `count` standard normal noise vectors into samples; tanh between layers."""
    values = jax.random.normal(key, (count, weights[0][0].shape[0]))
    for matrix, bias in weights[:-1]:
        values = jnp.tanh(values @ matrix + bias)
    matrix, bias = weights[-1]
    return values @ matrix + bias


@eqx.filter_jit
def trained(
    loss: Loss,
    start: Weights,
    learner_weight: Float[Array, ""],
    *,
    steps: int,
    learning_rate: float,
    key: PRNGKeyArray,
) -> tuple[Weights, Float[Array, " step"]]:
    """Descend the loss by Adam, with a rate that falls to 0; return the loss of every step too."""
    optimiser = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))

    def step(carry: tuple[Weights, optax.OptState], key: PRNGKeyArray) -> tuple:
        weights, state = carry
        value, gradient = jax.value_and_grad(loss)(weights, learner_weight, key)
        updates, state = optimiser.update(gradient, state)
        return (optax.apply_updates(weights, updates), state), value

    keys = jax.random.split(key, steps)
    (weights, _), losses = jax.lax.scan(step, (start, optimiser.init(start)), keys)
    return weights, losses

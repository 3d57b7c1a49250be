"""What labellers that are neural networks share: the layout of θ, and how labels are bounded."""

from collections.abc import Callable, Iterable
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

Output = Literal["tanh", "linear", "standard"]
"""`tanh` keeps labels in [-1, 1]; `linear` leaves that to the distribution term; `standard` gives
labels mean 0 and the spread of a uniform label, then clips them."""

Layers = Iterable[tuple[int, int]]
"""Inputs and units of each layer; θ holds weights and biases, layer by layer."""


def parameters(layers: Layers) -> int:
    """Return the length of θ."""
    return sum((m + 1) * n for m, n in layers)


def he_weights(layers: Layers, *, key: PRNGKeyArray) -> Float[Array, " theta"]:
    """Return He-scaled random weights and zero biases."""
    parts = []
    for m, n in layers:
        key, part = jax.random.split(key)
        parts += [jax.random.normal(part, (m * n,)) * (2 / m) ** 0.5, jnp.zeros(n)]
    return jnp.concatenate(parts)


def bounded(
    output: Output,
    values: Float[Array, " point"],
    at_reference: Callable[[], Float[Array, " reference"]],
) -> Float[Array, " point"]:
    """Return labels for what the last layer gives; `at_reference` gives that on fixed stimuli."""
    if output == "tanh":
        return jnp.tanh(values)
    if output == "linear":
        return values
    reference = at_reference()
    spread = jnp.sqrt(jnp.var(reference) + 1e-12)
    return jnp.clip((values - jnp.mean(reference)) / (3**0.5 * spread), -1.0, 1.0)

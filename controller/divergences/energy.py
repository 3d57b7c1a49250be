"""Energy distance of Székely & Rizzo 2013, by sorting."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from controller.divergences.base import AbstractDivergence, Weight, uniform_quantiles


class Energy(AbstractDivergence):
    """2 E|Z - U| - E|Z - Z'| - E|U - U'|, with U on the quantiles of the uniform distribution."""

    kind: ClassVar[str] = "energy"
    weight: Weight = 1.0
    """Weight of the term in the fitness."""

    def __call__(self, labels: Float[Array, " point"]) -> Float[Array, ""]:
        """Return the energy distance between the labels and the uniform distribution."""
        target = uniform_quantiles(labels.shape[0])
        both = jnp.concatenate([labels, target])
        n = labels.shape[0]
        # Σ_{i,j ∈ a ∪ b} |.| = Σ_aa + Σ_bb + 2 Σ_ab, and each sum is one sort
        cross = (_pair_sum(both) - _pair_sum(labels) - _pair_sum(target)) / 2
        return (2 * cross - _pair_sum(labels) - _pair_sum(target)) / n**2


def _pair_sum(values: Float[Array, " n"]) -> Float[Array, ""]:
    """Return Σ_ij |v_i - v_j| over ordered pairs."""
    n = values.shape[0]
    return 2 * jnp.sum((2 * jnp.arange(n) + 1 - n) * jnp.sort(values))

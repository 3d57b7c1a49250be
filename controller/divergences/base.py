"""What keeps a labeller from the constant function: a pull of its labels to a distribution."""

import abc
from typing import Annotated, ClassVar

import equinox as eqx
import jax.numpy as jnp
from annotated_types import Ge
from jaxtyping import Array, Float


class AbstractDivergence(eqx.Module):
    """A divergence of labels from the uniform distribution on [-1, 1] (or from its spread)."""

    kind: ClassVar[str]
    weight: eqx.AbstractVar[float]

    @abc.abstractmethod
    def __call__(self, labels: Float[Array, " point"]) -> Float[Array, ""]:
        """Return the divergence, ≥ 0 up to rounding, differentiable in the labels."""


Weight = Annotated[float, Ge(0)]


def uniform_quantiles(n: int) -> Float[Array, " n"]:
    """Return the midpoints of `n` equal parts of [-1, 1]."""
    return (2 * jnp.arange(n) + 1 - n) / n

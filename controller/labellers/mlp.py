"""A fully connected network as labeller: the paper's meta-learner."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import jax
import jax.numpy as jnp
from annotated_types import Ge, MinLen
from jaxtyping import Array, Float, PRNGKeyArray

from controller.labellers.base import REFERENCE_POINTS, AbstractLabeller
from protocols.spaces.base import AbstractSpace

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "gelu": jax.nn.gelu}


class MLP(AbstractLabeller):
    """feature → hidden → … → 1, with biases; θ holds weights and biases, layer by layer."""

    kind: ClassVar[str] = "mlp"
    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(0)] = (20, 20)
    """Number of units in each hidden layer; empty: an affine labeller."""
    activation: Literal["relu", "tanh", "gelu"] = "relu"
    """Non-linearity of the hidden layers."""
    output: Literal["tanh", "linear", "standard"] = "tanh"
    """`tanh` keeps labels in [-1, 1]; `linear` leaves that to the distribution term; `standard`
    gives labels mean 0 and the spread of a uniform label, then clips them."""

    @property
    def is_linear(self) -> bool:
        """Not over orthonormal functions."""
        return False

    def check(self, space: AbstractSpace) -> None:
        """Fit every space."""

    def size(self, space: AbstractSpace) -> int:
        """Length of θ."""
        return sum((m + 1) * n for m, n in pairwise(self._widths(space)))

    def initial(self, space: AbstractSpace, *, key: PRNGKeyArray) -> Float[Array, " theta"]:
        """Return He-scaled random weights and zero biases."""
        parts = []
        for m, n in pairwise(self._widths(space)):
            key, part = jax.random.split(key)
            parts += [jax.random.normal(part, (m * n,)) * (2 / m) ** 0.5, jnp.zeros(n)]
        return jnp.concatenate(parts)

    def labels(
        self,
        space: AbstractSpace,
        theta: Float[Array, " theta"],
        x: Float[Array, "point feature"],
    ) -> Float[Array, " point"]:
        """Evaluate f_θ at `x`."""
        values = self._forward(space, theta, x)
        if self.output == "tanh":
            return jnp.tanh(values)
        if self.output == "standard":
            points = jnp.asarray(space.reference(REFERENCE_POINTS), x.dtype)
            reference = self._forward(space, theta, points)
            spread = jnp.sqrt(jnp.var(reference) + 1e-12)
            return jnp.clip((values - jnp.mean(reference)) / (3**0.5 * spread), -1.0, 1.0)
        return values

    def _forward(
        self, space: AbstractSpace, theta: Float[Array, " theta"], x: Float[Array, "point feature"]
    ) -> Float[Array, " point"]:
        start, layers = 0, list(pairwise(self._widths(space)))
        for index, (m, n) in enumerate(layers):
            weights = theta[start : start + m * n].reshape(m, n)
            x = x @ weights + theta[start + m * n : start + (m + 1) * n]
            start += (m + 1) * n
            if index + 1 < len(layers):
                x = ACTIVATIONS[self.activation](x)
        return x[:, 0]

    def _widths(self, space: AbstractSpace) -> tuple[int, ...]:
        return (space.dim, *self.hidden, 1)

"""A fully connected network as labeller: the paper's meta-learner."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import jax
import jax.numpy as jnp
from annotated_types import Ge, MinLen
from jaxtyping import Array, Float, PRNGKeyArray

from controller.labellers.base import REFERENCE_POINTS, AbstractLabeller
from controller.labellers.network import Output, bounded, he_weights, parameters
from protocols.spaces.base import AbstractSpace

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "gelu": jax.nn.gelu}


class MLP(AbstractLabeller):
    """feature → hidden → … → 1, with biases; θ holds weights and biases, layer by layer."""

    kind: ClassVar[str] = "mlp"
    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(0)] = (20, 20)
    """Number of units in each hidden layer; empty: an affine labeller."""
    activation: Literal["relu", "tanh", "gelu"] = "relu"
    """Non-linearity of the hidden layers."""
    output: Output = "tanh"
    """`tanh` keeps labels in [-1, 1]; `linear` leaves that to the distribution term; `standard`
    gives labels mean 0 and the spread of a uniform label, then clips them."""

    def check(self, space: AbstractSpace) -> None:
        """Fit every space."""

    def size(self, space: AbstractSpace) -> int:
        """Length of θ."""
        return parameters(pairwise(self._widths(space)))

    def initial(self, space: AbstractSpace, *, key: PRNGKeyArray) -> Float[Array, " theta"]:
        """Return He-scaled random weights and zero biases."""
        return he_weights(pairwise(self._widths(space)), key=key)

    def labels(
        self,
        space: AbstractSpace,
        theta: Float[Array, " theta"],
        x: Float[Array, "point feature"],
    ) -> Float[Array, " point"]:
        """Evaluate f_θ at `x`."""
        return bounded(
            self.output,
            self._forward(space, theta, x),
            lambda: self._forward(
                space, theta, jnp.asarray(space.reference(REFERENCE_POINTS), x.dtype)
            ),
        )

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

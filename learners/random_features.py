"""Kernel ridge regression on random ReLU features: a two-layer network with a fixed first layer.

Dorrell, Yuffa & Latham 2023, § 2 (figure 2C): a random matrix of standard normals, ReLU, and
ridge regression on the hidden activities. Its kernel is the arc-cosine kernel of Cho & Saul 2009.
"""

from typing import Annotated, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from learners.base import AbstractLearner


class RandomFeatures(AbstractLearner):
    """Ridge regression of labels on h = ReLU(W (scale · x)) / √width, W standard normal."""

    kind: ClassVar[str] = "random_features"
    width: Annotated[int, Ge(1)] = 100
    """Number of hidden units, K."""
    ridge: Annotated[float, Gt(0)] = 1e-3
    """Weight of the squared readout weights."""
    first_layer: Literal["redrawn", "fixed"] = "redrawn"
    """Whether every episode has its own first layer, or all share the one of `first_layer_seed`."""
    first_layer_seed: Annotated[int, Ge(0)] = 0
    """Seed of the shared first layer; only used when it is fixed."""
    input_scale: tuple[Annotated[float, Ge(0)], ...] = ()
    """One factor a feature: how strongly it drives the hidden layer; empty: all alike."""

    def fit_predict(
        self,
        x: Float[Array, "train feature"],
        z: Float[Array, " train"],
        x_test: Float[Array, "test feature"],
        *,
        key: PRNGKeyArray,
    ) -> Float[Array, " test"]:
        """Train the readout on (x, z), answer to `x_test`."""
        if self.first_layer == "fixed":
            key = jax.random.key(self.first_layer_seed)
        weights = jax.random.normal(key, (x.shape[1], self.width))
        if self.input_scale:
            weights = jnp.asarray(self.input_scale)[:, None] * weights
        weights = weights / jnp.sqrt(float(self.width))
        h, h_test = jax.nn.relu(x @ weights), jax.nn.relu(x_test @ weights)
        if x.shape[0] <= self.width:  # the dual form solves for as many unknowns as trials
            gram = h @ h.T + self.ridge * jnp.eye(x.shape[0])
            return h_test @ (h.T @ _solve(gram, z))
        gram = h.T @ h + self.ridge * jnp.eye(self.width)
        return h_test @ _solve(gram, h.T @ z)

    def check(self, points: Float64[np.ndarray, "point feature"]) -> None:
        """Raise ValueError if there is not one scale for each feature."""
        dim = points.shape[1]
        if self.input_scale and len(self.input_scale) != dim:
            raise ValueError(
                f"input_scale: expected {dim} numbers, one for each feature of a stimulus, "
                f"got {len(self.input_scale)}"
            )


def _solve(gram: Float[Array, "n n"], z: Float[Array, " n"]) -> Float[Array, " n"]:
    return jax.scipy.linalg.solve(gram, z, assume_a="pos")

"""Ridge regression on the stimulus itself: the linear learner of figures 2B and 3B.

With innate weights it believes something before it is taught anything, and what it isn't taught
enough it goes on believing.
"""

from typing import Annotated, ClassVar

import jax.numpy as jnp
import numpy as np
from annotated_types import Gt
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from learners.base import AbstractLearner


class Ridge(AbstractLearner):
    """w = argmin Σ (z - w·x)² + ridge |w - innate|²."""

    kind: ClassVar[str] = "ridge"
    ridge: Annotated[float, Gt(0)] = 1e-3
    """Weight of |w - innate|²."""
    intercept: bool = False
    """Whether a constant is fitted too (and penalised like a weight)."""
    innate: tuple[float, ...] = ()
    """Weights before anything is taught, one a feature (the constant's is 0); empty: all 0."""

    def fit_predict(
        self,
        x: Float[Array, "train feature"],
        z: Float[Array, " train"],
        x_test: Float[Array, "test feature"],
        *,
        key: PRNGKeyArray,
    ) -> Float[Array, " test"]:
        """Train on (x, z), answer to `x_test`; nothing here is random."""
        del key
        before = jnp.zeros_like(x_test[:, 0])
        if self.innate:
            innate = jnp.asarray(self.innate, x.dtype)
            z, before = z - x @ innate, x_test @ innate
        if self.intercept:
            x, x_test = _with_one(x), _with_one(x_test)
        gram = x.T @ x + self.ridge * jnp.eye(x.shape[1])
        return before + x_test @ jnp.linalg.solve(gram, x.T @ z)

    def check(self, points: Float64[np.ndarray, "point feature"]) -> None:
        """Raise ValueError if there is not one innate weight for each feature."""
        dim = points.shape[1]
        if self.innate and len(self.innate) != dim:
            raise ValueError(
                f"innate: expected {dim} numbers, one for each feature of a stimulus, got "
                f"{len(self.innate)}"
            )


def _with_one(x: Float[Array, "point feature"]) -> Float[Array, "point feature_and_one"]:
    return jnp.concatenate([x, jnp.ones((x.shape[0], 1), x.dtype)], axis=1)

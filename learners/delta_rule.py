"""The delta rule on the stimulus: one correction a trial, so that what came last counts most."""

from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from learners.base import AbstractLearner


class DeltaRule(AbstractLearner):
    """w ← w + rate φ (z - φ · w) / (1 + rate |φ|²) with φ = (1, x), trial by trial, from w = 0.

    Rescorla & Wagner 1972, normalised (Widrow & Hoff 1960) so that no rate makes it diverge.
    Unlike a regression it depends on the order of the trials.
    """

    kind: ClassVar[str] = "delta_rule"
    rate: Annotated[float, Gt(0)] = 1.0
    """How much of an error one trial corrects: rate |φ|² / (1 + rate |φ|²) of it."""
    passes: Annotated[int, Ge(1)] = 1
    """How often it goes through the training trials."""

    def fit_predict(
        self,
        x: Float[Array, "train feature"],
        z: Float[Array, " train"],
        x_test: Float[Array, "test feature"],
        *,
        key: PRNGKeyArray,
    ) -> Float[Array, " test"]:
        """Go through the trials in their order, answer to `x_test`; nothing here is random."""
        del key
        phi, phi_test = _with_one(x), _with_one(x_test)

        def trial(w: Array, shown: tuple[Array, Array]) -> tuple[Array, None]:
            f, label = shown
            return w + self.rate * f * (label - f @ w) / (1 + self.rate * f @ f), None

        again = (jnp.tile(phi, (self.passes, 1)), jnp.tile(z, self.passes))
        w, _ = jax.lax.scan(trial, jnp.zeros(phi.shape[1], phi.dtype), again)
        return phi_test @ w

    def check(self, points: Float64[np.ndarray, "point feature"]) -> None:
        """Take any number of features."""


def _with_one(x: Float[Array, "point feature"]) -> Float[Array, "point feature_and_one"]:
    return jnp.concatenate([jnp.ones((x.shape[0], 1), x.dtype), x], axis=1)

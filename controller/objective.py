"""The objective: three terms, stored apart, combined into a fitness (lower is better).

Dorrell, Yuffa & Latham 2023, Algorithm 1 and eq. 2. Only the first term needs a learner:

* generalisation error: mean squared difference between test labels and answers, plain or over
  the power (variance) of the labeller's function;
* distribution: divergence of the labels from their target distribution;
* orthogonality: Σ over earlier stages of the squared cosine between the functions (eq. 2,
  normalised by both functions' norms, so that it can't be lowered by small labels).

The last two are functions of θ alone, computed on fixed points that cover the space; they never
cost a trial.
"""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from controller.divergences.base import AbstractDivergence

POWER_FLOOR = 1e-6


class FreeTerms(eqx.Module):
    """What is known of a candidate without a learner."""

    power: Float[Array, "*slot"]
    """Variance of the labels over the space."""
    distribution: Float[Array, "*slot"]
    """Divergence of the labels from their target."""
    orthogonality: Float[Array, "*slot"]
    """Sum of squared cosines to the functions of earlier stages."""


class Objective(eqx.Module):
    """How the terms are computed and weighed."""

    error: Literal["mse", "over_power"]
    """Whether the generalisation error is divided by the label power."""
    error_weight: float
    divergence: AbstractDivergence
    orthogonality_weight: float

    def free_terms(
        self, labels: Float[Array, " point"], earlier: Float[Array, "stage point"]
    ) -> FreeTerms:
        """Compute the terms that need no learner.

        Args:
            labels: the candidate's labels on the reference points.
            earlier: those of earlier stages; rows of zeros stand for stages not yet run.
        """
        directions = earlier / (jnp.linalg.norm(earlier, axis=1, keepdims=True) + 1e-12)
        # the floor is inside the root, where the gradient of zero labels would be infinite
        cosines = directions @ labels / jnp.sqrt(jnp.sum(labels**2) + 1e-12)
        return FreeTerms(jnp.var(labels), self.divergence(labels), jnp.sum(cosines**2))

    def generalisation_errors(
        self,
        labels: Float[Array, " test"],
        answers: Float[Array, "learner test"],
        power: Float[Array, ""],
    ) -> tuple[Float[Array, " learner"], Float[Array, " learner"]]:
        """Return each learner's error over the test trials, and its standard error."""
        squared = (labels - answers) ** 2
        if self.error == "over_power":
            squared = squared / (power + POWER_FLOOR)
        count = squared.shape[1]
        spread = jnp.sqrt(jnp.var(squared, axis=1) / max(count - 1, 1))
        return jnp.mean(squared, axis=1), spread

    def fitness(
        self, error: Float[Array, "*slot"], free: FreeTerms, learner_weight: Float[Array, ""]
    ) -> Float[Array, "*slot"]:
        """Combine the terms; `learner_weight` 0 makes the no-learner control, 1 the real run."""
        return (
            self.error_weight * learner_weight * error
            + self.divergence.weight * free.distribution
            + self.orthogonality_weight * free.orthogonality
        )

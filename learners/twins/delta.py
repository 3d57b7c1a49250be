"""The delta rule: trial by trial, from the error of a prediction, and nothing is started anew."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from learners.twins.base import AbstractTwin, Params, log_normal
from learners.twins.kernel import SPREAD

RATE = -2.0
"""Prior mean of the logarithm of a learning rate."""
KEPT = 2.0
"""Prior mean of the logit of what isn't forgotten."""


class Delta(AbstractTwin):
    """Weights that go on over all episodes, with a learning rate for each degree.

    Normalised delta rule (Widrow & Hoff 1960; Rescorla & Wagner 1972), in the order of the trials:

        w ← w + Λ φ (z - φ · w) / (1 + φ · Λ φ)

    so that no rate makes it diverge; before each episode a part of all weights is forgotten.
    """

    kind: ClassVar[str] = "delta"

    def start(self, functions: int, *, key: PRNGKeyArray) -> Params:
        """Expect the same of every degree."""
        del key
        return {"log_rates": jnp.full(functions + 1, RATE), "kept": jnp.array(KEPT)}

    def log_prior(self, params: Params) -> Float[Array, ""]:
        """Return the prior of learning rates and forgetting."""
        rates = log_normal(params["log_rates"], RATE, SPREAD)
        return rates + log_normal(params["kept"], KEPT, SPREAD)

    def lesson(
        self,
        params: Params,
        degrees: Int[Array, " weight"],
        phi: Float[Array, "train weight"],
        z: Float[Array, " train"],
    ) -> tuple[Float[Array, "weight weight"], Float[Array, " weight"]]:
        """Go through the trials, with the weights as an affine function of those before."""
        size = phi.shape[1]
        kept = jax.nn.sigmoid(params["kept"]) * jnp.eye(size)
        # columns of old weights learn to answer 0, the last one learns the labels
        start = jnp.concatenate([kept, jnp.zeros((size, 1))], axis=1)
        labels = jnp.concatenate([jnp.zeros((z.shape[0], size)), z[:, None]], axis=1)
        end = _through(jnp.exp(params["log_rates"])[degrees], phi, labels, start)
        return end[:, :size], end[:, size]

    def taught(
        self,
        params: Params,
        degrees: Int[Array, " weight"],
        phi: Float[Array, "train weight"],
        z: Float[Array, "train label"],
    ) -> Float[Array, "weight label"]:
        """Return the weights after one episode without a past."""
        naive = jnp.zeros((phi.shape[1], z.shape[1]))
        return _through(jnp.exp(params["log_rates"])[degrees], phi, z, naive)


def _through(
    rates: Float[Array, " weight"],
    phi: Float[Array, "train weight"],
    z: Float[Array, "train column"],
    weights: Float[Array, "weight column"],
) -> Float[Array, "weight column"]:
    """Run the trials on columns of weights, each with labels of its own."""
    for f, label in zip(phi, z, strict=True):
        gain = rates * f / (1 + f @ (rates * f))
        weights = weights + gain[:, None] * (label - f @ weights)[None, :]
    return weights

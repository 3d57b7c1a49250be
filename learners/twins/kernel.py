"""What the kernel twins share: ridge regression, and a belief that outlives an episode."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from learners.twins.base import AbstractTwin, Params

KEPT = -2.0
"""Prior mean of the logit of the carry-over."""
SPREAD = 2.0
"""Prior standard deviation of logits, and of the logarithm of an eigenvalue over the ridge."""


class AbstractKernelTwin(AbstractTwin):
    """A twin whose belief follows what each episode alone would teach, g: f ← (1 - c) g + c f.

    The logit of the carry-over c is its parameter `kept`.
    """

    def lesson(
        self,
        params: Params,
        degrees: Int[Array, " weight"],
        phi: Float[Array, "train weight"],
        z: Float[Array, " train"],
    ) -> tuple[Float[Array, "weight weight"], Float[Array, " weight"]]:
        """Mix what the episode teaches with what was believed."""
        kept = jax.nn.sigmoid(params["kept"])
        learnt = self.taught(params, degrees, phi, z[:, None])[:, 0]
        return kept * jnp.eye(learnt.shape[0]), (1 - kept) * learnt


def regression(
    scaled: Float[Array, "train weight"],
    phi: Float[Array, "train weight"],
    z: Float[Array, "train label"],
) -> Float[Array, "weight label"]:
    """Return the weights of kernel ridge regression, Λ Φᵀ (Φ Λ Φᵀ + 1)⁻¹ z.

    Args:
        scaled: Φ Λ.
        phi: Φ, the functions at the training stimuli.
        z: labels, in columns.
    """
    gram = phi @ scaled.T + jnp.eye(phi.shape[0])
    return scaled.T @ jax.scipy.linalg.solve(gram, z, assume_a="pos")

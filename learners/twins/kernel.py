"""What the kernel twins share: ridge regression, and a belief that outlives an episode."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

KEPT = -2.0
"""Prior mean of the logit of the carry-over."""
SPREAD = 2.0
"""Prior standard deviation of logits, and of the logarithm of an eigenvalue over the ridge."""


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


def mixed(
    logit: Float[Array, ""], learnt: Float[Array, " weight"]
) -> tuple[Float[Array, "weight weight"], Float[Array, " weight"]]:
    """Return R and l of a belief that follows what each episode alone would teach, g.

    f ← (1 - c) g + c f
    """
    kept = jax.nn.sigmoid(logit)
    return kept * jnp.eye(learnt.shape[0]), (1 - kept) * learnt

"""A kernel with a free spectrum and directions of its own: for learners that prefer an axis."""

from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jaxtyping import Array, Float, Int, PRNGKeyArray

from learners.twins.base import Params, log_normal
from learners.twins.kernel import KEPT, SPREAD, AbstractKernelTwin, regression

DIRECTION = 0.3
"""Prior standard deviation of an entry of A."""
BEGIN = 0.1


class LowRank(AbstractKernelTwin):
    """Kernel ridge regression on k(x, x') = φ(x)ᵀ √Λ (1 + A Aᵀ) √Λ φ(x'), with a ridge of 1.

    Λ has an eigenvalue for each degree; A is free, so that some sums of functions, of one degree or
    of several, can be easier than the rest.
    """

    kind: ClassVar[str] = "low_rank"
    rank: Annotated[int, Ge(1)] = 6
    """Number of columns of A."""

    def start(self, functions: int, *, key: PRNGKeyArray) -> Params:
        """Expect the same of every degree, and next to nothing of any direction."""
        return {
            "log_eigenvalues": jnp.zeros(functions + 1),
            "directions": BEGIN * jax.random.normal(key, (functions + 1, self.rank)),
            "kept": jnp.array(KEPT),
        }

    def log_prior(self, params: Params) -> Float[Array, ""]:
        """Return the prior of eigenvalues, directions and carry-over."""
        return (
            log_normal(params["log_eigenvalues"], 0.0, SPREAD)
            + log_normal(params["directions"], 0.0, DIRECTION)
            + log_normal(params["kept"], KEPT, SPREAD)
        )

    def taught(
        self,
        params: Params,
        degrees: Int[Array, " weight"],
        phi: Float[Array, "train weight"],
        z: Float[Array, "train label"],
    ) -> Float[Array, "weight label"]:
        """Return the weights of kernel ridge regression."""
        a, root = params["directions"], jnp.exp(params["log_eigenvalues"] / 2)[degrees]
        own = root * phi
        return regression((own + (own @ a) @ a.T) * root, phi, z)

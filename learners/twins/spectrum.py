"""A kernel with a free spectrum: one eigenvalue for all functions of a degree."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from learners.twins.base import Params, log_normal
from learners.twins.kernel import KEPT, SPREAD, AbstractKernelTwin, regression


class Spectrum(AbstractKernelTwin):
    """Kernel ridge regression on k(x, x') = Σ λ_degree φ(x) φ(x'), with a ridge of 1.

    On a sphere that is every dot-product kernel up to the largest degree of the functions (eq. 1
    of Dorrell et al. 2023).
    """

    kind: ClassVar[str] = "spectrum"

    def start(self, functions: int, *, key: PRNGKeyArray) -> Params:
        """Expect the same of every degree."""
        del key
        return {"log_eigenvalues": jnp.zeros(functions + 1), "kept": jnp.array(KEPT)}

    def log_prior(self, params: Params) -> Float[Array, ""]:
        """Return the prior of eigenvalues and carry-over."""
        eigenvalues = log_normal(params["log_eigenvalues"], 0.0, SPREAD)
        return eigenvalues + log_normal(params["kept"], KEPT, SPREAD)

    def taught(
        self,
        params: Params,
        degrees: Int[Array, " weight"],
        phi: Float[Array, "train weight"],
        z: Float[Array, "train label"],
    ) -> Float[Array, "weight label"]:
        """Return the weights of kernel ridge regression."""
        return regression(jnp.exp(params["log_eigenvalues"])[degrees] * phi, phi, z)

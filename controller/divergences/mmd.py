"""Maximum mean discrepancy of Gretton et al. 2012, with a mixture of Gaussian kernels."""

from typing import Annotated, ClassVar

import jax.numpy as jnp
from annotated_types import Gt, MinLen
from jaxtyping import Array, Float

from controller.divergences.base import AbstractDivergence, Weight, uniform_quantiles


class MMD(AbstractDivergence):
    """E k(Z, Z') + E k(U, U') - 2 E k(Z, U), k the mean of Gaussians of the given widths."""

    kind: ClassVar[str] = "mmd"
    weight: Weight = 1.0
    """Weight of the term in the fitness."""
    bandwidths: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1)] = (0.1, 0.3, 1.0)
    """Standard deviations of the Gaussians, in units of the label."""

    def __call__(self, labels: Float[Array, " point"]) -> Float[Array, ""]:
        """Return the (biased) squared discrepancy from the uniform distribution."""
        target = uniform_quantiles(labels.shape[0])
        within = jnp.mean(self._kernel(labels, labels)) + jnp.mean(self._kernel(target, target))
        return within - 2 * jnp.mean(self._kernel(labels, target))

    def _kernel(self, a: Float[Array, " m"], b: Float[Array, " n"]) -> Float[Array, "m n"]:
        squared = (a[:, None] - b[None]) ** 2
        values = [jnp.exp(-squared / (2 * width**2)) for width in self.bandwidths]
        return sum(values[1:], values[0]) / len(values)

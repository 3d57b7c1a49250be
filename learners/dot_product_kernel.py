"""Kernel ridge regression with a kernel that is given by its eigenvalues, one for each degree.

On the unit sphere of R^d every dot-product kernel is k(x, x') = Σ_l λ_l N(d, l) P_l(x · x'), with
P_l the Legendre polynomial of dimension d and N(d, l) the number of harmonics of degree l; its
eigenfunctions are those harmonics and λ_l their eigenvalues (eq. 1 of Dorrell et al. 2023). So the
easiest function is known beforehand, which makes this learner the decoy for every control.
"""

from math import comb
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt, MinLen
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from learners.base import AbstractLearner


class DotProductKernel(AbstractLearner):
    """Kernel ridge regression on Σ_l λ_l N(d, l) P_l(x · x')."""

    kind: ClassVar[str] = "dot_product_kernel"
    eigenvalues: Annotated[tuple[Annotated[float, Ge(0)], ...], MinLen(2)] = (0.1, 0.3, 1.0, 0.1)
    """λ_0, λ_1, …: eigenvalue of the harmonics of each degree."""
    ridge: Annotated[float, Gt(0)] = 1e-3
    """Added to the diagonal of the kernel matrix."""

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
        gram = self.kernel(x, x) + self.ridge * jnp.eye(x.shape[0])
        return self.kernel(x_test, x) @ jax.scipy.linalg.solve(gram, z, assume_a="pos")

    def kernel(
        self, a: Float[Array, "m feature"], b: Float[Array, "n feature"]
    ) -> Float[Array, "m n"]:
        """Return k(a, b) for unit vectors."""
        d, t = a.shape[1], a @ b.T
        previous, current = jnp.ones_like(t), t
        total = self.eigenvalues[0] * previous
        for l, eigenvalue in enumerate(self.eigenvalues[1:], start=1):
            total = total + eigenvalue * harmonics_of_degree(d, l) * current
            # (l + d - 2) P_{l+1} = (2l + d - 2) t P_l - l P_{l-1}
            following = ((2 * l + d - 2) * t * current - l * previous) / (l + d - 2)
            previous, current = current, following
        return total

    def check(self, points: Float64[np.ndarray, "point feature"]) -> None:
        """Raise ValueError if stimuli can't be unit vectors."""
        norms = np.linalg.norm(points, axis=1)
        if points.shape[1] < 2 or not np.allclose(norms, 1.0, atol=1e-5):
            raise ValueError(
                f"dot_product_kernel needs unit vectors of at least 2 features, got "
                f"{points.shape[1]} features and lengths from {norms.min():.3g} to "
                f"{norms.max():.3g}; use a circle or a sphere"
            )


def harmonics_of_degree(d: int, l: int) -> int:
    """Return N(d, l), the number of harmonics of degree l on the sphere of R^d."""
    return comb(l + d - 1, d - 1) - (comb(l + d - 3, d - 1) if l >= 2 else 0)

"""An interval of one stimulus dimension, uniformly."""

from typing import ClassVar

import jax
import numpy as np
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from protocols.spaces.base import AbstractSpace, GradedBasis
from protocols.spaces.polynomials import graded_polynomials

MAX_DEGREE = 8


class Interval(AbstractSpace):
    """Numbers between -1 and 1; a rig maps them onto its own units."""

    kind: ClassVar[str] = "interval"

    @property
    def dim(self) -> int:
        """One feature."""
        return 1

    @property
    def size(self) -> int | None:
        """Infinitely many stimuli."""
        return None

    @property
    def sha256(self) -> str | None:
        """Everything is in the document."""
        return None

    def sample(self, n: int, *, key: PRNGKeyArray) -> Float[Array, "n feature"]:
        """Draw `n` numbers uniformly."""
        return jax.random.uniform(key, (n, 1), minval=-1.0, maxval=1.0)

    def reference(self, n: int) -> Float64[np.ndarray, "m feature"]:
        """Return the midpoints of `n` equal parts."""
        return (2 * (np.arange(n) + 0.5) / n - 1)[:, None]

    def graded_basis(self) -> GradedBasis:
        """Return the Legendre polynomials, by Gauss-Legendre quadrature."""
        node, weight = np.polynomial.legendre.leggauss(64)
        values, degrees = graded_polynomials(node[:, None], weight / 2, MAX_DEGREE)
        return GradedBasis(node[:, None], weight / 2, values, degrees, "degree", exact=True)

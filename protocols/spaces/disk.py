"""The unit disk, uniformly."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from protocols.spaces.base import AbstractSpace, GradedBasis
from protocols.spaces.polynomials import graded_polynomials

MAX_DEGREE = 6


class Disk(AbstractSpace):
    """Points of the plane with |x| ≤ 1, uniform in area."""

    kind: ClassVar[str] = "disk"

    @property
    def dim(self) -> int:
        """Two features."""
        return 2

    @property
    def size(self) -> int | None:
        """Infinitely many stimuli."""
        return None

    @property
    def sha256(self) -> str | None:
        """Everything is in the document."""
        return None

    def sample(self, n: int, *, key: PRNGKeyArray) -> Float[Array, "n feature"]:
        """Draw `n` points uniformly in area."""
        u = jax.random.uniform(key, (2, n))
        radius, angle = jnp.sqrt(u[0]), 2 * jnp.pi * u[1]
        return jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle)], axis=1)

    def reference(self, n: int) -> Float64[np.ndarray, "m feature"]:
        """Return a sunflower lattice."""
        index = np.arange(n) + 0.5
        radius, angle = np.sqrt(index / n), np.pi * (1 + np.sqrt(5)) * index
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)

    def graded_basis(self) -> GradedBasis:
        """Return the polynomials of each degree (Zernike); exact in radius and angle."""
        node, weight = np.polynomial.legendre.leggauss(32)  # in t = r², uniform in area
        radius = np.sqrt((node + 1) / 2)
        angle = 2 * np.pi * (np.arange(64) + 0.5) / 64
        r, phi = (a.ravel() for a in np.meshgrid(radius, angle, indexing="ij"))
        points = np.stack([r * np.cos(phi), r * np.sin(phi)], axis=1)
        weights = np.repeat(weight / 2 / 64, 64)
        values, degrees = graded_polynomials(points, weights, MAX_DEGREE)
        return GradedBasis(points, weights, values, degrees, "degree", exact=True)

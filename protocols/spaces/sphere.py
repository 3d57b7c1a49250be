"""The unit sphere in `dim` dimensions, uniformly."""

from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Le
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from protocols.spaces.base import AbstractSpace, GradedBasis
from protocols.spaces.harmonics import spherical_degrees, spherical_reference
from protocols.spaces.polynomials import graded_polynomials

MAX_DEGREE = 8
MONTE_CARLO_POINTS = 20_000


class Sphere(AbstractSpace):
    """Unit vectors in R^dim, uniform on the surface."""

    kind: ClassVar[str] = "sphere"
    dimensions: Annotated[int, Ge(3), Le(64)] = 3
    """Dimension of the space around the sphere; 3 is the ordinary sphere."""

    @property
    def dim(self) -> int:
        """Number of features of a stimulus."""
        return self.dimensions

    @property
    def size(self) -> int | None:
        """Infinitely many stimuli."""
        return None

    @property
    def sha256(self) -> str | None:
        """Everything is in the document."""
        return None

    def sample(self, n: int, *, key: PRNGKeyArray) -> Float[Array, "n feature"]:
        """Draw `n` points uniformly."""
        x = jax.random.normal(key, (n, self.dimensions))
        return x / jnp.linalg.norm(x, axis=1, keepdims=True)

    def reference(self, n: int) -> Float64[np.ndarray, "m feature"]:
        """Return a Fibonacci lattice (dim = 3) or fixed random points."""
        if self.dimensions != 3:
            return _fixed_points(n, self.dimensions)
        index = np.arange(n) + 0.5
        height = 1 - 2 * index / n
        angle = np.pi * (1 + np.sqrt(5)) * index
        radius = np.sqrt(1 - height**2)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)

    def graded_basis(self) -> GradedBasis:
        """Return spherical harmonics; Gauss-Legendre × uniform longitude when dim = 3."""
        if self.dimensions == 3:
            x, w = gauss_legendre_sphere(64, 128)
            values = spherical_reference(x, MAX_DEGREE)
            return GradedBasis(x, w, values, spherical_degrees(MAX_DEGREE), "degree", exact=True)
        x = _fixed_points(MONTE_CARLO_POINTS, self.dimensions)
        w = np.full(len(x), 1 / len(x))
        values, degrees = graded_polynomials(x, w, 3 if self.dimensions <= 8 else 2)
        return GradedBasis(x, w, values, degrees, "degree", exact=False)


def gauss_legendre_sphere(
    latitudes: int, longitudes: int
) -> tuple[Float64[np.ndarray, "point 3"], Float64[np.ndarray, " point"]]:
    """Return quadrature on the sphere, exact up to degree min(2 latitudes, longitudes) - 1."""
    height, weight = np.polynomial.legendre.leggauss(latitudes)
    longitude = 2 * np.pi * (np.arange(longitudes) + 0.5) / longitudes
    z, phi = (a.ravel() for a in np.meshgrid(height, longitude, indexing="ij"))
    radius = np.sqrt(1 - z**2)
    points = np.stack([radius * np.cos(phi), radius * np.sin(phi), z], axis=1)
    return points, np.repeat(weight / 2 / longitudes, longitudes)


def _fixed_points(n: int, dim: int) -> Float64[np.ndarray, "n feature"]:
    x = np.random.default_rng(20230).normal(size=(n, dim))
    return x / np.linalg.norm(x, axis=1, keepdims=True)

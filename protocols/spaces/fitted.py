"""Unlimited stimuli from few recorded ones: a Gaussian that was fitted to a table.

Dorrell, Yuffa & Latham 2023, § 6: where neural data is limited, fit a generative model to it and
draw new samples from that. The covariance can be shrunk towards that of a sphere, and kept in
a few directions only: probabilistic principal components (Tipping & Bishop 1999).
"""

import functools
import hashlib
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Le, MinLen
from jaxtyping import Array, Float, Float64, PRNGKeyArray
from pydantic import AfterValidator

from protocols.spaces.base import AbstractSpace, GradedBasis, SpaceError
from protocols.spaces.odours import read_odours
from protocols.spaces.polynomials import graded_polynomials
from protocols.spaces.table import absolute, load_table

QUADRATURE_POINTS = 4096
MAX_FUNCTIONS = 1024  # more would not be orthogonal on so few points
REFERENCE_SEED = 2023


def resolve(source: str) -> str:
    """Return the path of a table from the root; the name of a data set stays."""
    return source if source == "odours" else absolute(source)


class Fitted(AbstractSpace):
    """A Gaussian with the mean and the covariance of recorded stimuli."""

    kind: ClassVar[str] = "fitted"
    source: Annotated[str, MinLen(1), AfterValidator(resolve)]
    """`odours` (110 odours × 24 receptors, from the package drosolf), or a `.npy` array or `.csv`
    file of rows × features; relative to the document."""
    standardise: bool = True
    """Whether every column is shifted to mean 0 and scaled to standard deviation 1 first."""
    shrinkage: Annotated[float, Ge(0), Le(1)] = 0.1
    """Part of the covariance that is replaced by its mean variance in all directions."""
    rank: Annotated[int, Ge(0)] = 0
    """Principal directions that keep a variance of their own, the others share one; 0: all do."""

    def __check_init__(self) -> None:
        """Raise SpaceError if there are not as many directions as `rank` asks for."""
        if self.rank and self.rank >= self.dim:
            raise SpaceError(
                f"fitted: rank must be below the number of features, so that some are left to "
                f"share a variance; got {self.rank} of {self.dim}; use fewer, or 0 for all"
            )

    @property
    def rows(self) -> Float64[np.ndarray, "row feature"]:
        """The recorded stimuli, standardised if so asked."""
        rows = _recorded(self.source)
        if not self.standardise:
            return rows
        spread = rows.std(axis=0)
        return (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1.0)

    @property
    def dim(self) -> int:
        """Number of columns of the recorded stimuli."""
        return _recorded(self.source).shape[1]

    @property
    def size(self) -> int | None:
        """Infinitely many stimuli."""
        return None

    @property
    def sha256(self) -> str | None:
        """Hash of the recorded stimuli, by which a resumed run sees that they are the same."""
        return hashlib.sha256(_recorded(self.source).tobytes()).hexdigest()

    @property
    def mean(self) -> Float64[np.ndarray, " feature"]:
        """Mean of the Gaussian."""
        return self.rows.mean(axis=0)

    @property
    def factor(self) -> Float64[np.ndarray, "feature feature"]:
        """Square root of the covariance: a standard normal row times this is a deviation."""
        covariance = np.atleast_2d(np.cov(self.rows, rowvar=False))
        variances, directions = np.linalg.eigh(covariance)  # in ascending order
        variances = (1 - self.shrinkage) * variances + self.shrinkage * variances.mean()
        if self.rank:
            variances[: -self.rank] = variances[: -self.rank].mean()
        return np.sqrt(np.maximum(variances, 0.0))[:, None] * directions.T

    def sample(self, n: int, *, key: PRNGKeyArray) -> Float[Array, "n feature"]:
        """Draw `n` new stimuli."""
        mean, factor = (jnp.asarray(a, jnp.float32) for a in (self.mean, self.factor))
        return mean + jax.random.normal(key, (n, self.dim)) @ factor

    def reference(self, n: int) -> Float64[np.ndarray, "m feature"]:
        """Return the first `n` points of a scrambled Sobol sequence, as normal quantiles."""
        return self.mean + _normal_points(n, self.dim) @ self.factor

    def graded_basis(self) -> GradedBasis:
        """Return polynomials of degree up to 2, or up to 1 where there are too many features."""
        points = self.reference(QUADRATURE_POINTS)
        weights = np.full(len(points), 1 / len(points))
        quadratic = (self.dim + 1) * (self.dim + 2) // 2
        values, degrees = graded_polynomials(points, weights, 2 if quadratic < MAX_FUNCTIONS else 1)
        return GradedBasis(points, weights, values, degrees, "degree", exact=False)


def _recorded(source: str) -> Float64[np.ndarray, "row feature"]:
    return read_odours() if source == "odours" else load_table(source)


@functools.lru_cache(maxsize=8)
def _normal_points(n: int, dim: int) -> Float64[np.ndarray, "n feature"]:
    from scipy.special import ndtri  # here: scipy.stats takes long to import
    from scipy.stats import qmc

    power = max(n - 1, 1).bit_length()
    uniform = qmc.Sobol(dim, rng=REFERENCE_SEED).random_base2(power)[:n]
    return ndtri(np.clip(uniform, 1e-9, 1 - 1e-9))

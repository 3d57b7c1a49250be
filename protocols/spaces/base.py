"""What a stimulus space is: points, the distribution they come from, and a graded basis on them."""

import abc
from dataclasses import dataclass
from typing import ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Float64, Int, PRNGKeyArray


class SpaceError(ValueError):
    """A space can't be used as asked; the message says what would do."""


@dataclass(frozen=True, slots=True)
class GradedBasis:
    """Functions that are orthonormal under the input distribution, grouped by degree."""

    points: Float64[np.ndarray, "point feature"]
    """Quadrature nodes."""
    weights: Float64[np.ndarray, " point"]
    """Their weights, which sum to 1."""
    values: Float64[np.ndarray, "point function"]
    """The basis functions at the nodes."""
    degrees: Int[np.ndarray, " function"]
    """Degree (or Fourier frequency) of each function; 0 is the constant."""
    word: str
    """What the degree is called on this space: "degree" or "frequency"."""
    exact: bool
    """Whether the quadrature integrates products of these functions exactly."""


class AbstractSpace(eqx.Module):
    """X with its input distribution p(x)."""

    kind: ClassVar[str]

    @property
    @abc.abstractmethod
    def dim(self) -> int:
        """Number of features of a stimulus."""

    @property
    @abc.abstractmethod
    def size(self) -> int | None:
        """Number of different stimuli, None where there are infinitely many."""

    @property
    @abc.abstractmethod
    def sha256(self) -> str | None:
        """Hash of stimuli that come from outside the document, None where none do.

        By it a resumed run sees that they are still the same.
        """

    @abc.abstractmethod
    def sample(self, n: int, *, key: PRNGKeyArray) -> Float[Array, "n feature"]:
        """Draw `n` stimuli from p(x), all different."""

    @abc.abstractmethod
    def reference(self, n: int) -> Float64[np.ndarray, "m feature"]:
        """Return about `n` fixed points of equal weight that cover p(x) evenly."""

    @abc.abstractmethod
    def graded_basis(self) -> GradedBasis:
        """Return the basis in which found functions are described."""

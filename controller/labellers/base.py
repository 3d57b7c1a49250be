"""What a labeller is: f_θ, from stimuli to valences in [-1, 1]."""

import abc
from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from protocols.spaces.base import AbstractSpace

REFERENCE_POINTS = 512


class AbstractLabeller(eqx.Module):
    """A family of functions on a space; θ is a flat vector. Fields are settings."""

    kind: ClassVar[str]

    @abc.abstractmethod
    def check(self, space: AbstractSpace) -> None:
        """Raise ValueError, saying what would do, if the family doesn't exist on the space."""

    @abc.abstractmethod
    def size(self, space: AbstractSpace) -> int:
        """Length of θ."""

    @abc.abstractmethod
    def initial(self, space: AbstractSpace, *, key: PRNGKeyArray) -> Float[Array, " theta"]:
        """Return the θ from which a search starts."""

    @abc.abstractmethod
    def labels(
        self,
        space: AbstractSpace,
        theta: Float[Array, " theta"],
        x: Float[Array, "point feature"],
    ) -> Float[Array, " point"]:
        """Evaluate f_θ at `x`."""


class AbstractLinearLabeller(AbstractLabeller):
    """f_θ is linear in θ up to scale, over functions orthonormal under p(x).

    Then cosines between functions are cosines between their θ, orthogonality to earlier stages can
    be had by projection, and answers can be put into the labeller's own terms.
    """

    @abc.abstractmethod
    def basis(
        self, space: AbstractSpace, x: Float[Array, "point feature"]
    ) -> Float[Array, "point theta"]:
        """Evaluate the functions of which f_θ is the sum, before it is scaled."""

    @abc.abstractmethod
    def degrees(self, space: AbstractSpace) -> tuple[int, ...]:
        """Return the degree of each of these functions: those of a degree are alike."""

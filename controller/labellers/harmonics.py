"""Linear labellers: a few Fourier components on the circle, a few spherical harmonics."""

from typing import Annotated, ClassVar, Literal

import jax
import jax.numpy as jnp
from annotated_types import Ge, Le
from jaxtyping import Array, Float, PRNGKeyArray

from controller.labellers.base import REFERENCE_POINTS, AbstractLinearLabeller
from protocols.spaces.base import AbstractSpace
from protocols.spaces.circle import Circle
from protocols.spaces.harmonics import fourier, spherical
from protocols.spaces.sphere import Sphere

UNIFORM_RMS = 3**-0.5  # root mean square of the uniform distribution on [-1, 1]


class Harmonics(AbstractLinearLabeller):
    """f_θ = Σ θ_i Y_i over all harmonics of degree 1 to `degree`, scaled into [-1, 1]."""

    kind: ClassVar[str] = "harmonics"
    degree: Annotated[int, Ge(1), Le(12)] = 3
    """Largest degree (sphere: degree² + 2 degree coefficients) or frequency (circle: 2 degree)."""
    scale: Literal["peak", "rms", "none"] = "peak"
    """`peak`: largest absolute label is 1; `rms`: spread of a uniform label; `none`: θ decides."""

    def check(self, space: AbstractSpace) -> None:
        """Raise ValueError unless the space is a circle or the ordinary sphere."""
        if not (isinstance(space, Circle) or (isinstance(space, Sphere) and space.dim == 3)):
            raise ValueError(
                f"harmonics exist on space kind 'circle' and on 'sphere' with dimensions = 3, not "
                f"on {space.kind!r} with {space.dim} feature(s); use labeller kind 'mlp' there"
            )

    def size(self, space: AbstractSpace) -> int:
        """Length of θ."""
        return 2 * self.degree if isinstance(space, Circle) else self.degree * (self.degree + 2)

    def initial(self, space: AbstractSpace, *, key: PRNGKeyArray) -> Float[Array, " theta"]:
        """Return a random direction: every degree has its share by number of functions."""
        theta = jax.random.normal(key, (self.size(space),))
        return UNIFORM_RMS * theta / jnp.linalg.norm(theta)

    def labels(
        self,
        space: AbstractSpace,
        theta: Float[Array, " theta"],
        x: Float[Array, "point feature"],
    ) -> Float[Array, " point"]:
        """Evaluate f_θ at `x`; what still leaves [-1, 1] is clipped."""
        values = self.basis(space, x) @ theta
        if self.scale == "peak":
            points = jnp.asarray(space.reference(REFERENCE_POINTS), x.dtype)
            values = values / (jnp.max(jnp.abs(self.basis(space, points) @ theta)) + 1e-12)
        elif self.scale == "rms":
            values = values * UNIFORM_RMS / (jnp.linalg.norm(theta) + 1e-12)
        return jnp.clip(values, -1.0, 1.0)

    def basis(
        self, space: AbstractSpace, x: Float[Array, "point feature"]
    ) -> Float[Array, "point theta"]:
        """Evaluate the harmonics, each with a mean square of 1."""
        return fourier(x, self.degree) if isinstance(space, Circle) else spherical(x, self.degree)

    def degrees(self, space: AbstractSpace) -> tuple[int, ...]:
        """Return degree (sphere) or frequency (circle) of each harmonic."""
        alike = 2 if isinstance(space, Circle) else None
        degrees = range(1, self.degree + 1)
        return tuple(l for l in degrees for _ in range(alike or 2 * l + 1))

"""Only the spread of the labels is asked for (Dorrell et al. 2023, figure 8)."""

from typing import Annotated, ClassVar

import jax.numpy as jnp
from annotated_types import Gt
from jaxtyping import Array, Float

from controller.divergences.base import AbstractDivergence, Weight


class Variance(AbstractDivergence):
    """(Var z - target)². Unlike the others it prefers no shape, so it prefers no smoothness."""

    kind: ClassVar[str] = "variance"
    weight: Weight = 1.0
    """Weight of the term in the fitness."""
    target: Annotated[float, Gt(0)] = 1 / 3
    """Variance asked for; 1/3 is that of the uniform distribution on [-1, 1]."""

    def __call__(self, labels: Float[Array, " point"]) -> Float[Array, ""]:
        """Return the squared difference between the labels' variance and the target."""
        return (jnp.var(labels) - self.target) ** 2

"""Where a shape is: for spaces of one or two coordinates."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, final

import numpy as np
from annotated_types import Gt
from jaxtyping import Float

from hardware.interface import Scene, Shape
from protocols.mappings.base import AbstractMapping

SPOT = Shape("disc", size=(5.0, 5.0))


@final
@dataclass(frozen=True, slots=True)
class Position(AbstractMapping):
    """The first coordinate moves a shape to the right, the second one up."""

    kind: ClassVar[str] = "position"
    degrees: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]] = (20.0, 20.0)
    """Horizontal and vertical distance for a coordinate of 1, degrees of visual angle."""
    shape: Shape = SPOT
    """What is moved, away from its own position."""

    def check_dim(self, dim: int) -> None:
        """One or two coordinates."""
        if dim > 2:
            raise ValueError(
                f"mapping 'position' shows 1 or 2 coordinates, the space has {dim}; use 'colour' "
                "or 'parameters', which take more"
            )

    def scene(self, stimulus: Float[np.ndarray, " feature"]) -> Scene:
        """Return the shape in its place."""
        x, y = self.shape.position
        moved = [float(c) * d for c, d in zip(stimulus, self.degrees, strict=False)]
        right, up = [*moved, 0.0][:2]
        return (replace(self.shape, position=(x + right, y + up)),)

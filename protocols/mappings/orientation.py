"""How a shape is turned: for the circle."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, final

import numpy as np
from annotated_types import Gt, Le
from jaxtyping import Float

from hardware.interface import Scene, Shape
from protocols.mappings.base import AbstractMapping

OFF_CIRCLE = 1e-3  # stimuli are in single precision
BARS = Shape("grating", size=(40.0, 40.0))


@final
@dataclass(frozen=True, slots=True)
class Orientation(AbstractMapping):
    """The angle φ of (cos φ, sin φ) turns a shape clockwise, from upright bars at φ = 0."""

    kind: ClassVar[str] = "orientation"
    period_deg: Annotated[float, Gt(0), Le(360)] = 180.0
    """Turn of the shape for a full circle of φ: 180 for a grating, which looks the same then;
    360 for what has a head and a tail."""
    shape: Shape = BARS
    """What is turned, beyond its own orientation."""

    def check_dim(self, dim: int) -> None:
        """The two coordinates of a circle."""
        if dim != 2:
            raise ValueError(
                f"mapping 'orientation' shows the circle (2 coordinates), the space has {dim}; use "
                "'parameters' with field = 'orientation_deg' for an interval"
            )

    def scene(self, stimulus: Float[np.ndarray, " feature"]) -> Scene:
        """Return the shape, turned."""
        cos, sin = float(stimulus[0]), float(stimulus[1])
        if abs(math.hypot(cos, sin) - 1) > OFF_CIRCLE:
            raise ValueError(
                f"expected a point of the unit circle, got radius {math.hypot(cos, sin):.3g}; use "
                "'position' for spaces that aren't circles"
            )
        turn = math.atan2(sin, cos) / (2 * math.pi) * self.period_deg
        return (replace(self.shape, orientation_deg=self.shape.orientation_deg + turn),)

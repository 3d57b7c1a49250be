"""Which colour a shape has: for spaces of up to three coordinates, such as the sphere."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, final

import numpy as np
from annotated_types import MaxLen, MinLen
from jaxtyping import Float

from hardware.interface import Colour, Scene, Shape
from protocols.mappings.base import AbstractMapping

AREA = Shape("disc", size=(40.0, 40.0))


@final
@dataclass(frozen=True, slots=True)
class ColourMapping(AbstractMapping):
    """Every coordinate goes along an axis of colour; from mid-grey red, green and blue."""

    kind: ClassVar[str] = "colour"
    centre: Colour = (0.0, 0.0, 0.0)
    """Colour of the stimulus at the origin; each part from -1 to 1."""
    axes: Annotated[tuple[Colour, ...], MinLen(1), MaxLen(3)] = (
        (1.0, 0.0, 0.0),
        (0.0, 1.0, 0.0),
        (0.0, 0.0, 1.0),
    )
    """Change of the colour for a coordinate of 1, one for each coordinate."""
    shape: Shape = AREA
    """What is coloured."""

    def check_dim(self, dim: int) -> None:
        """As many coordinates as axes, or fewer."""
        if dim > len(self.axes):
            raise ValueError(
                f"mapping 'colour' has {len(self.axes)} axes, the space has {dim} coordinates; "
                "give an axis for each (3 at most), or use 'parameters'"
            )

    def scene(self, stimulus: Float[np.ndarray, " feature"]) -> Scene:
        """Return the shape in its colour."""
        colour = self.centre + stimulus @ np.array(self.axes[: len(stimulus)])
        # the sphere's poles are at 1 up to rounding
        red, green, blue = (
            float(np.clip(part, -1, 1)) if abs(part) < 1 + 1e-6 else float(part) for part in colour
        )
        if max(abs(red), abs(green), abs(blue)) > 1:
            raise ValueError(
                f"no screen shows the colour ({red:.3g}, {green:.3g}, {blue:.3g}), each part of "
                "which must be from -1 to 1; shorten the axes"
            )
        return (replace(self.shape, colour=(red, green, blue)),)

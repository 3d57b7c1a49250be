"""Any numbers of a shape: for spaces of any coordinates that mean something each."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, final

import numpy as np
from annotated_types import MinLen
from jaxtyping import Float

from hardware.interface import Scene, Shape
from protocols.mappings.base import AbstractMapping

Name = Literal[
    "x",
    "y",
    "width",
    "height",
    "red",
    "green",
    "blue",
    "orientation_deg",
    "contrast",
    "opacity",
    "spatial_frequency",
    "phase",
    "dot_size_deg",
]
PARTS = {  # of the shape's fields with several numbers
    "position": ("x", "y"),
    "size": ("width", "height"),
    "colour": ("red", "green", "blue"),
}
ROUNDING = 1e-5  # of a coordinate's range; stimuli are in single precision
GABOR = Shape("gabor", size=(40.0, 40.0))


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a shape, and the values that it takes."""

    field: Name
    """Which; in the units of the shape."""
    low: float
    """Its value at the low end of the coordinate."""
    high: float
    """Its value at the high end."""
    logarithmic: bool = False
    """Whether equal steps of the coordinate multiply the value, as for spatial frequencies."""
    coordinate: tuple[float, float] = (-1.0, 1.0)
    """Low and high end of the coordinate."""

    def value(self, coordinate: float) -> float:
        """Return the value for a coordinate.

        Raises:
            ValueError: the coordinate lies outside its range.
        """
        start, end = self.coordinate
        part = (coordinate - start) / (end - start)
        if not -ROUNDING <= part <= 1 + ROUNDING:
            raise ValueError(
                f"{self.field}: expected a coordinate from {start:g} to {end:g}, got "
                f"{coordinate:.4g}; set coordinate to the range of the space"
            )
        part = min(1.0, max(0.0, part))
        if self.logarithmic:
            return self.low * math.pow(self.high / self.low, part)
        return self.low + part * (self.high - self.low)


@final
@dataclass(frozen=True, slots=True)
class Parameters(AbstractMapping):
    """Every coordinate sets a number of a shape: its size, its contrast, its frequency."""

    kind: ClassVar[str] = "parameters"
    parameters: Annotated[tuple[Parameter, ...], MinLen(1)]
    """One for each coordinate, in their order."""
    shape: Shape = GABOR
    """What is shown; the other numbers stay as they are here."""

    def check_dim(self, dim: int) -> None:
        """As many coordinates as parameters, with ranges that are ranges."""
        if dim != len(self.parameters):
            raise ValueError(
                f"mapping 'parameters' has {len(self.parameters)} parameters, the space has {dim} "
                "coordinates; give one for each coordinate"
            )
        names = [parameter.field for parameter in self.parameters]
        if len(set(names)) < len(names):
            raise ValueError(f"mapping 'parameters': a field is given twice in {', '.join(names)}")
        for parameter in self.parameters:
            if parameter.coordinate[0] == parameter.coordinate[1]:
                raise ValueError(
                    f"mapping 'parameters', {parameter.field}: coordinate has no range"
                )
            if parameter.logarithmic and min(parameter.low, parameter.high) <= 0:
                raise ValueError(
                    f"mapping 'parameters', {parameter.field}: a logarithmic range must lie above "
                    f"0, got {parameter.low:g} to {parameter.high:g}"
                )

    def scene(self, stimulus: Float[np.ndarray, " feature"]) -> Scene:
        """Return the shape with its numbers set."""
        values = {
            parameter.field: parameter.value(float(coordinate))
            for parameter, coordinate in zip(self.parameters, stimulus, strict=True)
        }
        changes: dict[str, object] = {
            field: tuple(
                values.pop(name, old)
                for name, old in zip(names, getattr(self.shape, field), strict=True)
            )
            for field, names in PARTS.items()
        }
        return (replace(self.shape, **changes, **values),)  # type: ignore[arg-type]

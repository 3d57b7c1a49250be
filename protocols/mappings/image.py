"""The stimulus itself as a picture: for spaces of images, whose features are pixels."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, final

import numpy as np
from annotated_types import Ge
from jaxtyping import Float

from hardware.interface import Scene, Shape
from protocols.mappings.base import AbstractMapping

ROUNDING = 1e-5  # of black to white; stimuli are in single precision
PICTURE = Shape("image", size=(40.0, 40.0))


@final
@dataclass(frozen=True, slots=True)
class Image(AbstractMapping):
    """The features are the grey values of an image, row by row from the top."""

    kind: ClassVar[str] = "image"
    rows: Annotated[int, Ge(0)] = 0
    """Height of an image in pixels; 0: as high as wide."""
    black: float = 0.0
    """The value that is shown black."""
    white: float = 1.0
    """The value that is shown white."""
    shape: Shape = PICTURE
    """Where it is shown and how large; its pixels are the stimulus's."""

    def check_dim(self, dim: int) -> None:
        """Whole rows of pixels."""
        if self.shape.kind != "image":
            raise ValueError(
                f"mapping 'image' needs a shape of kind 'image', not {self.shape.kind!r}"
            )
        if not self.black != self.white:
            raise ValueError(f"mapping 'image': black and white are both {self.white}")
        if self.rows and dim % self.rows:
            raise ValueError(
                f"mapping 'image': {dim} pixels don't make {self.rows} rows; set rows to the "
                "images' height"
            )
        if not self.rows and math.isqrt(dim) ** 2 != dim:
            raise ValueError(
                f"mapping 'image': {dim} pixels don't make a square image; set rows to its height"
            )

    def scene(self, stimulus: Float[np.ndarray, " feature"]) -> Scene:
        """Return the image."""
        grey = 2 * (stimulus.astype(np.float64) - self.black) / (self.white - self.black) - 1
        if np.max(np.abs(grey)) > 1 + ROUNDING:
            raise ValueError(
                f"expected pixels from black = {self.black:g} to white = {self.white:g}, got "
                f"{stimulus.min():.4g} to {stimulus.max():.4g}; set black and white to the range "
                "of all images"
            )
        rows = self.rows or math.isqrt(len(stimulus))
        pixels = np.clip(grey, -1, 1).reshape(rows, -1)
        return (replace(self.shape, pixels=tuple(map(tuple, pixels.tolist()))),)

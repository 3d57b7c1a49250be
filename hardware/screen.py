"""The screen in front of the animal: where it stands, how large it is, where its patch is."""

import math
from dataclasses import dataclass
from typing import Literal

from hardware.interface import Colour

Corner = Literal["top left", "top right", "bottom left", "bottom right"]
Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels, from the screen's top left."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A square below the photodiode: white while a scene is shown, black otherwise."""

    corner: Corner = "bottom right"
    size_px: int = 60
    margin_px: int = 0
    """Distance from both edges."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen, as its rig document describes it."""

    size_px: tuple[int, int]
    """Width and height, as the computer drives it."""
    width_cm: float
    """Width of the picture."""
    distance_cm: float
    """From the animal's eye to the screen's middle."""
    index: int = 0
    """Which of the computer's screens, 0 is the first."""
    full_screen: bool = True
    refresh_hz: float = 60.0
    """Frames a second that the screen is set to."""
    background: Colour = (0.0, 0.0, 0.0)
    patch: Patch | None = Patch()
    """None where no photodiode is mounted."""

    def __post_init__(self) -> None:
        """Refuse what can't be a screen.

        Raises:
            ValueError: says which number, and what is allowed.
        """
        for name, value in (
            ("size_px", min(self.size_px)),
            ("width_cm", self.width_cm),
            ("distance_cm", self.distance_cm),
            ("refresh_hz", self.refresh_hz),
        ):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"screen {name}: expected more than 0, got {value}")
        if self.index < 0:
            raise ValueError(f"screen index: expected 0 (the first) or more, got {self.index}")
        if not all(-1 <= part <= 1 for part in self.background):
            raise ValueError(f"screen background: expected -1 to 1 each, got {self.background}")
        if self.patch is not None and not self._holds(self.patch):
            raise ValueError(
                f"screen patch: expected a square of at least 1 px inside {self.size_px} px, got "
                f"{self.patch.size_px} px at {self.patch.margin_px} px from the edges"
            )

    @property
    def px_per_degree(self) -> float:
        """Pixels of one degree of visual angle at the screen's middle."""
        px_per_cm = self.size_px[0] / self.width_cm
        return px_per_cm * self.distance_cm * math.tan(math.radians(1))

    @property
    def patch_box(self) -> Box | None:
        """Where the patch is, None where there is none."""
        if self.patch is None:
            return None
        (width, height), size, margin = self.size_px, self.patch.size_px, self.patch.margin_px
        left = margin if "left" in self.patch.corner else width - size - margin
        top = margin if "top" in self.patch.corner else height - size - margin
        return left, top, size, size

    def _holds(self, patch: Patch) -> bool:
        room = min(self.size_px) - patch.margin_px
        return patch.margin_px >= 0 and 1 <= patch.size_px <= room

"""What a mapping is: it turns a point of a stimulus space into a scene.

Mappings run in the process that runs the trials, so nothing here imports JAX.
"""

import abc
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from hardware.interface import GoEdge, Scene
from hardware.shapes import check_scene
from protocols.trials import Shown

SHOWN = 4  # coordinates of a stimulus that a message gives


class AbstractMapping(abc.ABC):
    """How stimuli look. A new mapping is one final, frozen dataclass with these two methods."""

    __slots__ = ()
    kind: ClassVar[str]
    needs_screen: ClassVar[bool] = True

    def check(self, points: Float[np.ndarray, "point feature"]) -> None:
        """Refuse a space whose stimuli this mapping can't show.

        Args:
            points: every stimulus of the space, or points that cover it well.

        Raises:
            ValueError: says which stimulus, what was expected, what to use instead.
        """
        self.check_dim(points.shape[1])
        for point in points:
            try:
                check_scene(self.scene(point))
            except ValueError as error:
                raise ValueError(
                    f"mapping {self.kind!r}, stimulus {_shown(point)}: {error}"
                ) from error

    @abc.abstractmethod
    def check_dim(self, dim: int) -> None:
        """Refuse a space with another number of features than is needed.

        Raises:
            ValueError: says how many are needed, and which mapping would do.
        """

    def shown(self, stimulus: Float[np.ndarray, " feature"], photodiode: str | None) -> Shown:
        """Return how a stimulus is presented: from the flip that the photodiode sees.

        Mappings to lines of the device, which need no screen, have their own.

        Raises:
            ValueError: the stimulus lies outside what can be shown.
        """
        return Shown(self.scene(stimulus), _edge(photodiode))

    def nothing(self, photodiode: str | None) -> Shown:
        """Return what is presented in a trial without a stimulus."""
        return Shown((), _edge(photodiode))

    @abc.abstractmethod
    def scene(self, stimulus: Float[np.ndarray, " feature"]) -> Scene:
        """Return what is shown for a stimulus.

        Raises:
            ValueError: the stimulus lies outside what can be shown.
        """


def _edge(photodiode: str | None) -> GoEdge | None:
    return None if photodiode is None else GoEdge(photodiode)


def _shown(point: np.ndarray) -> str:
    numbers = ", ".join(f"{value:.3g}" for value in point[:SHOWN])
    return f"({numbers}{', …' if len(point) > SHOWN else ''})"

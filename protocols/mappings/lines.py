"""Stimuli that are lines of the device: odours, tones, lights. No screen is needed."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import numpy as np
from annotated_types import Ge, Le, MinLen
from jaxtyping import Float

from hardware.interface import Pulse, Scene
from protocols.mappings.base import AbstractMapping
from protocols.trials import Shown

ROUNDING = 1e-5  # stimuli are in single precision


@final
@dataclass(frozen=True, slots=True)
class Lines(AbstractMapping):
    """Every unit vector is a line that is switched on, and whose beginning starts the trial."""

    kind: ClassVar[str] = "lines"
    needs_screen: ClassVar[bool] = False
    lines: Annotated[tuple[Annotated[str, MinLen(1)], ...], MinLen(2)]
    """One output for each coordinate, in their order."""
    duration_ms: Annotated[float, Ge(1), Le(600_000)] = 1000.0
    """How long it is on."""

    def check_dim(self, dim: int) -> None:
        """As many coordinates as lines, each line once."""
        if len(set(self.lines)) < len(self.lines):
            raise ValueError(f"mapping 'lines': a line is given twice in {', '.join(self.lines)}")
        if dim != len(self.lines):
            raise ValueError(
                f"mapping 'lines' has {len(self.lines)} lines, the space has {dim} coordinates; "
                "give one line for each coordinate, for instance of a table of unit vectors"
            )

    def scene(self, stimulus: Float[np.ndarray, " feature"]) -> Scene:
        """Nothing on a screen."""
        self._line(stimulus)
        return ()

    def shown(self, stimulus: Float[np.ndarray, " feature"], photodiode: str | None) -> Shown:
        """Return the line."""
        del photodiode
        return Shown(None, Pulse(self._line(stimulus), width_us=round(self.duration_ms * 1000)))

    def nothing(self, photodiode: str | None) -> Shown:
        """Return a trial whose clock starts at once."""
        del photodiode
        return Shown(None, None)

    def _line(self, stimulus: np.ndarray) -> str:
        at = int(np.argmax(stimulus))
        if np.abs(stimulus - np.eye(len(stimulus))[at]).max() > ROUNDING:
            raise ValueError(
                "expected a unit vector, one coordinate 1 and the others 0; use a table of them as "
                "space, with standardise = false"
            )
        return self.lines[at]

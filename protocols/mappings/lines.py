"""Stimuli that are lines of the device: odours, tones, lights. No screen is needed."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import numpy as np
from annotated_types import Gt, MinLen
from jaxtyping import Float

from hardware.interface import Pulse, Scene
from protocols.mappings.base import AbstractMapping
from protocols.trials import Shown


@final
@dataclass(frozen=True, slots=True)
class Lines(AbstractMapping):
    """The line of the largest coordinate is switched on, and its beginning starts the trial."""

    kind: ClassVar[str] = "lines"
    needs_screen: ClassVar[bool] = False
    lines: Annotated[tuple[Annotated[str, MinLen(1)], ...], MinLen(2)]
    """One output for each coordinate, in their order."""
    duration_ms: Annotated[float, Gt(0)] = 1000.0
    """How long it is on."""

    def check_dim(self, dim: int) -> None:
        """As many coordinates as lines."""
        if dim != len(self.lines):
            raise ValueError(
                f"mapping 'lines' has {len(self.lines)} lines, the space has {dim} coordinates; "
                "give one line for each coordinate, for instance of a table of unit vectors"
            )

    def scene(self, stimulus: Float[np.ndarray, " feature"]) -> Scene:
        """Nothing on a screen."""
        del stimulus
        return ()

    def shown(self, stimulus: Float[np.ndarray, " feature"], photodiode: str | None) -> Shown:
        """Return the line."""
        del photodiode
        line = self.lines[int(np.argmax(stimulus))]
        return Shown(None, Pulse(line, width_us=round(self.duration_ms * 1000)))

    def nothing(self, photodiode: str | None) -> Shown:
        """Return a trial whose clock starts at once."""
        del photodiode
        return Shown(None, None)

"""The reward's probability follows the label."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import Gt, MinLen

from hardware.interface import Pulse
from protocols.feedbacks.base import AbstractFeedback, Width, reward


@final
@dataclass(frozen=True, slots=True)
class Probability(AbstractFeedback):
    """The same reward with probability (1 + z) / 2."""

    kind: ClassVar[str] = "probability"
    valve: Annotated[str, MinLen(1)] = "valve_left"
    """Line of the reward."""
    volume_ul: Annotated[float, Gt(0)] = 4.0
    """Its size."""
    width_ms: Width | None = None
    """Its time instead of the volume, for a line that is no valve, such as a light for a person."""

    def outcome(self, value: float, chance: float) -> Pulse | None:
        """Return the reward where the trial's chance lies below its probability."""
        if chance < (1 + value) / 2:
            return reward(self.valve, self.volume_ul, self.width_ms)
        return None

    def perceived(self, line: str | None, volume_ul: float | None) -> float:
        """Return 1 for the reward, -1 without."""
        del volume_ul
        return -1.0 if line is None else 1.0

    def largest(self) -> tuple[Pulse, ...]:
        """Return the reward."""
        return (reward(self.valve, self.volume_ul, self.width_ms),)

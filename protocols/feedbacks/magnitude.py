"""The reward's volume follows the label."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import Gt, MinLen

from hardware.interface import Pulse
from protocols.feedbacks.base import AbstractFeedback


@final
@dataclass(frozen=True, slots=True)
class Magnitude(AbstractFeedback):
    """From the least volume at -1 to the most at 1, in between in proportion; never nothing."""

    kind: ClassVar[str] = "magnitude"
    valve: Annotated[str, MinLen(1)] = "valve_left"
    """Line of the reward."""
    least_ul: Annotated[float, Gt(0)] = 1.0
    """Reward for -1; a calibration has to reach down to it."""
    most_ul: Annotated[float, Gt(0)] = 5.0
    """Reward for 1."""

    def __post_init__(self) -> None:
        if self.most_ul <= self.least_ul:
            raise ValueError(
                f"most_ul: expected more than least_ul ({self.least_ul:g}), got {self.most_ul:g}"
            )

    def outcome(self, value: float, chance: float) -> Pulse | None:
        """Return the reward whose volume stands for the value."""
        del chance
        part = (1 + min(1.0, max(-1.0, value))) / 2
        return Pulse(self.valve, volume_ul=self.least_ul + part * (self.most_ul - self.least_ul))

    def perceived(self, line: str | None, volume_ul: float | None) -> float | None:
        """Return the value that the volume stands for; nothing at all is no feedback."""
        if line is None or volume_ul is None:
            return None
        return 2 * (volume_ul - self.least_ul) / (self.most_ul - self.least_ul) - 1

    def largest(self) -> tuple[Pulse, ...]:
        """Return both ends of the volumes, as a calibration has to hold them."""
        return (
            Pulse(self.valve, volume_ul=self.least_ul),
            Pulse(self.valve, volume_ul=self.most_ul),
        )

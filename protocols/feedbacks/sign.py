"""Reward for positive valences, punishment or nothing for negative ones."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import Gt, MinLen

from hardware.interface import Pulse
from protocols.feedbacks.base import AbstractFeedback, Width, reward


@final
@dataclass(frozen=True, slots=True)
class Sign(AbstractFeedback):
    """Always the same reward, and the same punishment: only the label's sign is told."""

    kind: ClassVar[str] = "sign"
    valve: Annotated[str, MinLen(1)] = "valve_left"
    """Line of the reward."""
    volume_ul: Annotated[float, Gt(0)] = 4.0
    """Its size."""
    width_ms: Width | None = None
    """Its time instead of the volume, for a line that is no valve, such as a light for a person."""
    punishment: Annotated[str, MinLen(1)] | None = None
    """Line of the punishment, for instance an air puff; left out: nothing happens."""
    punishment_ms: Width = 50.0
    """Its time."""

    def __post_init__(self) -> None:
        if self.punishment == self.valve:
            raise ValueError(
                f"punishment: expected another line than the reward's, got {self.valve!r} for both"
            )

    def outcome(self, value: float, chance: float) -> Pulse | None:
        """Return the reward above 0, the punishment below."""
        del chance
        if value > 0:
            return reward(self.valve, self.volume_ul, self.width_ms)
        if value < 0 and self.punishment is not None:
            return Pulse(self.punishment, width_us=round(self.punishment_ms * 1000))
        return None

    def perceived(self, line: str | None, volume_ul: float | None) -> float | None:
        """Return 1 for the reward, -1 for the punishment, or for nothing where there is none."""
        del volume_ul
        if line is None:
            return -1.0 if self.punishment is None else None
        return -1.0 if line == self.punishment else 1.0

    def largest(self) -> tuple[Pulse, ...]:
        """Return reward and punishment."""
        pulses = (self.outcome(1.0, 0.0), self.outcome(-1.0, 0.0))
        return tuple(pulse for pulse in pulses if pulse is not None)

"""Reward for positive valences, punishment or nothing for negative ones."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import Gt, MinLen

from hardware.interface import Pulse
from protocols.feedbacks.base import AbstractFeedback, reward


@final
@dataclass(frozen=True, slots=True)
class Sign(AbstractFeedback):
    """Always the same reward: only the label's sign is told."""

    kind: ClassVar[str] = "sign"
    valve: Annotated[str, MinLen(1)] = "valve_left"
    """Line of the reward."""
    volume_ul: Annotated[float, Gt(0)] = 4.0
    width_ms: Annotated[float, Gt(0)] | None = None
    """For a reward that is no valve, such as a light for a person: how long, instead of a volume."""
    punishment: str | None = None
    """Line of the punishment, for instance an air puff; left out: nothing happens."""
    punishment_ms: Annotated[float, Gt(0)] = 50.0

    def outcome(self, value: float, chance: float) -> Pulse | None:
        """Return the reward above 0, the punishment below."""
        del chance
        if value > 0:
            return reward(self.valve, self.volume_ul, self.width_ms)
        if value < 0 and self.punishment is not None:
            return Pulse(self.punishment, width_us=round(self.punishment_ms * 1000))
        return None

    def perceived(self, line: str | None, volume_ul: float | None) -> float:
        """Return 1 for the reward, -1 for everything else."""
        del volume_ul
        return 1.0 if line == self.valve else -1.0

    def largest(self) -> tuple[Pulse, ...]:
        """Return reward and punishment."""
        pulses = (self.outcome(1.0, 0.0), self.outcome(-1.0, 0.0))
        return tuple(pulse for pulse in pulses if pulse is not None)

"""What feedback is: a valence becomes a pulse of a line, and can be felt as a valence again."""

import abc
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from hardware.interface import Pulse

Width = Annotated[float, Ge(0.1), Le(60_000)]
"""Time of a pulse, ms; a rig's own limits are below the longest."""


class AbstractFeedback(abc.ABC):
    """How a label is told to a subject. A new one is one final, frozen dataclass."""

    __slots__ = ()
    kind: ClassVar[str]

    @abc.abstractmethod
    def outcome(self, value: float, chance: float) -> Pulse | None:
        """Return what a response of this value brings.

        Args:
            value: valence of what the subject did: the label, or its opposite, in [-1, 1].
            chance: a number from [0, 1) that was drawn for this trial.
        """

    @abc.abstractmethod
    def perceived(self, line: str | None, volume_ul: float | None) -> float | None:
        """Return the value that a subject learns from what was delivered.

        Args:
            line: of the pulse; None when nothing came. A plan may have moved a reward to the valve
                of the spout that was licked: every line but the punishment's is a reward.
            volume_ul: what a valve gave.

        Returns:
            The value of what was done, in [-1, 1]; None where it teaches nothing.
        """

    @abc.abstractmethod
    def largest(self) -> tuple[Pulse, ...]:
        """Return the largest pulse of every line that may be used."""


def reward(line: str, volume_ul: float, width_ms: float | None) -> Pulse:
    """Return a reward by its volume, or by its time where one is given."""
    if width_ms is None:
        return Pulse(line, volume_ul=volume_ul)
    return Pulse(line, width_us=round(width_ms * 1000))

"""Classical conditioning: cue, anticipation, outcome; the answer is how much it licks beforehand."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import Ge, Gt, MinLen

from hardware.interface import Present, Pulse, Trial
from hardware.subject import Touch
from protocols.plans.base import AbstractPlan, Reward, Trialling
from protocols.plans.licks import counted, train
from protocols.trials import Shown


@final
@dataclass(frozen=True, slots=True)
class Conditioning(AbstractPlan):
    """The outcome comes whatever the animal does; licks before it say what it expects."""

    kind: ClassVar[str] = "conditioning"
    lick: Annotated[str, MinLen(1)] = "lick_left"
    """Input of the lick detector."""
    delay_s: Annotated[float, Ge(0)] = 0.2
    """From the cue's beginning to the window in which licks count."""
    window_s: Annotated[float, Gt(0)] = 1.5
    """Of anticipation; the outcome comes at its end."""
    full: Annotated[int, Ge(1)] = 10
    """Licks in the window that stand for an answer of 1; none stands for -1."""
    interval_s: Annotated[float, Ge(0)] = 4.0
    """From the outcome to the next trial."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The lick detector."""
        return (self.lick,)

    @property
    def outputs(self) -> tuple[Pulse, ...]:
        """None of its own."""
        return ()

    @property
    def needs_screen(self) -> bool:
        """Only for stimuli that do."""
        return False

    def trial(self, shown: Shown, reward: Reward) -> Trialling:
        """Cue, window, outcome."""
        trial = Trial(
            responses={},
            delay_us=round(self.delay_s * 1e6),
            window_us=self._window_us,
            go=shown.go,
            otherwise=reward(1.0),
        )
        event = yield Present(trial, shown.scene)
        response = counted(event, self.lick, self._window_us, self.full)
        return response

    def act(self, answer: float, reaction_us: int) -> Iterable[Touch]:
        """Lick as often as the answer says."""
        open_us = round(self.delay_s * 1e6)
        first_us = open_us + min(reaction_us, self._window_us // 2)
        return train(self.lick, answer, self.full, first_us, open_us + self._window_us)

    @property
    def _window_us(self) -> int:
        return round(self.window_s * 1e6)

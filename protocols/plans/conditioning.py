"""Classical conditioning: cue, anticipation, outcome; licks before the outcome are the answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import Ge, MinLen

from hardware.interface import Present, Pulse, Trial
from hardware.subject import Touch
from protocols.plans.base import AbstractPlan, Delay, Duration, Reward, Trialling
from protocols.plans.licks import check_rate, counted, train
from protocols.trials import Shown


@final
@dataclass(frozen=True, slots=True)
class Conditioning(AbstractPlan):
    """The outcome comes whatever the animal does; licks before it say what it expects."""

    kind: ClassVar[str] = "conditioning"
    lick: Annotated[str, MinLen(1)] = "lick_left"
    """Input of the lick detector."""
    delay_s: Delay = 0.2
    """From the cue's beginning to the window in which licks count."""
    window_s: Duration = 1.5
    """Of anticipation; the outcome comes at its end."""
    full: Annotated[int, Ge(1)] = 10
    """Licks in the window that stand for an answer of 1; none stands for -1."""
    interval_s: Delay = 4.0
    """From the outcome to the next trial."""

    def __post_init__(self) -> None:
        check_rate(self.full, self.window_s)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The lick detector."""
        return (self.lick,)

    def outputs(self, feedback: Iterable[Pulse]) -> tuple[Pulse, ...]:
        """Nothing but the feedback."""
        return tuple(feedback)

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
        return counted(event, self.lick, self._window_us, self.full)

    def act(self, answer: float, reaction_us: int) -> Iterable[Touch]:
        """Lick as often as the answer says."""
        open_us = round(self.delay_s * 1e6)
        first_us = open_us + min(reaction_us, self._window_us // 2)
        return train(self.lick, answer, self.full, first_us, open_us + self._window_us)

    def words(self, answer: float) -> None:
        """Nothing is typed."""
        del answer

    def worth(self, answer: float | None) -> float:
        """The label's outcome, whatever was done."""
        del answer
        return 1.0

    @property
    def _window_us(self) -> int:
        return round(self.window_s * 1e6)

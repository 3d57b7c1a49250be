"""Graded approach: how often an animal licks within a window is its answer, and is paid for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import Ge, MinLen

from hardware.interface import Deliver, Present, Pulse, Trial
from hardware.subject import Touch
from protocols.plans.base import AbstractPlan, Delay, Duration, Reward, Trialling
from protocols.plans.licks import check_rate, counted, number, train
from protocols.trials import Shown


@final
@dataclass(frozen=True, slots=True)
class Graded(AbstractPlan):
    """Licks are counted; with feedback, what the label is worth follows at least one lick."""

    kind: ClassVar[str] = "graded"
    lick: Annotated[str, MinLen(1)] = "lick_left"
    """Input of the lick detector."""
    delay_s: Delay = 0.2
    """From the stimulus to the window in which licks count."""
    window_s: Duration = 2.0
    full: Annotated[int, Ge(1)] = 10
    """Licks in the window that stand for an answer of 1; none stands for -1."""
    interval_s: Delay = 4.0
    """From the end of a trial to the next one."""

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
        """Stimulus, window, outcome for those who licked."""
        trial = Trial(
            responses={},
            delay_us=round(self.delay_s * 1e6),
            window_us=self._window_us,
            go=shown.go,
        )
        event = yield Present(trial, shown.scene)
        response = counted(event, self.lick, self._window_us, self.full)
        pulse = reward(1.0) if response.licks else None
        if pulse is not None:
            yield Deliver(pulse)
        return response

    def act(self, answer: float, reaction_us: int) -> Iterable[Touch]:
        """Lick as often as the answer says."""
        open_us = round(self.delay_s * 1e6)
        first_us = open_us + min(reaction_us, self._window_us // 2)
        return train(self.lick, answer, self.full, first_us, open_us + self._window_us)

    def words(self, answer: float) -> None:
        """Nothing is typed."""
        del answer

    def worth(self, answer: float | None) -> float | None:
        """The label's outcome, for at least one lick."""
        return None if answer is None or number(answer, self.full) == 0 else 1.0

    @property
    def _window_us(self) -> int:
        return round(self.window_s * 1e6)

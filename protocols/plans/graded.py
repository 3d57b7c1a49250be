"""Graded approach: how often an animal licks within a window is its answer, and is paid for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import Ge, Gt, MinLen

from hardware.interface import Deliver, Present, Pulse, Trial
from hardware.subject import Touch
from protocols.plans.base import AbstractPlan, Reward, Trialling
from protocols.plans.licks import counted, train
from protocols.trials import Shown


@final
@dataclass(frozen=True, slots=True)
class Graded(AbstractPlan):
    """Licks are counted; with feedback, what the label is worth follows at least one lick."""

    kind: ClassVar[str] = "graded"
    lick: Annotated[str, MinLen(1)] = "lick_left"
    """Input of the lick detector."""
    delay_s: Annotated[float, Ge(0)] = 0.2
    """From the stimulus to the window in which licks count."""
    window_s: Annotated[float, Gt(0)] = 2.0
    full: Annotated[int, Ge(1)] = 10
    """Licks in the window that stand for an answer of 1; none stands for -1."""
    interval_s: Annotated[float, Ge(0)] = 4.0
    """From the end of a trial to the next one."""

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

    @property
    def _window_us(self) -> int:
        return round(self.window_s * 1e6)

"""Go/no-go: lick for what is good, withhold for what isn't."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import MinLen

from hardware.interface import Present, Pulse, Trial
from hardware.messages import Outcome
from hardware.subject import Touch
from protocols.plans.base import AbstractPlan, Delay, Duration, Reward, Trialling
from protocols.plans.licks import first, told
from protocols.trials import Response, Shown


@final
@dataclass(frozen=True, slots=True)
class GoNoGo(AbstractPlan):
    """The first lick in the window is the answer 1 and brings its outcome; none is -1."""

    kind: ClassVar[str] = "go_nogo"
    lick: Annotated[str, MinLen(1)] = "lick_left"
    """Input of the lick detector."""
    delay_s: Delay = 0.2
    """From the stimulus to the window; licks before it are only recorded."""
    window_s: Duration = 1.5
    """In which a lick counts."""
    interval_s: Delay = 4.0
    """From the end of a trial to the next one."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The lick detector."""
        return (self.lick,)

    def outputs(self, feedback: Iterable[Pulse]) -> tuple[Pulse, ...]:
        """Nothing but the feedback."""
        return tuple(feedback)

    def trial(self, shown: Shown, reward: Reward) -> Trialling:
        """Stimulus, window, the lick's outcome."""
        trial = Trial(
            responses={self.lick: reward(1.0)},
            delay_us=round(self.delay_s * 1e6),
            window_us=round(self.window_s * 1e6),
            go=shown.go,
        )
        event = yield Present(trial, shown.scene)
        report = told(event)
        if isinstance(report, Response):
            return report
        if report.outcome != Outcome.RESPONDED:
            return Response(-1.0, report.outcome)
        return first(report, 1.0)

    def act(self, answer: float, reaction_us: int) -> Iterable[Touch]:
        """Lick for positive answers, and in doubt: who never licks never learns what is good."""
        latest_us = round(self.window_s * 1e6) // 2
        at_us = round(self.delay_s * 1e6) + min(reaction_us, latest_us)
        return [Touch(self.lick, at_us)] if answer >= 0 else []

    def words(self, answer: float) -> None:
        """Nothing is typed."""
        del answer

    def worth(self, answer: float | None) -> float | None:
        """The label's outcome for a lick, nothing without."""
        return None if answer is None or answer < 0 else 1.0

"""Two-choice: right for good, left for bad."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import Ge, Gt, MinLen

from hardware.interface import Present, Pulse, Trial
from hardware.messages import Outcome
from hardware.subject import Touch
from protocols.plans.base import AbstractPlan, Reward, Trialling
from protocols.plans.licks import flaw, unanswered
from protocols.trials import Response, Shown

NOTHING = "no choice was made"


@final
@dataclass(frozen=True, slots=True)
class TwoChoice(AbstractPlan):
    """The first lick in the window is the answer: 1 on the right, -1 on the left."""

    kind: ClassVar[str] = "two_choice"
    left: Annotated[str, MinLen(1)] = "lick_left"
    """Input that stands for -1."""
    right: Annotated[str, MinLen(1)] = "lick_right"
    """Input that stands for 1."""
    delay_s: Annotated[float, Ge(0)] = 0.2
    """From the stimulus to the window; licks before it are only recorded."""
    window_s: Annotated[float, Gt(0)] = 3.0
    interval_s: Annotated[float, Ge(0)] = 3.0
    """From the end of a trial to the next one."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Both lick detectors."""
        return (self.left, self.right)

    @property
    def outputs(self) -> tuple[Pulse, ...]:
        """None of its own."""
        return ()

    @property
    def needs_screen(self) -> bool:
        """Only for stimuli that do."""
        return False

    def trial(self, shown: Shown, reward: Reward) -> Trialling:
        """Stimulus, choice, its outcome; a trial without a choice tells nothing."""
        trial = Trial(
            responses={self.right: reward(1.0), self.left: reward(-1.0)},
            delay_us=round(self.delay_s * 1e6),
            window_us=round(self.window_s * 1e6),
            go=shown.go,
        )
        event = yield Present(trial, shown.scene)
        why, report = flaw(event), event.trial
        if why is not None or report is None or report.go_us is None:
            return unanswered(event, why or "")
        if report.outcome != Outcome.RESPONDED or report.response_us is None:
            return unanswered(event, NOTHING)
        answer = 1.0 if report.line == self.right else -1.0
        latency_us = report.response_us - report.go_us
        return Response(answer, report.outcome, report.line, latency_us, licks=1)

    def act(self, answer: float, reaction_us: int) -> Iterable[Touch]:
        """Lick on the answer's side."""
        latest_us = round(self.window_s * 1e6) // 2
        at_us = round(self.delay_s * 1e6) + min(reaction_us, latest_us)
        return [Touch(self.right if answer > 0 else self.left, at_us)]

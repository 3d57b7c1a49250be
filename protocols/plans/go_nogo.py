"""Go/no-go: lick for what is good, withhold for what isn't."""

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


@final
@dataclass(frozen=True, slots=True)
class GoNoGo(AbstractPlan):
    """The first lick in the window is the answer 1 and brings its outcome; none is -1."""

    kind: ClassVar[str] = "go_nogo"
    lick: Annotated[str, MinLen(1)] = "lick_left"
    """Input of the lick detector."""
    delay_s: Annotated[float, Ge(0)] = 0.2
    """From the stimulus to the window; licks before it are only recorded."""
    window_s: Annotated[float, Gt(0)] = 1.5
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
        """Stimulus, window, the lick's outcome."""
        trial = Trial(
            responses={self.lick: reward(1.0)},
            delay_us=round(self.delay_s * 1e6),
            window_us=round(self.window_s * 1e6),
            go=shown.go,
        )
        event = yield Present(trial, shown.scene)
        why, report = flaw(event), event.trial
        if why is not None or report is None or report.go_us is None:
            return unanswered(event, why or "")
        if report.outcome != Outcome.RESPONDED or report.response_us is None:
            return Response(-1.0, report.outcome)
        latency_us = report.response_us - report.go_us
        return Response(1.0, report.outcome, report.line, latency_us, licks=1)

    def act(self, answer: float, reaction_us: int) -> Iterable[Touch]:
        """Lick for positive answers."""
        latest_us = round(self.window_s * 1e6) // 2
        at_us = round(self.delay_s * 1e6) + min(reaction_us, latest_us)
        return [Touch(self.lick, at_us)] if answer > 0 else []

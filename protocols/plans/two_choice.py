"""Two-choice: right for good, left for bad; each side has its own spout."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, final

from annotated_types import MinLen

from hardware.interface import Present, Pulse, Trial
from hardware.messages import Outcome
from hardware.subject import Touch
from protocols.plans.base import AbstractPlan, Delay, Duration, Reward, Trialling
from protocols.plans.licks import first, told, unanswered
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
    left_valve: Annotated[str, MinLen(1)] = "valve_left"
    """Rewards for the left come from it, where the feedback names either valve."""
    right_valve: Annotated[str, MinLen(1)] = "valve_right"
    """Rewards for the right come from it; the same valve twice where both sides share a spout."""
    delay_s: Delay = 0.2
    """From the stimulus to the window; licks before it are only recorded."""
    window_s: Duration = 3.0
    """In which a lick counts."""
    interval_s: Delay = 3.0
    """From the end of a trial to the next one."""

    def __post_init__(self) -> None:
        if self.left == self.right:
            raise ValueError(
                f"right: expected another input than left, got {self.right!r} for both; a choice "
                "needs two lick detectors"
            )

    @property
    def inputs(self) -> tuple[str, ...]:
        """Both lick detectors."""
        return (self.left, self.right)

    def outputs(self, feedback: Iterable[Pulse]) -> tuple[Pulse, ...]:
        """Return the feedback on both sides."""
        sides = (self.left_valve, self.right_valve)
        return tuple(dict.fromkeys(self._at(side, one) for one in feedback for side in sides))

    def trial(self, shown: Shown, reward: Reward) -> Trialling:
        """Stimulus, choice, its outcome; a trial without a choice tells nothing."""
        trial = Trial(
            responses={
                self.right: self._given(self.right_valve, reward(1.0)),
                self.left: self._given(self.left_valve, reward(-1.0)),
            },
            delay_us=round(self.delay_s * 1e6),
            window_us=round(self.window_s * 1e6),
            go=shown.go,
        )
        event = yield Present(trial, shown.scene)
        report = told(event)
        if isinstance(report, Response):
            return report
        if report.outcome != Outcome.RESPONDED:
            return unanswered(event, NOTHING)
        return first(report, 1.0 if report.line == self.right else -1.0)

    def act(self, answer: float, reaction_us: int) -> Iterable[Touch]:
        """Lick on the answer's side."""
        latest_us = round(self.window_s * 1e6) // 2
        at_us = round(self.delay_s * 1e6) + min(reaction_us, latest_us)
        return [Touch(self.right if answer > 0 else self.left, at_us)]

    def words(self, answer: float) -> None:
        """Nothing is typed."""
        del answer

    def worth(self, answer: float | None) -> float | None:
        """The label's outcome on the right, that of its opposite on the left."""
        if answer is None:
            return None
        return 1.0 if answer > 0 else -1.0

    def _given(self, valve: str, pulse: Pulse | None) -> Pulse | None:
        return None if pulse is None else self._at(valve, pulse)

    def _at(self, valve: str, pulse: Pulse) -> Pulse:
        """Return a reward as it comes from a side's valve, and a punishment as it is."""
        if pulse.line in {self.left_valve, self.right_valve}:
            return replace(pulse, line=valve)
        return pulse

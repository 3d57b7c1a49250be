"""A person rates stimuli at the keyboard: for piloting an experiment before the first animal."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import Ge, Le

from hardware.interface import Ask, Deliver, Present, Pulse, Trial
from hardware.messages import Outcome
from hardware.subject import Touch
from protocols.plans.base import AbstractPlan, Delay, Duration, Reward, Trialling
from protocols.plans.licks import number, told, unanswered
from protocols.trials import Response, Shown

DIGITS = 9  # of what is looked at as a number
SHOWN = 20  # letters of what was typed instead


@final
@dataclass(frozen=True, slots=True)
class Rating(AbstractPlan):
    """A number from 1 to `steps` is typed after the stimulus; feedback comes after that."""

    kind: ClassVar[str] = "rating"
    show_s: Duration = 1.0
    """How long the stimulus is shown."""
    steps: Annotated[int, Ge(2), Le(1000)] = 9
    """1 stands for -1, this number for 1."""
    timeout_s: Duration = 30.0
    """Without a number for so long the trial tells nothing."""
    interval_s: Delay = 0.5
    """From the end of a trial to the next one."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """None: it is typed."""
        return ()

    def outputs(self, feedback: Iterable[Pulse]) -> tuple[Pulse, ...]:
        """Nothing but the feedback."""
        return tuple(feedback)

    def trial(self, shown: Shown, reward: Reward) -> Trialling:
        """Stimulus, rating, outcome for those who rated."""
        trial = Trial(responses={}, window_us=round(self.show_s * 1e6), go=shown.go)
        event = yield Present(trial, shown.scene)
        report = told(event)
        if isinstance(report, Response):
            return report
        asked = yield Ask(f"how good, 1 to {self.steps}? ", self.timeout_s)
        rated = self._number(asked.typed)
        if rated is None:
            return unanswered(event, self._why(asked.typed))
        pulse = reward(1.0)
        if pulse is not None:
            yield Deliver(pulse)
        return Response(2 * (rated - 1) / (self.steps - 1) - 1, Outcome.RESPONDED)

    def act(self, answer: float, reaction_us: int) -> Iterable[Touch]:
        """Touch nothing: a person types."""
        del answer, reaction_us
        return ()

    def words(self, answer: float) -> str:
        """Return what a person types for an answer."""
        return str(number(answer, self.steps - 1) + 1)

    def worth(self, answer: float | None) -> float | None:
        """The label's outcome, for any rating."""
        return None if answer is None else 1.0

    def _number(self, typed: str | None) -> int | None:
        text = (typed or "").strip()
        if not text.isdecimal() or len(text) > DIGITS:
            return None
        rated = int(text)
        return rated if 1 <= rated <= self.steps else None

    def _why(self, typed: str | None) -> str:
        if typed is None:
            return f"no rating was given within {self.timeout_s:g} s"
        return f"expected a number from 1 to {self.steps}, got {typed[:SHOWN]!r}"

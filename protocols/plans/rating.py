"""A person rates stimuli at the keyboard: for piloting an experiment before the first animal."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import Ge, Gt

from hardware.interface import Ask, Present, Pulse, Trial
from hardware.messages import Outcome
from hardware.subject import Touch
from protocols.plans.base import AbstractPlan, Reward, Trialling
from protocols.plans.licks import flaw, unanswered
from protocols.trials import Response, Shown


@final
@dataclass(frozen=True, slots=True)
class Rating(AbstractPlan):
    """The stimulus is shown, then a number from 1 to `steps` is typed."""

    kind: ClassVar[str] = "rating"
    show_s: Annotated[float, Gt(0)] = 1.0
    steps: Annotated[int, Ge(2)] = 9
    """1 stands for -1, this number for 1."""
    timeout_s: Annotated[float, Gt(0)] = 30.0
    """Without a number for so long the trial tells nothing."""
    interval_s: Annotated[float, Ge(0)] = 0.5

    @property
    def inputs(self) -> tuple[str, ...]:
        """None: it is typed."""
        return ()

    @property
    def outputs(self) -> tuple[Pulse, ...]:
        """None of its own."""
        return ()

    @property
    def needs_screen(self) -> bool:
        """Only for stimuli that do."""
        return False

    def trial(self, shown: Shown, reward: Reward) -> Trialling:
        """Stimulus with its feedback, rating."""
        trial = Trial(
            responses={}, window_us=round(self.show_s * 1e6), go=shown.go, otherwise=reward(1.0)
        )
        event = yield Present(trial, shown.scene)
        asked = yield Ask(f"how good, 1 to {self.steps}? ", self.timeout_s)
        why = flaw(event)
        rated = self._number(asked.typed)
        if why is not None or rated is None:
            return unanswered(event, why or "no rating was given")
        return Response(2 * (rated - 1) / (self.steps - 1) - 1, Outcome.RESPONDED)

    def act(self, answer: float, reaction_us: int) -> Iterable[Touch]:
        """Touch nothing: a person types."""
        del answer, reaction_us
        return ()

    def words(self, answer: float) -> str:
        """Return what a person types for an answer."""
        return str(round((answer + 1) / 2 * (self.steps - 1)) + 1)

    def _number(self, typed: str | None) -> int | None:
        text = (typed or "").strip()
        number = int(text) if text.isdecimal() else 0
        return number if 1 <= number <= self.steps else None

"""What a trial plan is: a generator of instructions that reads like the protocol.

    event = yield Present(trial, scene)     # the driver sends the event back
    return Response(answer, …)

A plan never sees a label. It is given a function from what the subject does to what that brings,
and in trials without feedback that function always returns nothing: what is sent to the rig then
can't depend on a label, because there is none.
"""

import abc
from collections.abc import Callable, Generator, Iterable
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from hardware.interface import Event, Instruction, Pulse
from hardware.subject import Touch
from protocols.trials import Response, Shown

Reward = Callable[[float], Pulse | None]
"""From the value of a response (1: as the label says, -1: its opposite) to what it brings."""
Trialling = Generator[Instruction, Event, Response]

LONGEST_S = 600.0  # that a device waits for anything; its firmware refuses more
SHORTEST_S = 0.001
Delay = Annotated[float, Ge(0), Le(LONGEST_S)]
"""In s, may be nothing."""
Duration = Annotated[float, Ge(SHORTEST_S), Le(LONGEST_S)]
"""In s."""


def no_reward(value: float) -> None:
    """Bring nothing, as in every trial without feedback."""
    del value


class AbstractPlan(abc.ABC):
    """How one trial is run. A new plan is one final, frozen dataclass with these methods."""

    __slots__ = ()
    kind: ClassVar[str]
    interval_s: float
    """From the end of a trial to the next one, s: the driver's pause, in which the trial is durable
    already."""

    @property
    @abc.abstractmethod
    def inputs(self) -> tuple[str, ...]:
        """Input lines that the rig needs."""

    @abc.abstractmethod
    def outputs(self, feedback: Iterable[Pulse]) -> tuple[Pulse, ...]:
        """Return every pulse that a trial may ask for, besides the stimulus.

        Args:
            feedback: the largest pulse of each line, as the feedback has them.
        """

    @abc.abstractmethod
    def trial(self, shown: Shown, reward: Reward) -> Trialling:
        """Run one trial.

        Args:
            shown: the stimulus.
            reward: what a response brings.
        """

    @abc.abstractmethod
    def act(self, answer: float, reaction_us: int) -> Iterable[Touch]:
        """Return what a subject touches who wants to give this answer: the inverse of `trial`.

        Args:
            answer: in [-1, 1]; more is as good as the nearest of them.
            reaction_us: from the window's opening to the first touch.
        """

    @abc.abstractmethod
    def words(self, answer: float) -> str | None:
        """Return what a subject types who wants to give this answer; None: nothing."""

    @abc.abstractmethod
    def worth(self, answer: float | None) -> float | None:
        """Return the value whose outcome follows an answer in a trial with feedback.

        Args:
            answer: that was given, or is wanted; None for none.

        Returns:
            What `trial` gives to its `reward`; None where nothing follows.
        """

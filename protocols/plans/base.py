"""What a trial plan is: a generator of instructions that reads like the protocol.

    event = yield Present(trial, scene)     # the driver sends the event back
    return Response(answer, …)

A plan never sees a label. It is given a function from what the subject does to what that brings,
and in trials without feedback that function always returns nothing: what is sent to the rig then
can't depend on a label, because there is none.
"""

import abc
from collections.abc import Callable, Generator, Iterable
from typing import ClassVar

from hardware.interface import Event, Instruction, Pulse
from hardware.subject import Touch
from protocols.trials import Response, Shown

Reward = Callable[[float], Pulse | None]
"""From the value of a response (1: as the label says, -1: its opposite) to what it brings."""
Trialling = Generator[Instruction, Event, Response]


def no_reward(value: float) -> None:
    """Bring nothing, as in every trial without feedback."""
    del value


class AbstractPlan(abc.ABC):
    """How one trial is run. A new plan is one final, frozen dataclass with these methods."""

    __slots__ = ()
    kind: ClassVar[str]
    interval_s: float
    """From the end of a trial to the next one: a pause in which the trial is durable already."""

    @property
    @abc.abstractmethod
    def inputs(self) -> tuple[str, ...]:
        """Input lines that the rig needs."""

    @property
    @abc.abstractmethod
    def outputs(self) -> tuple[Pulse, ...]:
        """Pulses that the plan itself asks for, besides feedback and stimulus."""

    @property
    @abc.abstractmethod
    def needs_screen(self) -> bool:
        """Whether it shows more than the stimulus."""

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
            answer: in [-1, 1].
            reaction_us: from the go to the first touch.
        """

"""What one trial is: why it is run, how its stimulus is shown, and what came of it."""

from dataclasses import dataclass
from enum import IntEnum

from hardware.interface import GoEdge, Pulse, Scene
from hardware.messages import Outcome


class Phase(IntEnum):
    """Why a trial is run; the numbers are part of the stored format."""

    TRAINING = 0
    """Feedback follows the label."""
    TEST = 1
    """No feedback; the answer is what the experiment is about."""
    WARM_UP = 2
    """At a session's beginning, like training; the answer counts for nothing."""
    CATCH = 3
    """No stimulus, no feedback: what a subject does anyway."""
    ANCHOR = 4
    """A training stimulus among the test trials, without feedback: is the subject still there?"""
    WASH_OUT = 5
    """Between two candidates: feedback that follows no function."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a stimulus is presented."""

    scene: Scene | None
    """What is on the screen; None where the stimulus is a line of the device, or there is none."""
    go: GoEdge | Pulse | None
    """What starts the trial's clock: the photodiode's edge, the line that is the stimulus."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a subject did in one trial."""

    answer: float | None
    """In [-1, 1]; None for a trial that tells nothing."""
    outcome: Outcome
    """How the device saw it end."""
    line: str | None = None
    """The first response."""
    latency_us: int | None = None
    """From the go to the first response."""
    licks: int = 0
    """Responses in the window."""
    flaw: str | None = None
    """Why it tells nothing."""

"""What the session orders from the stimulus process, and how that answers: one answer to each."""

from dataclasses import dataclass
from typing import Any

from hardware.interface import Scene
from hardware.sound import Binaural


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make a scene ready, unseen. Answer: None."""

    scene: Scene


@dataclass(frozen=True, slots=True)
class Show:
    """Show the scene that was prepared last. Answer: Flip."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Show the empty background. Answer: Flip."""


@dataclass(frozen=True, slots=True)
class MeasureFrames:
    """Show the same picture again and again. Answer: FrameTimes."""

    frames: int


@dataclass(frozen=True, slots=True)
class Play:
    """Start a tone. Answer: when, ns on the monotonic clock."""

    tone: Binaural


@dataclass(frozen=True, slots=True)
class Close:
    """Close the window and end. Answer: None."""


Command = Prepare | Show | Clear | MeasureFrames | Play | Close


@dataclass(frozen=True, slots=True)
class Done:
    """A command was carried out."""

    answer: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """A command, or the start, failed; the process goes on, or has ended if it was the start."""

    reason: str

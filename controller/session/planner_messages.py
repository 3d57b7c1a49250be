"""What a session and its planner's process say to each other."""

from dataclasses import dataclass
from pathlib import Path

from controller.session.planning import Plan


@dataclass(frozen=True, slots=True)
class Nudge:
    """Look at the queue now."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Publish a session's store from now on; None: no more."""

    folder: Path | None


@dataclass(frozen=True, slots=True)
class Goodbye:
    """End."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The experiment is open."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Done:
    """What was asked is done."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It can't go on."""

    message: str
    wrong_document: bool = False

"""What a session sees of its planner, which runs elsewhere: in another process, or in this one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from controller.store import Origin

FINISHED = "finished"
STATE = "state"
"""The queue's note that says whether the experiment is over."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Which experiment, and from which document it is begun if it isn't yet."""

    folder: Path
    document: Path | None
    overrides: tuple[str, ...]
    origin: Origin
    control: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session has to know of an experiment; plain data."""

    name: str
    session: dict
    """The document's [session], as `SessionSection` reads it."""
    n_train: int
    n_test: int
    dim: int
    slots: int
    reference: tuple[tuple[float, ...], ...]
    """Stimuli that cover the space, to see whether a rig can show them."""
    document_text: str
    document_sha256: str
    warning: str | None = None
    """What the experimenter should know before the first session."""


class Planning(Protocol):
    """Whoever proposes generations."""

    def nudge(self) -> None:
        """Say that answers came, or that slots are wanted.

        Raises:
            PlannerFailed: it died, or can't go on.
        """
        ...

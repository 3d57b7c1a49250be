"""What sits in an emulated rig: it touches inputs, and feels what the rig does."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from hardware.interface import Ask, Present, TrialReport


class Touch(NamedTuple):
    """Somebody touches an input."""

    line: str
    after_us: int
    """From the trial's go."""


class Subject(Protocol):
    """Whoever is asked, as far as a rig notices."""

    def touches(self, present: Present) -> Iterable[Touch]:
        """Return what is touched in a trial, whose go is time 0."""
        ...

    def feel(self, report: TrialReport) -> None:
        """Feel what was delivered: in a trial, or outside one, where the report has no go."""
        ...

    def say(self, ask: Ask) -> str | None:
        """Return what a person types, None for nothing."""
        ...

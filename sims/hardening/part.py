"""What a part of the hardening is: something that is tried again and again, in ever other ways.

A part is a generator of tries. So it can be stopped between any two, and what was done until then
still counts.
"""

import abc
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Try:
    """What came of one try, or of several of a kind."""

    ended: str
    """How it ended, in a word or two; tries are counted by it."""
    failure: str = ""
    """What was promised and what came instead; empty where the promise was kept."""
    number: int | None = None
    """Under which it can be repeated alone; None where chance had a hand in it."""
    count: int = 1
    """How many tries this was."""
    evidence: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Files that show a failure, the smallest that still do."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which a part runs."""

    seed: int
    tries: int
    folder: Path
    """Empty, for whatever it needs; removed afterwards."""
    short: bool = False
    only: int | None = None
    """Number of the one try that is wanted."""
    hours: float = 0.0
    """For how long, where a part is about time."""

    def numbers(self) -> range:
        """Return the numbers of the tries."""
        return range(self.tries) if self.only is None else range(self.only, self.only + 1)

    def random(self, *names: object) -> random.Random:
        """Return the chance of one try: the same for the same seed and names."""
        return random.Random(" ".join(map(str, (self.seed, *names))))  # noqa: S311


class LeftOutError(Exception):
    """A part can't run here; the message says what it needs."""


class AbstractPart(abc.ABC):
    """One thing that is attacked."""

    kind: ClassVar[str]
    """Its name."""
    a_try: ClassVar[str]
    """What a try is."""
    promise: ClassVar[str]
    """What has to be true of each."""
    tries: ClassVar[int]
    """How many the long form has."""
    short: ClassVar[int]
    """How many the short form has."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Programs of the system."""
    by_itself: ClassVar[bool] = True
    """Whether it runs unless it is named."""

    @abc.abstractmethod
    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Try, and say what came of it.

        Raises:
            LeftOutError: it can't run here.
        """

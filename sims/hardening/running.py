"""Running parts, one after the other, until they are done or somebody presses Ctrl-C."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sims.hardening.part import AbstractPart, Conditions, LeftOutError, Try
from sims.hardening.promises import told

KEPT = 10
"""Failures of a part that are kept; the others are counted."""
_TOLD_S = 10.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    seed: int
    short: bool = False
    tries: int | None = None
    """Of each part; None for its own number."""
    share: float = 1.0
    """Of its own number."""
    only: int | None = None
    hours: float = 0.0


@dataclass(slots=True)
class Outcome:
    """What came of one part."""

    part: AbstractPart
    n: int = 0
    failures: int = 0
    seconds: float = 0.0
    ended: Counter[str] = field(default_factory=Counter)
    kept: list[Try] = field(default_factory=list)
    interrupted: bool = False
    left_out: str = ""
    """Why it wasn't run at all."""

    def add(self, one: Try) -> None:
        """Count one."""
        self.n += one.count
        self.ended[one.ended] += one.count
        if one.failure:
            self.failures += one.count
            if len(self.kept) < KEPT:
                self.kept.append(one)


def run(
    part: AbstractPart, wanted: Wanted, tell: Callable[[Outcome], None] = lambda _: None
) -> Outcome:
    """Run one part in a scratch folder of its own.

    Args:
        part: which.
        wanted: how.
        tell: told how it stands, every few seconds.
    """
    outcome, begun_s = Outcome(part), time.monotonic()
    missing = [program for program in part.needs if shutil.which(program) is None]
    if missing:
        outcome.left_out = f"needs {', '.join(missing)}"
        return outcome
    try:
        with tempfile.TemporaryDirectory(prefix=f"biasloop-{part.kind}-") as folder:
            tries = part.run(_conditions(part, wanted, Path(folder)))
            with closing(tries):  # type: ignore[type-var]  a generator
                _collect(tries, outcome, begun_s, tell)
    except KeyboardInterrupt:
        outcome.interrupted = True
    except LeftOutError as error:
        outcome.left_out = str(error)
    except Exception as error:  # noqa: BLE001  the report is to have it, and the parts before
        outcome.add(Try("broke off", f"the part itself broke off: {told(error)}"))
    outcome.seconds = time.monotonic() - begun_s
    return outcome


def _collect(
    tries: Iterator[Try], outcome: Outcome, begun_s: float, tell: Callable[[Outcome], None]
) -> None:
    told_s = begun_s
    for one in tries:
        outcome.add(one)
        if one.failure or time.monotonic() - told_s > _TOLD_S:
            told_s = time.monotonic()
            outcome.seconds = told_s - begun_s
            tell(outcome)


def _conditions(part: AbstractPart, wanted: Wanted, folder: Path) -> Conditions:
    own = max(1, round(wanted.share * (part.short if wanted.short else part.tries)))
    return Conditions(
        seed=wanted.seed,
        tries=own if wanted.tries is None else wanted.tries,
        folder=folder,
        short=wanted.short,
        only=wanted.only,
        hours=wanted.hours,
    )

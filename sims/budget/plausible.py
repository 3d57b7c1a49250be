"""Learners that an animal may be like: the document's own, the same on bad days, and others.

Each is a few overrides of the document, so that whoever doubts a number can run it:
`biasloop dryrun PROTOCOL --set habits.lapses=0.1`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.document import Experiment, load_experiment
from protocols.documents import Document, DocumentError

DOCUMENTED, BAD_DAY = "documented", "carry_over"


@dataclass(frozen=True, slots=True)
class Plausible:
    """One learner."""

    name: str
    words: str
    overrides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A document as a process of its own can read it."""

    path: Path
    overrides: tuple[str, ...] = ()

    def load(self) -> Document[Experiment]:
        """Read and check it.

        Raises:
            protocols.documents.DocumentError: with every problem.
        """
        return load_experiment(self.path, self.overrides)

    def changed(self, overrides: Sequence[str]) -> "Source":
        """Return it with further overrides, which win over those before."""
        return Source(self.path, (*self.overrides, *overrides))


LEARNERS = (
    Plausible(DOCUMENTED, "documented", ()),
    Plausible("lapses", "10 % lapses", ("habits.lapses=0.1",)),
    Plausible(
        BAD_DAY,
        "carry-over",
        ("habits.lapses=0.1", "habits.carry_over=0.7"),
    ),
    Plausible("binary", "binary", ("habits.binary=true",)),
    Plausible("second_order", "2nd order", ('learner={kind="dot_product_kernel"}',)),
    Plausible(
        "network",
        "ReLU net",
        ('learner={kind="relu_net",hidden=[20],steps=100,learning_rate=0.1}',),
    ),
)


def possible(source: Source, names: Sequence[str] = ()) -> Iterator[Plausible]:
    """Yield the learners that fit the document's stimuli and aren't the documented one again.

    Args:
        source: the document.
        names: only these, in this order; empty: all.
    """
    seen: set[str] = set()
    named = {learner.name: learner for learner in LEARNERS}
    for learner in [named[name] for name in names or named]:
        try:
            text = source.changed(learner.overrides).load().sha256
        except DocumentError:
            continue
        if text not in seen:
            seen.add(text)
            yield learner

"""A sweep as single runs, each with its own complete document; nothing is written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from controller.document import load_experiment
from protocols.documents import Document, DocumentError, Problem
from protocols.documents.canonical import inline
from protocols.library import ready
from sims.sweep.document import Sweep


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a sweep."""

    name: str
    protocol: str
    learner: str
    """Its name in the sweep; the kind of the protocol's own where none is named."""
    variant: str
    """Its name in the sweep; empty where there are none."""
    seed: int
    overrides: tuple[str, ...]
    """What differs from the protocol, but for learner and seed."""
    document: str
    """The frozen protocol document."""
    sha256: str
    """Of that."""


def runs_of(sweep: Document[Sweep]) -> tuple[Run, ...]:
    """Return all runs of a sweep, in the order in which they are started.

    Raises:
        protocols.documents.DocumentError: some run's document is wrong, or two have one name.
    """
    found, problems = [], []
    base = (sweep.path or Path("sweep.toml")).parent
    for choice in _choices(sweep.value):
        try:
            found.append(_run(sweep.value, base, choice))
        except DocumentError as error:
            problems += [
                Problem(p.path, p.line, p.field, f"{p.reason} (run {choice.name})")
                for p in error.problems
            ]
    if problems:
        raise DocumentError(problems)
    names = [run.name for run in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        reason = f"two documents would have one name, {twice[0]}; give the files other names"
        raise DocumentError([Problem(str(sweep.path), None, "protocols", reason)])
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What one run takes of each list; empty where there is none."""

    seed: int
    protocol: str
    learner: str
    variant: str

    @property
    def name(self) -> str:
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(self.protocol).stem).strip("-") or "protocol"
        parts = (stem, self.learner, self.variant, f"seed{self.seed}")
        return "-".join(part for part in parts if part)


def _choices(sweep: Sweep) -> Iterator[_Choice]:
    """Yield all combinations; seeds change slowest, so that a part of a sweep says something."""
    learners, variants = list(sweep.learners) or [""], list(sweep.variants) or [""]
    for one in product(sweep.seeds, sweep.protocols, learners, variants):
        yield _Choice(*one)


def _run(sweep: Sweep, base: Path, choice: _Choice) -> Run:
    changed = (*sweep.overrides, *sweep.variants.get(choice.variant, ()))
    chosen = (f"learner={_settings(sweep, choice.learner)}",) if choice.learner else ()
    overrides = (*chosen, *changed, f"seed={choice.seed}")
    document = load_experiment(_path(choice.protocol, base), overrides)
    return Run(
        name=choice.name,
        protocol=choice.protocol,
        learner=choice.learner or document.value.learner.kind,
        variant=choice.variant,
        seed=choice.seed,
        overrides=changed,
        document=document.text,
        sha256=document.sha256,
    )


def _settings(sweep: Sweep, learner: str) -> str:
    return inline(sweep.learners[learner].model_dump(mode="json", exclude_none=True))


def _path(protocol: str, base: Path) -> Path:
    """Return a protocol's file: a ready one's by its name, else relative to the sweep."""
    path = base / protocol
    return path if path.exists() or Path(protocol).suffix else ready().get(protocol, path)

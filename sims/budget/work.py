"""A budget as independent pieces of work, each for a process of its own."""

from dataclasses import dataclass

import jax

from controller import jax_cache
from controller.design import Design
from controller.document import Experiment
from protocols.keys import derive
from sims.budget.ease import Ease, Terms, ease, terms
from sims.budget.plausible import Source
from sims.budget.price import presentations
from sims.budget.reliability import Reliability, reliability
from sims.budget.search import Run, Searches, root_of

EASE, RELIABILITY = 1, 2


@dataclass(frozen=True, slots=True)
class Look:
    """What a learner finds easy, and how reliably one evaluation shows it."""

    learner: str
    ease: Ease
    reliability: Reliability


@dataclass(frozen=True, slots=True)
class Task:
    """Searches of one document on one learner."""

    learner: str
    change: str
    """What is changed of the document; empty: nothing."""
    source: Source
    runs: int
    enough: float
    ease: Ease
    seed: int


@dataclass(frozen=True, slots=True)
class Done:
    """What they came to."""

    learner: str
    change: str
    runs: tuple[Run, ...]
    trials_per_generation: int
    """As an animal would have them."""


def look(learner: str, source: Source, seed: int) -> Look:
    """Look at one plausible learner."""
    design = _loaded(source).design()
    found = easiest(design, terms(design), seed)
    key = derive(root_of(seed, 0), RELIABILITY)
    return Look(learner, found, reliability(design, found, key=key))


def easiest(design: Design, basis: Terms, seed: int) -> Ease:
    """Measure what a design's learner finds easiest."""
    return ease(design, basis, key=derive(root_of(seed, 0), EASE))


def roots(seed: int, runs: int) -> list[jax.Array]:
    """Return the keys of a budget's simulated experiments."""
    return [root_of(seed, 1 + number) for number in range(runs)]


def perform(task: Task) -> Done:
    """Run a task's searches: whole ones for the document as it is, short ones for changes."""
    experiment = _loaded(task.source)
    design = experiment.design()
    searches = Searches(experiment, terms(design), task.ease, task.enough)
    run = searches.short if task.change else searches.whole
    return Done(
        learner=task.learner,
        change=task.change,
        runs=tuple(map(run, roots(task.seed, task.runs))),
        trials_per_generation=design.episodes_per_generation * presentations(experiment),
    )


def _loaded(source: Source) -> Experiment:
    jax_cache.enable()
    return source.load().value

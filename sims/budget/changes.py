"""What could be done instead: other strategies, other episodes. Each is a few overrides."""

from collections.abc import Iterator
from dataclasses import dataclass

from controller.document import STRATEGIES, Experiment
from controller.labellers.base import AbstractLinearLabeller
from protocols.documents import DocumentError
from sims.budget.plausible import Source

MOST_TRIALS = 20_000
"""For the first function; a strategy that needs more isn't cheaper than anything."""
CONTROLS = frozenset({"random"})
"""Strategies that are there to be compared with."""
WAYS: tuple[tuple[str, ...], ...] = (
    (),
    ("episode.common_stimuli=false",),
    ('objective.orthogonality="projection"',),
    ("episode.common_stimuli=false", 'objective.orthogonality="projection"'),
)
"""What a strategy may need beside itself, tried in turn."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change to a document."""

    name: str
    words: str
    overrides: tuple[str, ...]


def strategies(source: Source, experiment: Experiment) -> tuple[list[Change], dict[str, str]]:
    """Return the other strategies that can run a document with an animal, and why others can't."""
    able: list[Change] = []
    unable: dict[str, str] = {}
    for kind, strategy in STRATEGIES.items():
        if kind == experiment.strategy.kind or kind in CONTROLS:
            continue
        if strategy.needs_gradient:
            unable[kind] = "needs the derivative of the learner's error, which no animal gives"
            continue
        for way in WAYS:
            overrides = (f'strategy={{kind="{kind}"}}', *way)
            try:
                changed = source.changed(overrides).load().value
            except DocumentError as error:
                unable.setdefault(kind, " ".join(str(error).split()))
                continue
            able.append(Change(kind, kind, (*overrides, *_first_function(changed))))
            unable.pop(kind, None)
            break
    return able, unable


def episodes(source: Source, experiment: Experiment) -> Iterator[Change]:
    """Yield changes to the episodes by which trials may be saved, as far as they make sense."""
    for name, overrides in _episodes(experiment):
        try:
            changed = source.changed(overrides).load().value
        except DocumentError:
            continue
        most = max(MOST_TRIALS, _stage_trials(experiment))
        yield Change(name, name, (*overrides, *_first_function(changed, most)))


def _episodes(experiment: Experiment) -> Iterator[tuple[str, tuple[str, ...]]]:
    episode, population = experiment.episode, experiment.strategy.build().population
    for field, value, others in (
        ("train", episode.train, (episode.train // 2,)),
        ("test", episode.test, (episode.test // 2, 2 * episode.test)),
    ):
        for other in others:
            yield f"{field} {value} → {other}", (f"episode.{field}={other}",)
    yield (
        f"population {population} → {population // 2}",
        (f"strategy.population={population // 2}",),
    )
    common = episode.common_stimuli
    words = ("own", "common") if not common else ("common", "own")
    yield f"stimuli {words[0]} → {words[1]}", (f"episode.common_stimuli={str(not common).lower()}",)
    if not isinstance(experiment.labeller.build(), AbstractLinearLabeller):
        yield (
            f"labeller {experiment.labeller.kind} → harmonics",
            ('labeller={kind="harmonics"}', *_no_pull(experiment)),
        )


def _no_pull(experiment: Experiment) -> tuple[str, ...]:
    """Return what labels that are scaled anyway don't need: a pull of their distribution."""
    kind = experiment.objective.distribution.kind
    return (f'objective.distribution={{kind="{kind}",weight=0.0}}',)


def _first_function(experiment: Experiment, most: int = MOST_TRIALS) -> tuple[str, ...]:
    each = experiment.design().trials_per_generation
    return ("stages.count=1", f"stages.generations={max(1, most // each)}")


def _stage_trials(experiment: Experiment) -> int:
    return experiment.design().trials_per_generation * experiment.stages.generations

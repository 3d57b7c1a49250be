"""The protocol document: one typed description of an experiment, from TOML.

The components' own settings are derived from their classes, so a new learner or strategy is
described here without a change here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, Self

import jax
import numpy as np
from pydantic import Field, model_validator

import controller.divergences
import controller.labellers
import controller.strategies
import learners
import protocols.spaces
from controller.design import Design
from controller.divergences.base import AbstractDivergence
from controller.labellers.base import AbstractLabeller, AbstractLinearLabeller
from controller.objective import Objective
from controller.panel import Panel
from controller.strategies.base import AbstractStrategy
from learners.base import AbstractLearner
from learners.habits import Habits
from protocols.documents import Document, Section, load
from protocols.registry import Settings, discover, one_of
from protocols.session_document import SessionSection
from protocols.spaces.base import AbstractSpace
from protocols.spaces.table import RELATIVE_TO

SPACES = discover(protocols.spaces, AbstractSpace, "biasloop.spaces")
LABELLERS = discover(controller.labellers, AbstractLabeller, "biasloop.labellers")
LEARNERS = discover(learners, AbstractLearner, "biasloop.learners")
DIVERGENCES = discover(controller.divergences, AbstractDivergence, "biasloop.divergences")
STRATEGIES = discover(controller.strategies, AbstractStrategy, "biasloop.strategies")


class EpisodeSection(Section):
    """One evaluation of one candidate by one learner."""

    train: Annotated[int, Field(ge=1)] = 10
    """Training trials, with feedback."""
    test: Annotated[int, Field(ge=2)] = 10
    """Test trials, without."""
    common_stimuli: bool = True
    """Whether all candidates of a generation are judged on the same stimuli."""


class ObjectiveSection(Section):
    """Terms and weights of the fitness."""

    error: Literal["over_power", "mse"] = "over_power"
    """Generalisation error over the label power, or plain."""
    error_weight: Annotated[float, Field(gt=0)] = 1.0
    """Weight of the only term that needs a learner."""
    distribution: one_of(DIVERGENCES)  # type: ignore[valid-type]
    """Pull of the labels to a distribution."""
    orthogonality: Literal["penalty", "projection"] = "penalty"
    """How functions of earlier stages are kept away; `projection` needs a linear labeller."""
    orthogonality_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the squared cosines."""
    agreement: Literal["mean", "worst"] = "mean"
    """With further chosen learners: whether the mean of their errors counts, or the largest."""
    contrast: Literal["ratio", "margin"] = "ratio"
    """With a neglected learner: e / (e + its error), or e + max(0, margin - its error)."""
    margin: Annotated[float, Field(gt=0)] = 1.0
    """Error of the neglected learner from which on a larger one is no better."""
    reference_points: Annotated[int, Field(ge=16, le=4096)] = 256
    """Points on which the terms that need no learner are computed."""


class StagesSection(Section):
    """How many functions are searched, and for how long each."""

    count: Annotated[int, Field(ge=1, le=64)] = 3
    """Functions, each orthogonal to those before."""
    generations: Annotated[int, Field(ge=1)] = 100
    """Generations in each stage."""


class LogSection(Section):
    """What is stored beside every trial."""

    theta: Literal["all", "recommended", "none"] = "all"
    """θ of every candidate, of every generation's recommendation, or of finished stages only."""


class HabitsSection(Section):
    """A bad day: what an animal is like, and a circuit isn't."""

    lapses: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Part of the test trials answered at random."""
    bias: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Added to every answer."""
    noise: Annotated[float, Field(ge=0)] = 0.0
    """Standard deviation of what is added to each answer."""
    binary: bool = False
    """Whether an answer is only 1, with probability (1 + answer) / 2, or -1."""
    carry_over: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Weight of what was believed before the episode."""
    remembered: Annotated[int, Field(ge=1)] = 8
    """Earlier episodes that still count, with carry-over."""
    forgetting: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Part of what is believed that is lost with every test trial, until the next episode."""
    drift: Annotated[float, Field(ge=0)] = 0.0
    """Standard deviation of a bias that changes slowly, over episodes; added to `bias`."""
    drift_episodes: Annotated[float, Field(ge=1)] = 50.0
    """Episodes in which that becomes a bias of its own, independent of what it was."""
    uptake: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Part of what is left to learn of an episode that one pass of its training trials teaches."""
    passes: Annotated[int, Field(ge=1)] = 1
    """How often the training trials of an episode are gone through; each time counts as trials."""


class Experiment(Section):
    """A protocol document."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """Name of the experiment; letters, digits, dot, dash, underscore."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Everything that is random follows from it."""
    space: one_of(SPACES)  # type: ignore[valid-type]
    labeller: one_of(LABELLERS)  # type: ignore[valid-type]
    learner: one_of(LEARNERS)  # type: ignore[valid-type]
    together: tuple[one_of(LEARNERS), ...] = ()  # type: ignore[valid-type]
    """Further learners that must find the function easy too."""
    neglected: one_of(LEARNERS) | None = None  # type: ignore[valid-type]
    """A learner that must find it hard."""
    episode: EpisodeSection = EpisodeSection()
    objective: ObjectiveSection
    strategy: one_of(STRATEGIES)  # type: ignore[valid-type]
    stages: StagesSection = StagesSection()
    log: LogSection = LogSection()
    habits: HabitsSection = HabitsSection()
    """How the learners depart from circuits that are trained anew."""
    session: SessionSection | None = None
    """How an animal is asked; a dry-run of circuits doesn't need it."""

    @model_validator(mode="after")
    def _components_fit_each_other(self) -> Self:
        space, labeller = self.space.build(), self.labeller.build()
        with _about("space"):
            size = space.size
        with _about("labeller"):
            labeller.check(space)
        for where, learner in self._learners():
            with _about(where):
                learner.build().check(np.asarray(space.reference(64)))
        with _about("strategy"):
            self.strategy.build().check(labeller.size(space))
        needed = self.episode.train + self.episode.test
        if size is not None and needed > size:
            raise ValueError(
                f"episode: {self.episode.train} training and {self.episode.test} test trials need "
                f"{needed} different stimuli, the table has {size} rows"
            )
        self._check_linear(space, labeller)
        self._check_passes()
        return self

    def _check_passes(self) -> None:
        """Refuse two opinions on how often training trials are shown."""
        if self.session is None or self.habits.passes == 1:
            return
        blocks = self.session.schedule.training_blocks
        if self.habits.passes != blocks:
            raise ValueError(
                f"habits.passes: expected 1 or session.schedule.training_blocks, here {blocks}, "
                f"got {self.habits.passes}; so often a session shows each training stimulus"
            )

    def _check_linear(self, space: AbstractSpace, labeller: AbstractLabeller) -> None:
        """Refuse what only linear labellers have, with others."""
        linear = isinstance(labeller, AbstractLinearLabeller)
        projection = self.objective.orthogonality == "projection"
        if projection and not linear:
            raise ValueError(
                f"objective.orthogonality: 'projection' needs a linear labeller such as "
                f"'harmonics', got {labeller.kind!r}; use 'penalty'"
            )
        if projection and self.stages.count > (free := labeller.size(space)):
            raise ValueError(
                f"stages.count: {self.stages.count} orthogonal functions don't exist among "
                f"{free} coefficients; use at most {free} stages or a larger labeller"
            )
        if not self.strategy.build().needs_shown:
            return
        kind = self.strategy.kind
        if not linear:
            raise ValueError(
                f"strategy: {kind!r} needs a linear labeller such as 'harmonics', got "
                f"{labeller.kind!r}; use 'es'"
            )
        if self.stages.count > 1 and not projection:
            raise ValueError(
                f"objective.orthogonality: {kind!r} finds later stages' functions only by "
                "'projection'"
            )
        if self.episode.common_stimuli and self.strategy.build().population > 1:
            raise ValueError(
                f"episode.common_stimuli: {kind!r} asks about one function in all slots of a "
                "generation; with the same stimuli it would hear the same again: set it to false"
            )

    def _learners(self) -> Iterator[tuple[str, Settings]]:
        """Yield the settings of every learner, with the section that they stand in."""
        yield "learner", self.learner
        for index, settings in enumerate(self.together):
            yield f"together.{index}", settings
        if self.neglected is not None:
            yield "neglected", self.neglected

    def design(self) -> Design:
        """Build the components and put them together."""
        objective = self.objective
        projection = objective.orthogonality == "projection"
        return Design(
            space=self.space.build(),
            labeller=self.labeller.build(),
            panel=Panel(
                chosen=tuple(s.build() for s in (self.learner, *self.together)),
                neglected=None if self.neglected is None else self.neglected.build(),
                agreement=objective.agreement,
                contrast=objective.contrast,
                margin=objective.margin,
                habits=Habits(**self.habits.model_dump()),
            ),
            strategy=self.strategy.build(),
            objective=Objective(
                error=objective.error,
                error_weight=objective.error_weight,
                divergence=objective.distribution.build(),
                # what a projection leaves is rounding, which must not rank candidates
                orthogonality_weight=0.0 if projection else objective.orthogonality_weight,
            ),
            n_train=self.episode.train,
            n_test=self.episode.test,
            common_stimuli=self.episode.common_stimuli,
            projection=projection,
            reference_points=objective.reference_points,
        )


@contextmanager
def _about(section: str) -> Iterator[None]:
    """Name the section that a component's own complaint is about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{section}: {error}") from error


def load_experiment(path: Path, overrides: tuple[str, ...] = ()) -> Document[Experiment]:
    """Read, check and complete a protocol document; nothing is written.

    Raises:
        protocols.documents.DocumentError: with every problem, each with file, line and field.
    """
    token = RELATIVE_TO.set(path.resolve().parent)
    try:
        return load(path, Experiment, overrides)
    finally:
        RELATIVE_TO.reset(token)


def root_key(experiment: Experiment) -> jax.Array:
    """Return the key from which every other one is derived."""
    return jax.random.key(experiment.seed)

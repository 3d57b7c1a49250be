"""Deriving every proposal of a stored run again, and comparing it with what was stored."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from controller.arms import LEARNER_ARM
from controller.design import Record, by_episode
from controller.document import Experiment, root_key
from controller.engine import Engine
from controller.loop import LoopError, block_size
from controller.position import Position, after_stage, first_position, position_arrays, situation
from controller.runs import frozen_document, software
from controller.store import GenerationBlock, History, StageFrame

COLUMNS = {
    "theta": "theta",
    "stimuli": "stimuli",
    "labels": "labels",
    "answers": "answers",
    "distribution": "distribution",
    "orthogonality": "orthogonality",
    "label_power": "power",
    "error": "error",
    "fitness": "fitness",
    "recommended": "recommended",
}
"""Stored column → field of the engine's record, in the order in which they depend on each other."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where the store says something else than its own history implies."""

    arm: int
    stage: int
    generation: int
    column: str
    largest: float
    """Largest absolute difference in that generation; NaN where only one side is a number."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a replay."""

    generations: int
    """Generations that were derived again."""
    asked_learner: bool
    """Whether the learner was run again too (a strategy that needs its gradient)."""
    difference: Difference | None
    other_software: tuple[str, ...]
    """Packages whose versions differ from the run's; then the last bits may differ."""


def verify(folder: Path) -> Replay:
    """Derive every proposal again from the stored answers, by the code that made them.

    Raises:
        controller.store.StoreError: the store can't be read.
        LoopError: the stimuli are not those of the run.
    """
    with History(folder) as history:
        experiment = frozen_document(history.document, folder).value
        if experiment.space.build().sha256 != history.header["stimuli_sha256"]:
            raise LoopError("the stimuli are not those of this run (their hash differs)")
        replayer = _Replayer(experiment, history)
        difference = next(iter(replayer.differences()), None)
        return Replay(
            generations=replayer.generations,
            asked_learner=replayer.ask_learner,
            difference=difference,
            other_software=_other_software(history.header["versions"]),
        )


class _Replayer:
    def __init__(self, experiment: Experiment, history: History):
        design = experiment.design()
        self.experiment, self.history = experiment, history
        self.engine = Engine(design, block=block_size(design))
        self.root = root_key(experiment)
        self.ask_learner = design.strategy.needs_gradient
        self.generations = 0

    def differences(self) -> Iterator[Difference]:
        """Yield what differs, block by block."""
        position = first_position(self.engine, self.root, self.experiment.stages.count)
        for _, frame in self.history.frames():
            if isinstance(frame, GenerationBlock):
                found, position = self._block(position, frame)
                if found is not None:
                    yield found
                self.generations += frame.fitness.shape[0]
            elif isinstance(frame, StageFrame):
                theta = jnp.asarray(frame.recommended)
                position = after_stage(position, self.engine, self.root, theta)
        yield from self._checkpoint(position)

    def _block(
        self, position: Position, frame: GenerationBlock
    ) -> tuple[Difference | None, Position]:
        count = frame.fitness.shape[0]
        where = situation(position, self.root, ask_learner=self.ask_learner)
        recorded = None if frame.arm != LEARNER_ARM else self._padded(frame.answers)
        state, record, _ = self.engine.run(
            where, position.state, frame.first_generation, count, recorded
        )
        place = (position.arm, position.stage, position.generation)
        if place != (frame.arm, frame.stage, frame.first_generation):
            found = Difference(*place, column="place", largest=float("nan"))
        else:
            derived = by_episode(jax.tree.map(lambda array: np.asarray(array)[:count], record))
            found = _first_difference(frame, derived)
        return found, replace(position, generation=position.generation + count, state=state)

    def _padded(self, answers: np.ndarray) -> jax.Array:
        design = self.engine.design
        shape = (-1, design.strategy.population, len(design.panel.learners), design.n_test)
        missing = self.engine.block - answers.shape[0]
        return jnp.asarray(np.pad(answers.reshape(shape), ((0, missing), *((0, 0),) * 3)))

    def _checkpoint(self, position: Position) -> Iterator[Difference]:
        """Compare the strategy's stored state with the one at the end of the replay."""
        stored = self.history.state("position")
        if stored is None:
            return
        for name, array in position_arrays(position).items():
            if not np.array_equal(stored[name], array, equal_nan=array.dtype.kind == "f"):
                place = (position.arm, position.stage, position.generation)
                yield Difference(*place, column=f"state {name}", largest=float("nan"))


def _first_difference(frame: GenerationBlock, record: Record) -> Difference | None:
    count = frame.fitness.shape[0]
    for row in range(count):
        for column, field in COLUMNS.items():
            stored = getattr(frame, column)
            if stored is None or not stored[row].size:
                continue
            derived = np.asarray(getattr(record, field)[row])
            if np.array_equal(stored[row], derived, equal_nan=True):
                continue
            largest = float(np.max(np.abs(stored[row] - derived)))
            generation = frame.first_generation + row
            return Difference(frame.arm, frame.stage, generation, column, largest)
    return None


def _other_software(recorded: dict[str, str]) -> tuple[str, ...]:
    now = software()["versions"]
    return tuple(
        f"{name} {recorded[name]} (now {version})"
        for name, version in now.items()
        if recorded.get(name, version) != version
    )

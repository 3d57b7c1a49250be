"""What a run writes down of its generations, stages and events, wherever the answers come from."""

import time
from typing import Any

import jax
import numpy as np

from controller.arms import LEARNER_ARM
from controller.design import Design, Record, by_episode
from controller.document import Experiment
from controller.position import Position
from controller.store import EVENT_KINDS, EventFrame, Frame, GenerationBlock, StageFrame, Store


class Recorder:
    """Makes the frames of one run's store."""

    def __init__(self, experiment: Experiment, design: Design, store: Store) -> None:
        self._experiment, self._design, self._store = experiment, design, store
        self._arms = 2 if store.header["control"] else 1

    def block(self, position: Position, record: Record, done: int) -> GenerationBlock:
        """Return the frame of the first `done` generations of a record."""
        keep: Any = by_episode(jax.tree.map(lambda array: np.asarray(array)[:done], record))
        asked = position.arm == LEARNER_ARM
        trials = slice(None) if asked else slice(0, 0)  # a control runs no trial
        log = self._experiment.log.theta
        return GenerationBlock(
            arm=position.arm,
            stage=position.stage,
            first_generation=position.generation,
            first_candidate=self._store.rows["candidates"],
            first_stimulus=self._store.rows["stimuli"],
            n_train=self._design.n_train if asked else 0,
            learners=len(self._design.panel.learners),
            stimuli=keep.stimuli[:, :, trials],
            labels=keep.labels[:, :, trials],
            answers=keep.answers[:, :, trials],
            error=keep.error,
            error_se=keep.error_se,
            label_power=keep.power,
            distribution=keep.distribution,
            orthogonality=keep.orthogonality,
            fitness=keep.fitness,
            status=keep.status,
            attempts=keep.attempts,
            theta=keep.theta if log == "all" else None,
            recommended=keep.recommended if log != "none" else None,
            t_ns=np.full(done, self.now_ns(), np.int64),
            passes=self._design.panel.habits.passes,
        )

    def stage(self, position: Position, theta: np.ndarray, trials: int) -> list[Frame]:
        """Return the frames of a finished stage, of which `position` is the end."""
        asked = position.arm == LEARNER_ARM
        generations = position.generation
        return [
            StageFrame(
                arm=position.arm,
                stage=position.stage,
                generations=generations,
                recommended=theta,
                t_ns=self.now_ns(),
                trials=trials if asked else 0,
                episodes=generations * self._design.episodes_per_generation if asked else 0,
            ),
            self.event("stage_finished", position),
        ]

    def event(self, kind: str, position: Position, slot: int = -1) -> EventFrame:
        """Return the frame of something that happened."""
        over = position.arm == self._arms
        return EventFrame(
            kind=EVENT_KINDS.index(kind),
            t_ns=self.now_ns(),
            arm=-1 if over else position.arm,
            stage=-1 if over else position.stage,
            generation=-1 if over else position.generation,
            slot=slot,
        )

    def now_ns(self) -> int:
        """Return the time since the run was created."""
        return time.time_ns() - int(self._store.header["created_ns"])

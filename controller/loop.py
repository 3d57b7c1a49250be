"""The dry-run: stages of generations on a simulated learner, every trial in the store."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from controller.design import Design, Record
from controller.document import Experiment, root_key
from controller.engine import Engine
from controller.failure import explain
from controller.generation import MAX_ATTEMPTS, episode_key
from controller.position import (
    Position,
    after_stage,
    first_position,
    position_arrays,
    position_from,
    situation,
)
from controller.recording import Recorder
from controller.statuses import Status
from controller.store import Frame, Store
from protocols.keys import derive

BLOCK_SECONDS = 0.5
FIRST_BLOCK = 4
FOLD_SECONDS = 2.0
BUFFER_TRIALS = 2**18
BUFFER_BYTES = 2**27  # of stimuli, which may be images, and of θ
MAX_BLOCK = 1024


class LoopError(Exception):
    """A run can't go on; what is stored stays."""


class LearnerFailedError(LoopError):
    """A slot gave no finite answer, however often it was run."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is, for whoever shows it."""

    arm: int
    stage: int
    generation: int
    """Generations done in this stage."""
    trials: int
    """Trials done by learners since the experiment began."""
    fitness: float
    """Mean fitness of the last generation."""


@dataclass(frozen=True, slots=True)
class _Flying:
    """A block of generations that was launched and may still be computing."""

    count: int
    state: Any
    record: Record
    done: jax.Array


class DryRun:
    """One experiment on a simulated learner."""

    def __init__(
        self,
        experiment: Experiment,
        store: Store,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        should_stop: Callable[[], bool] = lambda: False,
    ):
        """Prepare a run.

        Args:
            experiment: the protocol document.
            store: an open store, new or to be continued.
            on_progress: called after each block of generations.
            should_stop: asked between blocks; True ends the run where it can be resumed.
        """
        self.experiment = experiment
        self.store = store
        self.design = experiment.design()
        self.engine = Engine(self.design, block=block_size(self.design))
        self.root = root_key(experiment)
        self.recorder = Recorder(experiment, self.design, store)
        self.arms = 2 if store.header["control"] else 1
        self.on_progress = on_progress
        self.should_stop = should_stop

    def run(self) -> bool:
        """Run what is left of the experiment.

        Returns:
            True when it is finished, False when it was asked to stop before.

        Raises:
            LearnerFailedError: the learner's answers stay NaN or infinite.
            LoopError: the store can't be continued with what is here now.
            controller.store.StoreError: a trial can't be stored.
        """
        position = self._resume()
        if position.arm == self.arms:
            return True
        begun = position.arm + position.stage + position.generation > 0
        self._log_event("run_resumed" if begun else "run_started", position)
        while position.arm < self.arms:
            position, finished = self._stage(position)
            if not finished:
                self._log_event("run_interrupted", position)
                return False
        self._log_event("run_finished", position)
        return True

    def _resume(self) -> Position:
        stages = self.experiment.stages.count
        arrays = self.store.state("position")
        if arrays is None:
            return first_position(self.engine, self.root, stages)
        if self.design.space.sha256 != self.store.header["stimuli_sha256"]:
            raise LoopError(
                "the stimuli are not those that this run began with (their hash differs); "
                "put the first file back, or start a new run"
            )
        return position_from(arrays, self.engine, self.root, stages)

    def _stage(self, position: Position) -> tuple[Position, bool]:
        """Run a stage to its end, or until asked to stop; the next block computes meanwhile."""
        stage = (position.arm, position.stage)
        size, flying = FIRST_BLOCK, self._launch(position, FIRST_BLOCK)
        while flying is not None:
            started = time.monotonic()
            ahead = replace(
                position, generation=position.generation + flying.count, state=flying.state
            )
            following = None if self.should_stop() else self._launch(ahead, size)
            position = self._store_block(position, flying)
            if (position.arm, position.stage) != stage:  # what was launched ahead isn't needed
                break
            size = _next_size(size, time.monotonic() - started, self.engine.block)
            flying = following
        return position, (position.arm, position.stage) != stage

    def _launch(self, position: Position, size: int) -> _Flying | None:
        count = min(size, self.experiment.stages.generations - position.generation)
        if count <= 0 or self.should_stop():
            return None
        where = situation(position, self.root)
        return _Flying(count, *self.engine.run(where, position.state, position.generation, count))

    def _store_block(self, position: Position, flying: _Flying) -> Position:
        """Log a block, and return the position after it."""
        done = int(flying.done)
        frames: list[Frame] = [self.recorder.block(position, flying.record, done)] if done else []
        after = replace(position, generation=position.generation + done, state=flying.state)
        settled = bool(self.engine.settled(flying.state))
        if done < flying.count and not settled:
            self._fail(after, flying.record, done, frames)
        if settled or after.generation == self.experiment.stages.generations:
            theta = flying.record.recommended[done - 1]
            trials = after.generation * self.design.trials_per_generation
            frames += self.recorder.stage(after, np.asarray(theta), trials)
            after = after_stage(after, self.engine, self.root, theta)
        self.store.append(frames, {"position": position_arrays(after)})
        self.store.fold(every_s=FOLD_SECONDS)
        self.on_progress(self._progress(position, flying, done))
        return after

    def _fail(self, position: Position, record: Record, row: int, frames: list[Frame]) -> None:
        """Store what is done and why it ends, then raise."""
        slots = np.flatnonzero(np.asarray(record.status[row]) != Status.DONE)
        frames += [self.recorder.event("slot_failed", position, slot=int(slot)) for slot in slots]
        frames.append(self.recorder.event("run_failed", position))
        self.store.append(frames, {"position": position_arrays(position)})
        failed = jax.tree.map(lambda array: np.asarray(array)[row], record)
        raise LearnerFailedError(
            f"{explain(self.design, failed, int(slots[0]), self._episode_key(position, slots[0]))} "
            f"Stage {position.stage + 1}, generation {position.generation + 1}, slot(s) "
            f"{', '.join(str(int(slot)) for slot in slots[:5])}, in each of {MAX_ATTEMPTS} "
            "attempts. The generation is not scored, everything before it is stored; mend the "
            "learner's settings and start a new run"
        )

    def _episode_key(self, position: Position, slot: int) -> jax.Array:
        place = derive(self.root, jnp.int32(position.stage), jnp.int32(position.generation))
        return episode_key(place, jnp.int32(slot), jnp.int32(0))

    def _progress(self, position: Position, flying: _Flying, done: int) -> Progress:
        fitness = np.asarray(flying.record.fitness[max(done - 1, 0)])
        return Progress(
            arm=position.arm,
            stage=position.stage,
            generation=position.generation + done,
            trials=self.store.rows["trials"],
            fitness=float(np.mean(fitness)),
        )

    def _log_event(self, kind: str, position: Position) -> None:
        self.store.append([self.recorder.event(kind, position)])


def block_size(design: Design) -> int:
    """Return how many generations' records one call of the engine holds."""
    by_trials = BUFFER_TRIALS // design.trials_per_generation
    return max(1, min(MAX_BLOCK, by_trials, BUFFER_BYTES // design.bytes_per_generation))


def _next_size(size: int, seconds: float, limit: int) -> int:
    """Adapt the number of generations in a block, so that a run can be stopped soon."""
    wanted = size * BLOCK_SECONDS / max(seconds, 1e-6)
    return int(np.clip(wanted, 1, min(4 * size, limit)))

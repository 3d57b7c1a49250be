"""The dry-run: stages of generations on a simulated learner, every trial in the store.

```
LoopError
├── LearnerFailed    a slot gave no finite answer, however often it was run
└── ReplayError      see controller.replay
```
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from controller.arrays import from_arrays, to_arrays
from controller.document import Experiment, no_earlier, root_key, space_hash
from controller.engine import MAX_ATTEMPTS, Engine, Record, Situation
from controller.statuses import Status
from controller.store import EventFrame, Frame, GenerationBlock, StageFrame, Store
from protocols.keys import Purpose

LEARNER_ARM, CONTROL_ARM = 0, 1
BLOCK_SECONDS = 0.5
FOLD_GENERATIONS = 32
BUFFER_TRIALS = 2**18
MAX_BLOCK = 1024


class LoopError(Exception):
    """A run can't go on; what is stored stays."""


class LearnerFailed(LoopError):
    """A slot gave no finite answer, however often it was run."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is, for whoever shows it."""

    arm: int
    stage: int
    stages: int
    generation: int
    """Generations done in this stage."""
    generations: int
    trials: int
    """Trials done by learners since the experiment began."""
    fitness: float
    """Mean fitness of the last generation."""


@dataclass(slots=True)
class Position:
    """Where a run is, for itself: all that it needs to go on."""

    arm: int
    stage: int
    generation: int
    earlier: jax.Array
    state: Any


class DryRun:
    """One experiment on a simulated learner."""

    def __init__(
        self,
        experiment: Experiment,
        store: Store,
        *,
        control: bool,
        on_progress: Callable[[Progress], None] = lambda _: None,
        should_stop: Callable[[], bool] = lambda: False,
    ):
        """Prepare a run.

        Args:
            experiment: the protocol document.
            store: an open store, new or to be continued.
            control: whether the paired search without a learner runs after the real one.
            on_progress: called after each block of generations.
            should_stop: asked between blocks; True ends the run where it can be resumed.
        """
        self.experiment = experiment
        self.store = store
        self.design = experiment.design()
        self.engine = Engine(self.design, block=block_size(self.design.trials_per_generation))
        self.root = root_key(experiment)
        self.arms = (LEARNER_ARM, CONTROL_ARM) if control else (LEARNER_ARM,)
        self.on_progress = on_progress
        self.should_stop = should_stop
        self._unfolded = 0

    def run(self) -> bool:
        """Run what is left of the experiment.

        Returns:
            True when it is finished, False when it was asked to stop before.

        Raises:
            LearnerFailed: the learner's answers stay NaN or infinite.
            controller.store.StoreError: a trial can't be stored.
        """
        position = self._resume() or self._begin(self.arms[0], 0, None)
        if position.generation or position.stage or position.arm != self.arms[0]:
            self._event("run_resumed", position)
        else:
            self._event("run_started", position)
        while position.arm in self.arms:
            if not self._stage(position):
                self._event("run_interrupted", position)
                return False
            position = self._next(position)
        self._event("run_finished", position)
        return True

    def _begin(self, arm: int, stage: int, earlier: jax.Array | None) -> Position:
        if earlier is None:
            earlier = no_earlier(self.design, self.experiment.stages.count)
        return Position(arm, stage, 0, earlier, self.engine.start(self.root, jnp.int32(stage)))

    def _next(self, position: Position) -> Position:
        if position.stage + 1 < self.experiment.stages.count:
            return self._begin(position.arm, position.stage + 1, position.earlier)
        return self._begin(position.arm + 1, 0, None)

    def _stage(self, position: Position) -> bool:
        """Run a stage from where it is to its end; False when asked to stop."""
        total = self.experiment.stages.generations
        situation = situation_of(self.root, position)
        size, flying = 4, None
        while position.generation < total or flying:
            started = time.monotonic()
            launched = None
            stop = self.should_stop()
            if not stop and (ahead := position.generation + (flying.count if flying else 0)) < total:
                # the next block computes while the one before is stored
                state = flying.state if flying else position.state
                count = min(size, total - ahead)
                launched = _Flying(count, *self.engine.run(situation, state, ahead, count))
            if flying:
                self._store(position, flying, last=position.generation + flying.count == total)
                if self.on_progress:
                    self.on_progress(self._progress(position, flying))
            if stop and not launched:
                return position.generation == total
            if launched and flying:
                size = _next_size(size, time.monotonic() - started, self.engine.block)
            flying = launched
        return True

    def _store(self, position: Position, flying: "_Flying", *, last: bool) -> None:
        """Log a block and move the position past it."""
        done = int(flying.done)
        frames: list[Frame] = []
        if done:
            frames.append(self._block_frame(position, flying.record, done))
        if done < flying.count:
            self._fail(position, flying, done, frames)
        position.generation += done
        position.state = flying.state
        after = position
        if last:
            recommended = flying.record.recommended[done - 1]
            position.earlier = position.earlier.at[position.stage].set(recommended)
            frames.append(self._stage_frame(position, np.asarray(recommended)))
            after = self._next(position)
        self.store.append(frames, {"position": position_arrays(after)})
        self._unfolded += done
        if self._unfolded >= FOLD_GENERATIONS:
            self.store.fold()
            self._unfolded = 0

    def _block_frame(self, position: Position, record: Record, done: int) -> GenerationBlock:
        design = self.design
        keep = {name: np.asarray(getattr(record, name)[:done]) for name in Record.__annotations__}
        asked = position.arm == LEARNER_ARM
        slots, trials = design.strategy.population, design.n_train + design.n_test
        generations_before = self._generations_before(position)
        sets = 1 if design.common_stimuli else slots
        log = self.experiment.log.theta
        return GenerationBlock(
            arm=position.arm,
            stage=position.stage,
            first_generation=position.generation,
            first_candidate=generations_before * slots,
            first_stimulus=min(generations_before, self._learner_generations()) * sets * trials,
            n_train=design.n_train if asked else 0,
            stimuli=keep["stimuli"] if asked else keep["stimuli"][:, :, :0],
            labels=keep["labels"] if asked else keep["labels"][:, :, :0],
            answers=keep["answers"] if asked else keep["answers"][:, :, :0],
            error=keep["error"],
            error_se=keep["error_se"],
            label_power=keep["power"],
            distribution=keep["distribution"],
            orthogonality=keep["orthogonality"],
            fitness=keep["fitness"],
            status=keep["status"],
            attempts=keep["attempts"],
            theta=keep["theta"] if log == "all" else None,
            recommended=keep["recommended"] if log != "none" else None,
            t_ns=np.full(done, self._now_ns(), np.int64),
        )

    def _stage_frame(self, position: Position, recommended: np.ndarray) -> StageFrame:
        asked = position.arm == LEARNER_ARM
        episodes = self.experiment.stages.generations * self.design.strategy.population
        trials = self.experiment.stages.generations * self.design.trials_per_generation
        return StageFrame(
            arm=position.arm,
            stage=position.stage,
            generations=self.experiment.stages.generations,
            recommended=recommended,
            t_ns=self._now_ns(),
            trials=trials if asked else 0,
            episodes=episodes if asked else 0,
        )

    def _fail(
        self, position: Position, flying: "_Flying", done: int, frames: list[Frame]
    ) -> None:
        """Store what is done and why it ends, then raise."""
        status = np.asarray(flying.record.status[done])
        slots = np.flatnonzero(status != Status.DONE)
        generation = position.generation + done
        frames += [
            self._event_frame("slot_failed", position, generation=generation, slot=int(slot))
            for slot in slots
        ]
        position.generation = generation
        frames.append(self._event_frame("run_failed", position, generation=generation))
        self.store.append(frames, {"position": position_arrays(position, flying.state)})
        raise LearnerFailed(
            f"learner {self.design.learner.kind!r} gave answers that are not finite in stage "
            f"{position.stage + 1}, generation {generation + 1}, slot(s) "
            f"{', '.join(str(int(s)) for s in slots[:5])}, in {MAX_ATTEMPTS} attempts; "
            "the slots are not scored and everything before is stored: mend the learner's "
            "settings and start a new run"
        )

    def _generations_before(self, position: Position) -> int:
        stages = self.experiment.stages
        return (position.arm * stages.count + position.stage) * stages.generations + (
            position.generation
        )

    def _learner_generations(self) -> int:
        return self.experiment.stages.count * self.experiment.stages.generations

    def _progress(self, position: Position, flying: "_Flying") -> Progress:
        row = max(int(flying.done) - 1, 0)
        before = min(self._generations_before(position), self._learner_generations())
        return Progress(
            arm=position.arm,
            stage=position.stage,
            stages=self.experiment.stages.count,
            generation=position.generation,
            generations=self.experiment.stages.generations,
            trials=before * self.design.trials_per_generation,
            fitness=float(np.mean(np.asarray(flying.record.fitness[row]))),
        )

    def _resume(self) -> Position | None:
        arrays = self.store.state("position")
        if arrays is None:
            return None
        check_same_stimuli(self.experiment, self.store.header)
        return restore_position(arrays, self.engine, self.root, self.experiment)

    def _event(self, kind: str, position: Position) -> None:
        self.store.append([self._event_frame(kind, position, generation=position.generation)])

    def _event_frame(
        self, kind: str, position: Position, *, generation: int, slot: int = -1
    ) -> EventFrame:
        return EventFrame(
            kind=kind,
            t_ns=self._now_ns(),
            arm=position.arm,
            stage=position.stage,
            generation=generation,
            slot=slot,
            value=float("nan"),
        )

    def _now_ns(self) -> int:
        return time.time_ns() - int(self.store.header["created_ns"])


class _Flying:
    """A block that has been launched and may still be computing."""

    def __init__(self, count: int, state: Any, record: Record, done: jax.Array):
        self.count, self.state, self.record, self.done = count, state, record, done


def block_size(trials_per_generation: int) -> int:
    """Return how many generations' records one call holds; part of what makes runs repeatable."""
    return max(1, min(MAX_BLOCK, BUFFER_TRIALS // trials_per_generation))


def situation_of(root: jax.Array, position: Position) -> Situation:
    """Return what the engine must know about a position."""
    asked = position.arm == LEARNER_ARM
    return Situation(
        root=root,
        stage=jnp.int32(position.stage),
        earlier=position.earlier,
        learner_weight=jnp.float32(1.0 if asked else 0.0),
        use_learner=jnp.array(asked),
    )


def position_arrays(position: Position, state: Any = None) -> Mapping[str, np.ndarray]:
    """Return a position as named arrays."""
    place = np.array([position.arm, position.stage, position.generation], np.int64)
    inner = to_arrays(position.state if state is None else state)
    return {
        "place": place,
        "earlier": np.asarray(position.earlier),
        **{f"strategy{name}": value for name, value in inner.items()},
    }


def restore_position(
    arrays: Mapping[str, np.ndarray], engine: Engine, root: jax.Array, experiment: Experiment
) -> Position:
    """Turn stored arrays into a position again."""
    arm, stage, generation = (int(v) for v in arrays["place"])
    template = engine.start(root, jnp.int32(stage))
    inner = {
        name.removeprefix("strategy"): value
        for name, value in arrays.items()
        if name.startswith("strategy")
    }
    earlier = jnp.asarray(arrays["earlier"])
    expected = no_earlier(engine.design, experiment.stages.count).shape
    if earlier.shape != expected:
        raise LoopError(f"stored θ of earlier stages: expected shape {expected}, got {earlier.shape}")
    return Position(arm, stage, generation, earlier, from_arrays(template, inner))


def check_same_stimuli(experiment: Experiment, header: Mapping[str, Any]) -> None:
    """Raise LoopError if a table file changed since the run began."""
    now = space_hash(experiment.space.build())
    if now != header.get("stimuli_sha256"):
        raise LoopError(
            "the stimulus table is not the one that this run began with (its hash differs); put "
            "the first file back, or start a new run"
        )


def _next_size(size: int, seconds: float, limit: int) -> int:
    """Adapt the number of generations in a block, so that a run can be stopped soon."""
    wanted = size * BLOCK_SECONDS / max(seconds, 1e-6)
    return int(np.clip(wanted, 1, min(2 * size, limit)))


def iterate_stages(experiment: Experiment, *, control: bool) -> Iterator[tuple[int, int]]:
    """Yield (arm, stage) in the order in which they run."""
    for arm in (LEARNER_ARM, CONTROL_ARM) if control else (LEARNER_ARM,):
        for stage in range(experiment.stages.count):
            yield arm, stage


__all__ = ["DryRun", "LearnerFailed", "LoopError", "Progress", "Purpose"]

"""The frame of complete generations: the bulk of every run."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from controller.store.arrays import Spec, check_shapes, nan_mean
from controller.store.frames import Tables, coerce, register
from controller.store.schema import ARMS, CANDIDATE_STATUS, Layout, Rows, check_code

_MAX_ROW = 2**31 - 1


@register("generations")
@dataclass(frozen=True, slots=True, eq=False)
class GenerationBlock:
    """G consecutive, complete generations of one stage and arm, with L episodes of n trials.

    There are as many episodes as slots times learners; those of one slot stand together.
    """

    arm: int
    """0 learner, 1 control."""
    stage: int
    """Index of the stage."""
    first_generation: int
    """Number of the first generation within the stage and arm."""
    first_candidate: int
    """Row of the block's first candidate in candidates: `store.rows["candidates"]`."""
    first_stimulus: int
    """Row of the block's first stimulus in stimuli: `store.rows["stimuli"]`."""
    n_train: int
    """The first n_train of the n trials are training."""
    learners: int
    """Number of learners that were asked about each slot's candidate."""
    stimuli: np.ndarray
    """f4[G, S, n, d]; S = 1 if all episodes share them, else L. n = 0 if no trials were run."""
    labels: np.ndarray
    """f4[G, L, n]: label of every trial."""
    answers: np.ndarray
    """f4[G, L, n_test]: answers to the test trials; NaN without one."""
    error: np.ndarray
    """f4[G, L]"""
    error_se: np.ndarray
    """f4[G, L]"""
    label_power: np.ndarray
    """f4[G, L]"""
    distribution: np.ndarray
    """f4[G, L]"""
    orthogonality: np.ndarray
    """f4[G, L]"""
    fitness: np.ndarray
    """f4[G, L]"""
    status: np.ndarray
    """u1[G, L]: codes of `CANDIDATE_STATUS`."""
    attempts: np.ndarray
    """u1[G, L]"""
    theta: np.ndarray | None
    """f4[G, L, theta_dim]; given if and only if the layout's theta_log is "all"."""
    recommended: np.ndarray | None
    """f4[G, theta_dim]; given if and only if the layout's theta_log is not "none"."""
    t_ns: np.ndarray
    """i8[G]: ns since the session's start at which the generation was logged."""
    passes: int = 1
    """How often the training trials were gone through; they are stored once, and counted."""

    ARRAYS: ClassVar[Spec] = {
        "labels": ("f4", ("G", "L", "n")),
        "stimuli": ("f4", ("G", "S", "n", "d")),
        "answers": ("f4", ("G", "L", "n_test")),
        "error": ("f4", ("G", "L")),
        "error_se": ("f4", ("G", "L")),
        "label_power": ("f4", ("G", "L")),
        "distribution": ("f4", ("G", "L")),
        "orthogonality": ("f4", ("G", "L")),
        "fitness": ("f4", ("G", "L")),
        "status": ("u1", ("G", "L")),
        "attempts": ("u1", ("G", "L")),
        "theta": ("f4", ("G", "L", "theta")),
        "recommended": ("f4", ("G", "theta")),
        "t_ns": ("i8", ("G",)),
    }

    def __post_init__(self) -> None:
        coerce(self)

    def check(self, layout: Layout, rows: Rows) -> None:
        """Types, shapes, codes, and that the row numbers continue the tables."""
        self._check_shapes(layout)
        self._check_theta(layout)
        check_code("GenerationBlock.arm", self.arm, ARMS)
        if self.status.size:
            check_code("GenerationBlock.status", int(self.status.max()), CANDIDATE_STATUS)
        for table, name in (("candidates", "first_candidate"), ("stimuli", "first_stimulus")):
            added, given = self.count()[table], getattr(self, name)
            if added and given != rows[table]:
                raise ValueError(
                    f"GenerationBlock.{name}: expected {rows[table]}, the number of rows that "
                    f"{table} has so far (store.rows[{table!r}]), got {given}"
                )
            if given + added > _MAX_ROW:
                raise ValueError(f"GenerationBlock.{name}: {table} is full; start a new store")

    def _check_shapes(self, layout: Layout) -> None:
        if self.labels.ndim != 3 or self.stimuli.ndim != 4:
            raise ValueError(
                f"GenerationBlock: expected labels[G, L, n] and stimuli[G, S, n, d], "
                f"got the shapes {self.labels.shape} and {self.stimuli.shape}"
            )
        generations, slots, n = self.labels.shape
        if not 0 <= self.n_train <= n and n:
            raise ValueError(
                f"GenerationBlock.n_train: expected 0 to n={n} (length of labels), "
                f"got {self.n_train}"
            )
        if self.learners < 1 or slots % self.learners:
            raise ValueError(
                f"GenerationBlock.learners: expected a divisor of the {slots} episodes, "
                f"got {self.learners}"
            )
        sizes = {
            "G": generations,
            "L": slots,
            "S": slots if self.stimuli.shape[1] == slots else 1,
            "n": n,
            "n_test": n - self.n_train if n else 0,
            "d": layout.stimulus_dim,
            "theta": layout.theta_dim,
        }
        arrays = {name: getattr(self, name) for name in self.ARRAYS}
        check_shapes("GenerationBlock", self.ARRAYS, arrays, sizes)

    def _check_theta(self, layout: Layout) -> None:
        wanted = {
            "theta": layout.theta_log == "all",
            "recommended": layout.theta_log != "none",
        }
        for name, needed in wanted.items():
            if needed != (getattr(self, name) is not None):
                raise ValueError(
                    f"GenerationBlock.{name}: expected {'an array' if needed else 'None'}, because "
                    f"the store's theta_log is {layout.theta_log!r}"
                )

    def count(self) -> dict[str, int]:
        """Rows for each table."""
        generations, slots, n = self.labels.shape
        return {
            "trials": generations * slots * n,
            "candidates": generations * slots,
            "generations": generations,
            "stimuli": generations * self.stimuli.shape[1] * n,
        }

    def expand(self, layout: Layout, rows: Rows) -> Tables:
        """Trials in the order generation, slot, learner, trial; one candidates row an episode."""
        return {
            "trials": self._trials(),
            "candidates": self._candidates(layout, rows["trials"]),
            "generations": self._generations(layout),
            "stimuli": {"x": self.stimuli.reshape(-1, layout.stimulus_dim)},
        }

    def _trials(self) -> dict[str, np.ndarray]:
        shape = generations, slots, n = self.labels.shape
        shared = self.stimuli.shape[1]
        # Filled through broadcasting: half the time of repeat and tile.
        candidate = np.empty(shape, np.int32)
        first = self.first_candidate
        candidate[:] = np.arange(first, first + generations * slots, dtype=np.int32).reshape(
            generations, slots, 1
        )
        stimulus = np.empty(shape, np.int32)
        first = self.first_stimulus
        stimulus[:] = np.arange(first, first + generations * shared * n, dtype=np.int32).reshape(
            generations, shared, n
        )
        phase = np.empty(shape, np.uint8)
        phase[:] = np.arange(n) >= self.n_train
        answer = np.empty(shape, np.float32)
        answer[..., : self.n_train] = np.nan
        answer[..., self.n_train :] = self.answers
        return {
            "candidate": candidate.reshape(-1),
            "stimulus": stimulus.reshape(-1),
            "phase": phase.reshape(-1),
            "label": self.labels.reshape(-1),
            "answer": answer.reshape(-1),
        }

    def _candidates(self, layout: Layout, first_trial: int) -> dict[str, np.ndarray]:
        generations, slots, n = self.labels.shape
        size = generations * slots
        generation = np.arange(self.first_generation, self.first_generation + generations)
        table = {
            "arm": np.full(size, self.arm, np.uint8),
            "stage": np.full(size, self.stage, np.int16),
            "generation": np.repeat(generation.astype(np.int32), slots),
            "slot": np.tile(np.arange(slots, dtype=np.int32) // self.learners, generations),
            "learner": np.tile(np.arange(slots, dtype=np.uint8) % self.learners, generations),
            "first_trial": first_trial + n * np.arange(size),
            "trials": np.full(size, n, np.int32),
        }
        for name in (
            *("status", "attempts", "error", "error_se"),
            *("label_power", "distribution", "orthogonality", "fitness"),
        ):
            table[name] = getattr(self, name).reshape(-1)
        if self.theta is not None:
            table["theta"] = self.theta.reshape(-1, layout.theta_dim)
        return table

    def _generations(self, layout: Layout) -> dict[str, np.ndarray]:
        generations, slots, n = self.labels.shape
        first = self.first_generation
        presented = n + (self.passes - 1) * self.n_train
        table = {
            "arm": np.full(generations, self.arm, np.uint8),
            "stage": np.full(generations, self.stage, np.int16),
            "generation": np.arange(first, first + generations, dtype=np.int32),
            "t_ns": self.t_ns,
            "fitness_mean": nan_mean(self.fitness),
            "fitness_min": np.fmin.reduce(self.fitness, axis=1, initial=np.nan),
            "error_mean": nan_mean(self.error),
            "trials": np.full(generations, slots * presented, np.int32),
        }
        if self.recommended is not None:
            table["recommended"] = self.recommended.reshape(-1, layout.theta_dim)
        return table

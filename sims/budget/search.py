"""A document's search on one plausible learner, many times over, each with its control.

It is the dry-run's own engine, without a store: what is simulated is what would be run.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float64, PRNGKeyArray

from controller.analysis.measures import (
    HeldOut,
    cosine,
    function_values,
    held_out,
    shares,
    variance,
)
from controller.analysis.verdict import Verdict, verdict
from controller.arms import CONTROL_ARM, LEARNER_ARM
from controller.document import Experiment
from controller.engine import Engine
from controller.loop import block_size
from controller.position import Position, after_stage, first_position, situation
from protocols.keys import Purpose, derive
from sims.budget.ease import Ease, Terms
from sims.budget.errors import SimulationError

TRIALS_BETWEEN_LOOKS = 1000

Thetas = Float[np.ndarray, "generation theta"]


@dataclass(frozen=True, slots=True)
class Run:
    """One simulated experiment."""

    reached: tuple[int | None, ...]
    """Of each stage: generations until its recommendation was right enough; None: never was."""
    precision: Float64[np.ndarray, " generation"]
    """Of the first stage's recommendation, generation by generation."""
    final: tuple[float, ...]
    """Precision of each stage's function."""
    verdicts: tuple[Verdict, ...]
    """What each stage's function is evidence of; empty where no control was run."""

    @property
    def beats_control(self) -> bool:
        """Whether every stage's function is the learner's doing."""
        return all(one is Verdict.LEARNER_DRIVEN for one in self.verdicts)

    def generations(self) -> float:
        """Return the generations of all stages, each up to where it was right enough."""
        return math.inf if None in self.reached else sum(filter(None, self.reached))

    def first(self) -> float:
        """Return the generations of the first stage."""
        return math.inf if self.reached[0] is None else self.reached[0]


class Searches:
    """Searches of one document that differ by their seed; compiled once."""

    def __init__(self, experiment: Experiment, basis: Terms, ease: Ease, enough: float):
        """Prepare them.

        Args:
            experiment: the document, with the plausible learner in it.
            basis: in which precision is defined.
            ease: what that learner finds easiest.
            enough: precision to be reached.
        """
        self.design = experiment.design()
        self.stages = experiment.stages
        self._basis = basis
        self._ease = ease
        self._enough = enough
        block = min(self.stages.generations, block_size(self.design))
        self._engine = Engine(self.design, block=block)
        self._graded = self.design.space.graded_basis()

    def whole(self, root: PRNGKeyArray) -> Run:
        """Run all stages to their ends, and the control."""
        learner = self.arm(root, LEARNER_ARM)
        control = self.arm(root, CONTROL_ARM)
        precisions = [self._precision(stage, thetas) for stage, thetas in enumerate(learner)]
        return Run(
            reached=tuple(first_at_least(one, self._enough) for one in precisions),
            precision=precisions[0],
            final=tuple(float(one[-1]) for one in precisions),
            verdicts=self._verdicts(root, learner, control),
        )

    def short(self, root: PRNGKeyArray) -> Run:
        """Run the first stage until its recommendation is right enough, or to its end."""
        position = first_position(self._engine, root, self.stages.count)
        pace = max(1, TRIALS_BETWEEN_LOOKS // self.design.trials_per_generation)
        seen: list[Float64[np.ndarray, " generation"]] = []
        while position.generation < self.stages.generations:
            position, thetas = self._on(position, root, pace)
            seen.append(self._precision(0, thetas))
            if np.any(seen[-1] >= self._enough):
                break
        precision = np.concatenate(seen)
        reached = first_at_least(precision, self._enough)
        return Run((reached,), precision, (float(precision[-1]),), ())

    def arm(self, root: PRNGKeyArray, arm: int = LEARNER_ARM) -> list[Thetas]:
        """Return each stage's recommendations, as a dry-run with this root key has them."""
        position = replace(first_position(self._engine, root, self.stages.count), arm=arm)
        found = []
        for _ in range(self.stages.count):
            seen = []
            while position.generation < self.stages.generations:
                position, thetas = self._on(position, root, self._engine.block)
                seen.append(thetas)
            found.append(np.concatenate(seen))
            position = after_stage(position, self._engine, root, jnp.asarray(found[-1][-1]))
        return found

    def _precision(self, stage: int, thetas: Thetas) -> Float64[np.ndarray, " generation"]:
        return self._basis.precision(self.design, self._ease, stage, thetas)

    def _on(self, position: Position, root: PRNGKeyArray, count: int) -> tuple[Position, Thetas]:
        count = min(count, self.stages.generations - position.generation, self._engine.block)
        here = situation(position, root)
        state, record, done = self._engine.run(here, position.state, position.generation, count)
        if int(done) < count:
            failed = position.generation + int(done) + 1
            raise SimulationError(
                f"stage {position.stage + 1}, generation {failed}: the learner's answers are not "
                "finite, however often it is asked; change its settings"
            )
        after = replace(position, generation=position.generation + count, state=state)
        return after, np.asarray(record.recommended)[:count]

    def _verdicts(
        self, root: PRNGKeyArray, learner: list[Thetas], control: list[Thetas]
    ) -> tuple[Verdict, ...]:
        own, theirs = (
            self._functions(root, [stage[-1] for stage in arm]) for arm in (learner, control)
        )
        return tuple(verdict({**a, "control": b}) for a, b in zip(own, theirs, strict=True))

    def _functions(
        self, root: PRNGKeyArray, thetas: Sequence[Float[np.ndarray, " theta"]]
    ) -> list[dict[str, Any]]:
        """Describe functions as a store's summary does, as far as its verdict needs that."""
        design, basis = self.design, self._graded
        records, earlier = [], []
        for stage, theta in enumerate(thetas):
            values = function_values(design.space, design.labeller, theta, basis.points)
            power = variance(basis, values)
            key = derive(root, stage, Purpose.HELD_OUT)
            fresh = held_out(
                design.space,
                design.labeller,
                design.panel.chosen[0],
                theta,
                n_train=design.n_train,
                power=power,
                key=key,
            )
            cosines = [abs(cosine(basis, values, other)) for other in earlier]
            earlier.append(values)
            records.append(_record(shares(basis, values), fresh, max(cosines, default=0.0)))
        return records


def root_of(seed: int, number: int) -> jax.Array:
    """Return the key of one simulated experiment; no dry-run of any seed has it."""
    return derive(jax.random.key(seed), 0x0B0D6E7, number)


def _record(share: dict[int, float], fresh: HeldOut, overlap: float) -> dict[str, Any]:
    return {
        "share": share,
        "g_over_var": _finite(fresh.median),
        "g_over_var_quartiles": [_finite(fresh.lower), _finite(fresh.upper)],
        "fresh_learners": fresh.learners,
        "max_cosine": _finite(overlap),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def first_at_least(precision: Float64[np.ndarray, " generation"], enough: float) -> int | None:
    """Return how many generations had to be run for the first recommendation that is right."""
    right = np.flatnonzero(precision >= enough)
    return int(right[0]) + 1 if len(right) else None

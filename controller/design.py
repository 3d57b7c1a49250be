"""What a run is made of, where in it a generation is, and what is logged of that."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Integer, PRNGKeyArray

from controller.labellers.base import AbstractLabeller
from controller.objective import Objective
from controller.panel import Panel
from controller.strategies.base import AbstractStrategy
from protocols.spaces.base import AbstractSpace


@dataclass(frozen=True, slots=True)
class Design:
    """Everything that stays the same during a run."""

    space: AbstractSpace
    labeller: AbstractLabeller
    panel: Panel
    """The learners that are asked."""
    strategy: AbstractStrategy
    objective: Objective
    n_train: int
    n_test: int
    common_stimuli: bool
    """Whether all slots of a generation see the same stimuli."""
    projection: bool
    """Whether θ is projected off the θ of earlier stages (linear labellers only)."""
    reference_points: int
    """Number of points on which the free terms are computed."""

    @property
    def trials_per_generation(self) -> int:
        """Training and test trials of one generation, of all learners, as they are presented."""
        presented = self.n_train * self.panel.habits.passes + self.n_test
        return self.episodes_per_generation * presented

    @property
    def episodes_per_generation(self) -> int:
        """Episodes of one generation: one a slot and learner."""
        return self.strategy.population * len(self.panel.learners)

    @property
    def bytes_per_generation(self) -> int:
        """Size of the largest parts of one generation's record: its stimuli and its θ."""
        sets = 1 if self.common_stimuli else self.strategy.population
        stimuli = sets * (self.n_train + self.n_test) * self.space.dim
        return 4 * (stimuli + (self.strategy.population + 1) * self.theta_size)

    @property
    def theta_size(self) -> int:
        """Length of θ."""
        return self.labeller.size(self.space)


class Situation(eqx.Module):
    """Where in a run a block of generations is; everything here is a plain number or array."""

    root: PRNGKeyArray
    stage: Int[Array, ""]
    earlier: Float[Array, "stage theta"]
    """Recommended θ of earlier stages; rows of zeros for stages not yet run."""
    learner_weight: Float[Array, ""]
    """1 in a search, 0 in the no-learner control."""
    use_learner: Bool[Array, ""]
    """False where no answer is asked of the learner (control) or answers are recorded (replay)."""


class Record(eqx.Module):
    """What is logged of one generation."""

    stimuli: Float[Array, "set trial feature"]
    labels: Float[Array, "slot trial"]
    answers: Float[Array, "slot learner test"]
    error: Float[Array, "slot learner"]
    error_se: Float[Array, "slot learner"]
    power: Float[Array, " slot"]
    distribution: Float[Array, " slot"]
    orthogonality: Float[Array, " slot"]
    fitness: Float[Array, " slot"]
    attempts: Integer[Array, " slot"]
    status: Integer[Array, " slot"]
    theta: Float[Array, "slot theta"]
    recommended: Float[Array, " theta"]


def by_episode(record: Record) -> Record:
    """Lay blocks of generations out by episode, as they are stored: slots times learners.

    What belongs to a slot is repeated for each of its learners. Takes and returns NumPy arrays
    with an axis of generations in front.
    """
    generations, slots, learners = record.error.shape
    flat = (generations, slots * learners)
    own_stimuli = record.stimuli.shape[1] > 1

    def laid_out(name: str, array: Any) -> Any:
        if name in {"answers", "error", "error_se"}:
            return array.reshape(*flat, *array.shape[3:])
        if name == "recommended" or (name == "stimuli" and not own_stimuli):
            return array
        return np.repeat(array, learners, axis=1)

    names = [field.name for field in dataclasses.fields(record)]
    return eqx.tree_at(
        lambda tree: [getattr(tree, name) for name in names],
        record,
        [laid_out(name, getattr(record, name)) for name in names],
    )

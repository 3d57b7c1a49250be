"""What a run is made of, where in it a generation is, and what is logged of that."""

from dataclasses import dataclass

import equinox as eqx
from jaxtyping import Array, Bool, Float, Int, Integer, PRNGKeyArray

from controller.labellers.base import AbstractLabeller
from controller.objective import Objective
from controller.strategies.base import AbstractStrategy
from learners.base import AbstractLearner
from protocols.spaces.base import AbstractSpace


@dataclass(frozen=True, slots=True)
class Design:
    """Everything that stays the same during a run."""

    space: AbstractSpace
    labeller: AbstractLabeller
    learner: AbstractLearner
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
        """Training and test trials of one generation."""
        return self.strategy.population * (self.n_train + self.n_test)

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
    answers: Float[Array, "slot test"]
    error: Float[Array, " slot"]
    error_se: Float[Array, " slot"]
    power: Float[Array, " slot"]
    distribution: Float[Array, " slot"]
    orthogonality: Float[Array, " slot"]
    fitness: Float[Array, " slot"]
    attempts: Integer[Array, " slot"]
    status: Integer[Array, " slot"]
    theta: Float[Array, "slot theta"]
    recommended: Float[Array, " theta"]

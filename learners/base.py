"""What every learner can do: learn from a few labelled stimuli, then answer to others."""

import abc
from typing import ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Float64, PRNGKeyArray


class AbstractLearner(eqx.Module):
    """A supervised learner. Concrete classes are final; their fields are their settings."""

    kind: ClassVar[str]
    surrogate_gradient: ClassVar[bool] = False
    """Whether its derivative replaces that of a step, so that no finite difference shows it."""

    @abc.abstractmethod
    def fit_predict(
        self,
        x: Float[Array, "train feature"],
        z: Float[Array, " train"],
        x_test: Float[Array, "test feature"],
        *,
        key: PRNGKeyArray,
    ) -> Float[Array, " test"]:
        """Train a fresh learner on (x, z), return its answers to `x_test`.

        Differentiable in `z`. `key` decides everything that is random in one episode.
        """

    @abc.abstractmethod
    def check(self, points: Float64[np.ndarray, "point feature"]) -> None:
        """Raise ValueError, saying what would do, if stimuli like these don't fit."""

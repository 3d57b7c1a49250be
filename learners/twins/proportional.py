"""The baseline that every twin has to beat: the answer is the right one, times a gain."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from learners.twins.base import AbstractModel, Belief, History, Params


class Proportional(AbstractModel):
    """A psychometric line: answers follow the labels of the test stimuli, whatever the function.

    No learner can be like that, as it isn't told these labels. It says how well learning went on
    the whole, and nothing about which functions are easier.
    """

    kind: ClassVar[str] = "proportional"

    def start(self, functions: int, *, key: PRNGKeyArray) -> Params:
        """Return no parameters: gain, bias, noise and lapses belong to every model."""
        del functions, key
        return {}

    def log_prior(self, params: Params) -> Float[Array, ""]:
        """Return 0."""
        del params
        return jnp.zeros(())

    def beliefs(self, params: Params, history: History) -> Belief:
        """Return the labels."""
        del params
        return Belief(history.test_labels)

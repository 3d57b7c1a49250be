"""The baseline that every twin has to beat: the right answer times a gain, and fixed beliefs."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from learners.twins.base import AbstractModel, Belief, History, Params, log_normal

GAIN, SPREAD = 0.5, 0.5
INNATE = 0.3
"""Prior standard deviation of an innate weight."""


class Proportional(AbstractModel):
    """Answers follow the labels of the test stimuli, all functions alike, and a fixed belief.

        answer at x = gain · label + φ(x) · innate

    No learner can be like that, as it isn't told these labels. It says how well learning went on
    the whole and what is answered whatever was taught, and nothing about which functions are
    easier to learn.
    """

    kind: ClassVar[str] = "proportional"

    def start(self, functions: int, *, key: PRNGKeyArray) -> Params:
        """Expect half of the right answer, and nothing else."""
        del key
        return {"gain": jnp.array(GAIN), "innate": jnp.zeros(functions)}

    def log_prior(self, params: Params) -> Float[Array, ""]:
        """Return the prior of gain and innate weights."""
        innate = log_normal(params["innate"], 0.0, INNATE)
        return innate + log_normal(params["gain"], GAIN, SPREAD)

    def beliefs(self, params: Params, history: History) -> Belief:
        """Return the labels, scaled, and what is believed anyway."""
        return Belief(params["gain"] * history.test_labels + history.test @ params["innate"])

"""What a bad day makes of any learner: lapses, a bias, noise, coarse answers, old lessons.

A circuit that is trained anew answers as it should. An animal doesn't, and a search that works on
the one may not on the other, so habits wrap every learner, one trial or episode at a time.
"""

from typing import Annotated

import equinox as eqx
import jax
import jax.numpy as jnp
from annotated_types import Ge, Le, Lt
from jaxtyping import Array, Float, PRNGKeyArray

from learners.base import AbstractLearner

Part = Annotated[float, Ge(0), Le(1)]


class Lessons(eqx.Module):
    """Training stimuli and labels of earlier episodes, the latest last."""

    x: Float[Array, "episode train feature"]
    z: Float[Array, "episode train"]


class Habits(eqx.Module):
    """How a learner departs from the circuit in it. The defaults: not at all."""

    lapses: Part = 0.0
    """Part of the test trials answered at random, from -1 to 1."""
    bias: Annotated[float, Ge(-1), Le(1)] = 0.0
    """Added to every answer."""
    noise: Annotated[float, Ge(0)] = 0.0
    """Standard deviation of what is added to each answer."""
    binary: bool = False
    """Whether an answer is only 1, with probability (1 + answer) / 2, or -1."""
    carry_over: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Weight of what it believed before the episode."""
    remembered: Annotated[int, Ge(1)] = 8
    """Earlier episodes that still count, with carry-over."""

    @property
    def depth(self) -> int:
        """Earlier episodes that have to be known."""
        return self.remembered if self.carry_over > 0 else 0

    def answers(
        self,
        learner: AbstractLearner,
        x: Float[Array, "train feature"],
        z: Float[Array, " train"],
        x_test: Float[Array, "test feature"],
        before: Lessons,
        *,
        key: PRNGKeyArray,
    ) -> Float[Array, " test"]:
        """Train on one episode, and answer as somebody with these habits.

        With carry-over c a belief f follows what the learner makes of each episode, g:

            f ← (1 - c) g + c f
        """
        believed = learner.fit_predict(x, z, x_test, key=key)
        if self.depth:
            believed = (1 - self.carry_over) * believed
            ages = jnp.arange(self.depth, 0, -1)
            weights = (1 - self.carry_over) * self.carry_over**ages
            keys = jax.vmap(lambda age: jax.random.fold_in(key, age))(ages)
            old = jax.vmap(lambda x, z, key: learner.fit_predict(x, z, x_test, key=key))(
                before.x, before.z, keys
            )
            believed = believed + weights @ old
        return self._said(believed, key)

    def _said(self, believed: Float[Array, " test"], key: PRNGKeyArray) -> Float[Array, " test"]:
        """Turn beliefs into answers; nothing is drawn for habits that it doesn't have."""
        said, shape = believed, believed.shape
        noise, lapse, anything, coin = jax.random.split(jax.random.fold_in(key, 0x5A1D), 4)
        if self.noise:
            said = said + self.noise * jax.random.normal(noise, shape)
        if self.bias:
            said = said + self.bias
        if self.lapses:
            random = jax.random.uniform(anything, shape, minval=-1.0, maxval=1.0)
            said = jnp.where(jax.random.uniform(lapse, shape) < self.lapses, random, said)
        if self.binary:
            yes = jax.random.uniform(coin, shape) < (1 + jnp.clip(said, -1, 1)) / 2
            said = jnp.where(yes, 1.0, -1.0)
        return said

"""What a bad day makes of any learner: lapses, a bias, noise, coarse answers, old lessons, haste.

A circuit that is trained anew answers as it should. An animal doesn't, and a search that works on
the one may not on the other, so habits wrap every learner, one trial or episode at a time. Each is
the simplest thing that deserves its name; nothing is drawn or computed for those that are off.
"""

from typing import Annotated

import equinox as eqx
import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt, Le, Lt
from jaxtyping import Array, Float, Int, PRNGKeyArray

from learners.base import AbstractLearner

Part = Annotated[float, Ge(0), Le(1)]


class Lessons(eqx.Module):
    """Training stimuli and labels of earlier episodes, the latest last."""

    x: Float[Array, "episode train feature"]
    z: Float[Array, "episode train"]


class Moment(eqx.Module):
    """When an episode is, for what changes slowly."""

    episode: Int[Array, ""]
    """Episodes of the stage before it."""
    key: PRNGKeyArray
    """Of the stage: what changes slowly follows from it and the number of the episode alone."""


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
    forgetting: Part = 0.0
    """Part of what it believes that is lost with every test trial, until the next episode."""
    drift: Annotated[float, Ge(0)] = 0.0
    """Standard deviation of a bias that changes slowly, over episodes; added to `bias`."""
    drift_episodes: Annotated[float, Ge(1)] = 50.0
    """Episodes in which that becomes a bias of its own, independent of what it was."""
    uptake: Annotated[float, Gt(0), Le(1)] = 1.0
    """Part of what is left to learn of an episode that one pass of its training trials teaches."""
    passes: Annotated[int, Ge(1)] = 1
    """How often the training trials of an episode are gone through; each time counts as trials."""

    @property
    def learnt(self) -> float:
        """Part of an episode that it learns, 1 - (1 - uptake)^passes."""
        return 1 - (1 - self.uptake) ** self.passes

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
        moment: Moment | None = None,
    ) -> Float[Array, " test"]:
        """Train on one episode, and answer as somebody with these habits.

        With carry-over c a belief f follows what the learner makes of each episode, g, as far as
        its passes p with an uptake u get:

            f ← (1 - c) (1 - (1 - u)^p) g + c f

        That is exact for a learner that fits what it is taught and learns from what is left of it.
        What is easy isn't taken up sooner than the rest. At the k-th test trial (1, 2, …) the
        belief is (1 - forgetting)^k of that; what is carried over doesn't fade with it.

        Raises:
            ValueError: it drifts, and nobody says when this is.
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
        if self.uptake < 1:
            believed = self.learnt * believed
        if self.forgetting:
            believed = believed * (1 - self.forgetting) ** jnp.arange(1, believed.shape[0] + 1)
        return self._said(believed, key, moment)

    def _said(
        self, believed: Float[Array, " test"], key: PRNGKeyArray, moment: Moment | None
    ) -> Float[Array, " test"]:
        """Turn beliefs into answers; nothing is drawn for habits that it doesn't have."""
        said, shape = believed, believed.shape
        noise, lapse, anything, coin = jax.random.split(jax.random.fold_in(key, 0x5A1D), 4)
        if self.noise:
            said = said + self.noise * jax.random.normal(noise, shape)
        if self.bias:
            said = said + self.bias
        if self.drift:
            said = said + self._drifted(moment)
        if self.lapses:
            random = jax.random.uniform(anything, shape, minval=-1.0, maxval=1.0)
            said = jnp.where(jax.random.uniform(lapse, shape) < self.lapses, random, said)
        if self.binary:
            yes = jax.random.uniform(coin, shape) < (1 + jnp.clip(said, -1, 1)) / 2
            said = jnp.where(yes, 1.0, -1.0)
        return said

    def _drifted(self, moment: Moment | None) -> Float[Array, ""]:
        """Return the slow bias of an episode.

        Every `drift_episodes` a bias is drawn from N(0, drift²). Between two of them it goes over
        from one to the next on a quarter of a circle, which keeps its variance the same.
        """
        if moment is None:
            raise ValueError("drift: expected the moment of the episode, got none; pass `moment`")
        turn = moment.episode / self.drift_episodes
        last = jnp.floor(turn).astype(jnp.int32)
        angle = jnp.pi / 2 * (turn - last)
        keys = jax.vmap(lambda knot: jax.random.fold_in(moment.key, knot))(
            jnp.stack([last, last + 1])
        )
        drawn = jax.vmap(jax.random.normal)(keys)
        return self.drift * (jnp.cos(angle) * drawn[0] + jnp.sin(angle) * drawn[1])

"""The learners that judge one candidate, and how their errors become one number.

Most experiments have one learner. Dorrell et al. 2023, § 4, have two more games: a *chosen*
learner against a *neglected* one, which must find the function hard, and a co-operative set of
learners, for instance of different connectivity, which must all find it easy.

The paper minimises the chosen error minus the neglected one. That has no lower bound: a function
on which the neglected learner goes astray wins, whatever the chosen one does with it. Both forms
here are bounded.
"""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from learners.base import AbstractLearner
from learners.habits import Habits, Lessons, Moment
from protocols.episode import Episode

ERROR_FLOOR = 1e-6


class Panel(eqx.Module):
    """Learners in the order in which they are stored: chosen ones first, then the neglected."""

    chosen: tuple[AbstractLearner, ...]
    """Learners that must find the function easy; at least one."""
    neglected: AbstractLearner | None = None
    """A learner that must not."""
    agreement: Literal["mean", "worst"] = "mean"
    """How several chosen learners' errors become one: their mean, or the largest."""
    contrast: Literal["ratio", "margin"] = "ratio"
    """`ratio`: e / (e + e'), in [0, 1]; `margin`: e + max(0, margin - e'), at least 0."""
    margin: float = 1.0
    """Error of the neglected learner from which on a larger one is no better."""
    habits: Habits = Habits()
    """How they all depart from circuits that are trained anew."""

    @property
    def learners(self) -> tuple[AbstractLearner, ...]:
        """All of them."""
        return (*self.chosen, *(() if self.neglected is None else (self.neglected,)))

    @property
    def roles(self) -> tuple[str, ...]:
        """What each is there for."""
        neglected = () if self.neglected is None else ("neglected",)
        return ("chosen",) * len(self.chosen) + neglected

    def answers(
        self,
        episode: Episode,
        before: Lessons,
        *,
        key: PRNGKeyArray,
        moment: Moment | None = None,
    ) -> Float[Array, "learner test"]:
        """Train all learners on one episode, return their answers to its test stimuli.

        Args:
            episode: what is trained and asked.
            before: the episodes before it, as far as they matter to the learners' habits.
            key: decides everything that is random in it.
            moment: when it is; only needed for habits that change slowly.
        """
        return jnp.stack(
            [
                self.habits.answers(
                    learner,
                    episode.train_x,
                    episode.train_z,
                    episode.test_x,
                    before,
                    key=learner_key(key, index),
                    moment=None if moment is None else _own(moment, index),
                )
                for index, learner in enumerate(self.learners)
            ]
        )

    def combined(self, errors: Float[Array, "*slot learner"]) -> Float[Array, "*slot"]:
        """Return the one error of which less is better."""
        chosen = errors[..., : len(self.chosen)]
        own = jnp.max(chosen, axis=-1) if self.agreement == "worst" else jnp.mean(chosen, axis=-1)
        if self.neglected is None:
            return own
        other = errors[..., -1]
        if self.contrast == "margin":
            return own + jax.nn.relu(self.margin - other)
        return own / (own + other + ERROR_FLOOR)


def learner_key(key: PRNGKeyArray, index: int) -> PRNGKeyArray:
    """Return the key of one learner in an episode; the first one's is the episode's own."""
    return key if index == 0 else jax.random.fold_in(key, index)


def _own(moment: Moment, index: int) -> Moment:
    return Moment(moment.episode, learner_key(moment.key, index))

"""Repeated looks at one population, until its candidates can be told apart.

Fitness is measured on a few test trials, so that the differences between candidates may be mostly
noise, and a search that is told noise walks at random. Their *reliability* is the part of the
variance between candidates that isn't noise,

    ρ = max(0, 1 - N / V)

with V the variance of the candidates' means and N that of the noise in one of them.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from controller.strategies.base import Evaluations

Tally = dict[str, Array]
"""What the looks so far add up to; arrays, so that a run can be stopped between two looks."""


def no_look(slots: int, size: int) -> Tally:
    """Return the tally of a population that isn't drawn yet."""
    return {
        "population": jnp.zeros((slots, size)),
        "looks": jnp.zeros((), jnp.int32),
        "fitness": jnp.zeros(slots),
        "squares": jnp.zeros(()),
    }


def another_look(
    tally: Tally, population: Float[Array, "slot theta"], fitness: Float[Array, " slot"]
) -> Tally:
    """Add one evaluation of the whole population."""
    return {
        "population": population,
        "looks": tally["looks"] + 1,
        "fitness": tally["fitness"] + fitness,
        "squares": tally["squares"] + jnp.sum(_centred(fitness) ** 2),
    }


def mean_fitness(tally: Tally) -> Float[Array, " slot"]:
    """Return every candidate's mean over the looks so far, of which there is at least one."""
    return tally["fitness"] / tally["looks"]


def reliability(tally: Tally, latest: Evaluations) -> Float[Array, ""]:
    """Estimate how reliable the differences between candidates are after the looks so far.

    After one look the only hint at noise is how much a candidate's error varies over its test
    trials: V is the variance of the candidates' errors, N the mean of their squared standard
    errors (`error_se`; that of the first learner). This sees neither what the training stimuli
    contribute nor that common stimuli cancel in differences. From the second look on nothing of
    it is used: N is the interaction of candidates and looks, as in an analysis of variance, over
    the number of looks r. What a look adds to all candidates alike is no noise.

        N = Σ (f_sr - f_s - f_r + f)² / ((S - 1)(r - 1) r),    V = Σ (f_s - f)² / (S - 1)

    Of few candidates it is a rough estimate. Candidates that are all alike have no reliability.
    """
    first = _ratio(jnp.mean(latest.error_se**2), jnp.var(latest.error, ddof=1))
    looks = tally["looks"]
    own = _centred(mean_fitness(tally))
    slots = own.shape[0]
    interaction = tally["squares"] - looks * jnp.sum(own**2)
    noise = jnp.maximum(interaction, 0.0) / ((slots - 1) * jnp.maximum(looks - 1, 1) * looks)
    later = _ratio(noise, jnp.sum(own**2) / (slots - 1))
    return jnp.where(looks > 1, later, first)


def _ratio(noise: Float[Array, ""], variance: Float[Array, ""]) -> Float[Array, ""]:
    some = variance > 0
    return jnp.where(some, jnp.maximum(0.0, 1 - noise / jnp.where(some, variance, 1.0)), 0.0)


def _centred(fitness: Float[Array, " slot"]) -> Float[Array, " slot"]:
    return fitness - jnp.mean(fitness)

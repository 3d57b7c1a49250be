"""Evolution strategies by evosax (Lange 2022): any distribution-based one, by its name.

They hear one number an episode, so they are what costs most trials. Two settings save some:

* `mirrored`: the second half of a population is the first one, mirrored at the mean. What both of
  a pair have in common cancels in their difference. (CMA_ES shrinks its steps a little faster.)
* `max_repeats`: a population is evaluated again, on new stimuli, while the differences between
  its candidates are less reliable than `reliability`; the algorithm is told means. Each evaluation
  is a generation of the run: it is stored, counted and shown as one.

Both are off by default: a search by ranks averages over its generations anyway. Measured on kernel
ridge (sims/figures/RESULTS.md), pairs saved CMA_ES trials but not SNES or DiscoveredES, and repeats
cost SNES, CMA_ES and DiscoveredES more than they saved. Shorter episodes save more.
"""

from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt, Le
from jaxtyping import Array, Float, PRNGKeyArray

from controller.strategies.base import AbstractStrategy, Evaluations, State, StrategyError
from controller.strategies.es_algorithms import KNOWN, MIRRORABLE, NEED_EVEN, make, proper_name
from controller.strategies.es_repeats import another_look, mean_fitness, no_look, reliability
from protocols.keys import Purpose, derive

MOST = 100_000
"""Candidates in a generation; evosax makes arrays of so many as soon as a document is checked."""


class ES(AbstractStrategy):
    """An evosax algorithm behind init, ask and tell, with ties ranked by their average."""

    kind: ClassVar[str] = "es"
    algorithm: str = "SNES"
    """DiscoveredES, CMA_ES, SNES, OpenES or any other distribution-based algorithm of evosax."""
    population: Annotated[int, Ge(1), Le(MOST)] = 16
    """Candidates in a generation, λ."""
    std: Annotated[float, Gt(0)] = 0.3
    """Standard deviation of the first generation around the start."""
    learning_rate: Annotated[float, Gt(0)] | None = None
    """Step of the algorithms that use an optimiser; left out: the algorithm's own."""
    mirrored: bool = False
    """Whether the second half of a population mirrors the first at the mean."""
    max_repeats: Annotated[int, Ge(1)] = 1
    """Most evaluations of a population before the algorithm is told; 1: each is told at once."""
    reliability: Annotated[float, Gt(0), Le(1)] = 0.5
    """Of the differences between candidates; from it on a population isn't evaluated again."""

    def check(self, size: int) -> None:
        """Raise StrategyError for unknown algorithms and populations that they can't use."""
        name = proper_name(self.algorithm)
        if name not in map(proper_name, KNOWN):
            raise StrategyError(
                f"algorithm: expected one of {', '.join(KNOWN)}, got {self.algorithm!r}"
            )
        if self.population < 2:
            raise StrategyError(
                f"population: expected at least 2 for {self.algorithm}, got {self.population}; one "
                "candidate has nothing to be ranked against"
            )
        if name in NEED_EVEN and self.population % 2:
            raise StrategyError(
                f"population: {self.algorithm} draws mirrored pairs and needs an even number, got "
                f"{self.population}; use {self.population + 1}"
            )
        if self.mirrored:
            self._check_mirrored(name)
        try:
            jax.eval_shape(
                lambda m: self.ask(self.init(m, key=jax.random.key(0), trials=(1, 1))),
                jnp.zeros(size),
            )
        except Exception as error:
            raise StrategyError(
                f"algorithm {self.algorithm} can't be set up for {size} parameters and a "
                f"population of {self.population}: {error}; choose another algorithm or population"
            ) from error

    def init(
        self, mean: Float[Array, " theta"], *, key: PRNGKeyArray, trials: tuple[int, int]
    ) -> State:
        """Return the first state, centred on `mean`."""
        del trials
        algorithm, params = self._algorithm(mean.shape[0])
        inner = algorithm.init(derive(key, Purpose.STRATEGY), mean, params)
        # weak types would make the compiled loop's state change its type after one turn
        inner = jax.tree.map(lambda a: jax.lax.convert_element_type(a, jnp.asarray(a).dtype), inner)
        state = {"key": key, "generation": jnp.zeros((), jnp.int32), "inner": inner}
        if self.max_repeats > 1:
            state["tally"] = no_look(self.population, mean.shape[0])
        return state

    def ask(self, state: State) -> tuple[Float[Array, "slot theta"], State]:
        """Draw a population, or ask again about the one that isn't told yet."""
        algorithm, params = self._algorithm(state["inner"].mean.shape[0])
        key = derive(state["key"], state["generation"], Purpose.ASK)
        population, inner = algorithm.ask(key, state["inner"], params)
        if self.mirrored:
            half = population[: self.population // 2]
            population = jnp.concatenate([half, 2 * inner.mean - half])
        if self.max_repeats > 1:
            again = state["tally"]["looks"] > 0
            population = jnp.where(again, state["tally"]["population"], population)
            inner = _chosen(again, state["inner"], inner)
        return population, {**state, "inner": inner}

    def tell(self, state: State, evaluations: Evaluations) -> State:
        """Update the search distribution from the ranks, once they are reliable enough."""
        if self.max_repeats == 1:
            return self._told(state, evaluations.theta, evaluations.fitness)
        tally = another_look(state["tally"], evaluations.theta, evaluations.fitness)
        enough = reliability(tally, evaluations) >= self.reliability
        enough |= tally["looks"] >= self.max_repeats
        told = self._told(state, evaluations.theta, mean_fitness(tally))
        cleared = no_look(*evaluations.theta.shape)
        return _chosen(enough, {**told, "tally": cleared}, {**state, "tally": tally})

    def recommended(self, state: State) -> Float[Array, " theta"]:
        """Return the mean of the search distribution."""
        return state["inner"].mean

    def _told(self, state: State, theta: Array, fitness: Array) -> State:
        algorithm, params = self._algorithm(theta.shape[1])
        key = derive(state["key"], state["generation"], Purpose.TELL)
        inner, _ = algorithm.tell(key, theta, fitness, state["inner"], params)
        return {**state, "generation": state["generation"] + 1, "inner": inner}

    def _check_mirrored(self, name: str) -> None:
        if name in NEED_EVEN:
            raise StrategyError(
                f"mirrored: {self.algorithm} draws mirrored pairs by itself; leave it out"
            )
        if name not in MIRRORABLE:
            raise StrategyError(
                f"mirrored: {self.algorithm} remembers what it drew, or doesn't draw around its "
                f"mean; use one of {', '.join(sorted(MIRRORABLE))}"
            )
        if self.population % 2:
            raise StrategyError(
                f"population: mirrored pairs need an even number, got {self.population}; use "
                f"{self.population + 1}"
            )

    def _algorithm(self, size: int) -> tuple[Any, Any]:
        return make(self.algorithm, self.population, size, self.std, self.learning_rate)


def _chosen(first: Array, one: State, other: State) -> State:
    """Return one state or the other, inside a compiled loop."""
    return jax.tree.map(lambda a, b: jnp.where(first, a, b), one, other)

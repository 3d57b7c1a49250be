"""Random search: the control for every other strategy."""

from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt
from jaxtyping import Array, Float, PRNGKeyArray

from controller.strategies.base import AbstractStrategy, Evaluations, State
from protocols.keys import Purpose, derive


class RandomSearch(AbstractStrategy):
    """Draws around the start for ever; recommends the candidate with the lowest fitness so far.

    There is no distribution whose mean could be recommended, so the luckiest draw is: expect its
    recorded fitness to be better than it deserves.
    """

    kind: ClassVar[str] = "random"
    population: Annotated[int, Ge(1)] = 16
    """Candidates in a generation."""
    std: Annotated[float, Gt(0)] = 1.0
    """Standard deviation of the draws around the start."""

    def check(self, size: int) -> None:
        """Take any θ."""

    def init(
        self, mean: Float[Array, " theta"], *, key: PRNGKeyArray, trials: tuple[int, int]
    ) -> State:
        """Remember the start."""
        del trials
        return {
            "key": key,
            "generation": jnp.zeros((), jnp.int32),
            "start": mean,
            "best": mean,
            "best_fitness": jnp.array(jnp.inf, jnp.float32),
        }

    def ask(self, state: State) -> tuple[Float[Array, "slot theta"], State]:
        """Draw a population around the start."""
        key = derive(state["key"], state["generation"], Purpose.ASK)
        noise = jax.random.normal(key, (self.population, state["start"].shape[0]))
        return state["start"] + self.std * noise, state

    def tell(self, state: State, evaluations: Evaluations) -> State:
        """Keep the best candidate."""
        slot = jnp.argmin(evaluations.fitness)
        better = evaluations.fitness[slot] < state["best_fitness"]
        return {
            **state,
            "generation": state["generation"] + 1,
            "best": jnp.where(better, evaluations.theta[slot], state["best"]),
            "best_fitness": jnp.where(better, evaluations.fitness[slot], state["best_fitness"]),
        }

    def recommended(self, state: State) -> Float[Array, " theta"]:
        """Return the best candidate so far."""
        return state["best"]

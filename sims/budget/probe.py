"""A strategy that learns nothing: it asks the same candidates again, to see what comes back."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from controller.strategies.base import AbstractStrategy, Evaluations, State
from protocols.keys import Purpose, derive


class Probe(AbstractStrategy):
    """The same candidates in every generation, in a new order each time.

    The order changes, so that what a learner carries over from one candidate to the next isn't
    taken for the next one's own. The candidates are put into the state (`asking`).
    """

    kind: ClassVar[str] = "probe"
    population: int
    """Episodes in a generation."""
    together: int = 1
    """Of them in a row about one candidate."""

    @property
    def candidates(self) -> int:
        """Different candidates."""
        return self.population // self.together

    def check(self, size: int) -> None:
        """Take any θ."""

    def init(
        self, mean: Float[Array, " theta"], *, key: PRNGKeyArray, trials: tuple[int, int]
    ) -> State:
        """Begin with nothing but the start."""
        del trials
        theta = jnp.tile(mean, (self.candidates, 1))
        return {"key": key, "generation": jnp.zeros((), jnp.int32), "theta": theta}

    def asking(self, state: State, theta: Float[Array, "candidate theta"]) -> State:
        """Return the state in which these candidates are asked."""
        return {**state, "theta": theta}

    def order(self, state: State) -> Int[Array, " candidate"]:
        """Return the candidates' numbers in the order in which they are asked."""
        key = derive(state["key"], state["generation"], Purpose.ASK)
        return jax.random.permutation(key, self.candidates)

    def ask(self, state: State) -> tuple[Float[Array, "slot theta"], State]:
        """Ask all of them."""
        return jnp.repeat(state["theta"][self.order(state)], self.together, axis=0), state

    def tell(self, state: State, evaluations: Evaluations) -> State:
        """Count."""
        del evaluations
        return {**state, "generation": state["generation"] + 1}

    def recommended(self, state: State) -> Float[Array, " theta"]:
        """Return the first of them."""
        return state["theta"][0]

"""Gradient descent through a differentiable learner: Algorithm 1 of Dorrell et al. 2023."""

from typing import Annotated, ClassVar, Literal

import jax.numpy as jnp
import optax
from annotated_types import Ge, Gt, Lt
from jaxtyping import Array, Float, PRNGKeyArray

from controller.strategies.base import AbstractStrategy, Evaluations, State

OPTIMISERS = {"adam": optax.adam, "sgd": optax.sgd, "rmsprop": optax.rmsprop}


class Gradient(AbstractStrategy):
    """One θ; each slot of a generation is an episode of it, and their gradients are averaged."""

    kind: ClassVar[str] = "gradient"
    needs_gradient: ClassVar[bool] = True
    population: Annotated[int, Ge(1)] = 1
    """Episodes in a step."""
    optimiser: Literal["adam", "sgd", "rmsprop"] = "adam"
    """Optimiser by optax."""
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    """Step size at the start."""
    decay_steps: Annotated[int, Ge(0)] = 0
    """Steps in which the step size falls to 0 as a cosine; 0: it stays."""
    averaging: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Memory of the running mean of θ that is recommended; 0: θ itself."""

    def check(self, size: int) -> None:
        """Take any θ."""

    def init(
        self, mean: Float[Array, " theta"], *, key: PRNGKeyArray, trials: tuple[int, int]
    ) -> State:
        """Start at `mean`; nothing here is random."""
        del key, trials
        return {"theta": mean, "average": mean, "optimiser": self._optimiser().init(mean)}

    def ask(self, state: State) -> tuple[Float[Array, "slot theta"], State]:
        """Propose θ in every slot."""
        return jnp.tile(state["theta"], (self.population, 1)), state

    def tell(self, state: State, evaluations: Evaluations) -> State:
        """Take one step down the mean gradient."""
        if evaluations.gradient is None:
            raise TypeError("expected evaluations with a gradient")
        gradient = jnp.mean(evaluations.gradient, axis=0)
        updates, inner = self._optimiser().update(gradient, state["optimiser"], state["theta"])
        theta = optax.apply_updates(state["theta"], updates)
        average = optax.incremental_update(theta, state["average"], 1 - self.averaging)
        return {"theta": theta, "average": average, "optimiser": inner}

    def recommended(self, state: State) -> Float[Array, " theta"]:
        """Return the running mean of θ."""
        return state["average"]

    def _optimiser(self) -> optax.GradientTransformation:
        rate = self.learning_rate
        schedule = optax.cosine_decay_schedule(rate, self.decay_steps) if self.decay_steps else rate
        return OPTIMISERS[self.optimiser](schedule)

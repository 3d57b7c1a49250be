"""What a strategy is: init, ask, tell; the state goes in and comes out.

```
state = strategy.init(mean, key=key)
population, state = strategy.ask(state)              # state is now the post-ask state
state = tell(strategy, state, evaluations)           # controller.strategies.guard
theta = strategy.recommended(state)                  # the mean, never the luckiest draw
```

States are pytrees of arrays. All of it is traceable by JAX, so that whole generations compile.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, Float, Integer, PRNGKeyArray

State = Any  # a pytree of arrays whose structure is the strategy's own


class StrategyError(ValueError):
    """A strategy can't be set up, or was told something that it must not use."""


class Evaluations(eqx.Module):
    """A whole generation, evaluated, in slot order."""

    theta: Float[Array, "slot theta"]
    """The population as it was asked."""
    fitness: Float[Array, " slot"]
    """Lower is better."""
    status: Integer[Array, " slot"]
    """`controller.store` status code of each slot; only done ones can be told."""
    labels: Float[Array, "slot test"]
    """Labels of the test stimuli."""
    answers: Float[Array, "slot test"]
    """The (first) learner's answers to them."""
    error: Float[Array, " slot"]
    """Generalisation error, of all learners combined."""
    error_se: Float[Array, " slot"]
    """Standard error over the test trials of the (first) learner's."""
    gradient: Float[Array, "slot theta"] | None
    """∂fitness/∂θ, only for strategies that need it."""
    basis: Float[Array, "slot test theta"] | None = None
    """The labeller's functions at the test stimuli, only for strategies that need them."""


class AbstractStrategy(eqx.Module):
    """A search. Concrete classes are final; their fields are their settings."""

    kind: ClassVar[str]
    needs_gradient: ClassVar[bool] = False
    needs_basis: ClassVar[bool] = False
    """Whether it puts answers into the terms of a linear labeller."""
    population: eqx.AbstractVar[int]

    @abc.abstractmethod
    def check(self, size: int) -> None:
        """Raise StrategyError, saying what would do, if the settings can't work for this θ."""

    @abc.abstractmethod
    def init(self, mean: Float[Array, " theta"], *, key: PRNGKeyArray) -> State:
        """Return the state before the first generation; `mean` is where the search starts."""

    @abc.abstractmethod
    def ask(self, state: State) -> tuple[Float[Array, "slot theta"], State]:
        """Propose a generation."""

    @abc.abstractmethod
    def tell(self, state: State, evaluations: Evaluations) -> State:
        """Take a complete generation; call it through `controller.strategies.guard.tell`."""

    @abc.abstractmethod
    def recommended(self, state: State) -> Float[Array, " theta"]:
        """Return the θ that the search stands for now."""

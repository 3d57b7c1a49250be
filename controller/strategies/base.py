"""What a strategy is: init, ask, tell; the state goes in and comes out.

```
state = strategy.init(mean, key=key, trials=trials)
population, state = strategy.ask(state)              # state is now the post-ask state
state = tell(strategy, state, evaluations)           # controller.strategies.guard
theta = strategy.recommended(state)                  # the mean, never the luckiest draw
```

States are pytrees of arrays. All of it is traceable by JAX, so that whole generations compile.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Integer, PRNGKeyArray

State = Any  # a pytree of arrays whose structure is the strategy's own


class StrategyError(ValueError):
    """A strategy can't be set up, or was told something that it must not use."""


class Shown(eqx.Module):
    """What a generation's episodes showed, in the terms of a linear labeller."""

    train: Float[Array, "slot train theta"]
    """The labeller's functions at the training stimuli."""
    train_labels: Float[Array, "slot train"]
    test: Float[Array, "slot test theta"]
    """The labeller's functions at the test stimuli."""
    degrees: Integer[Array, " theta"]
    """Degree of each function."""
    earlier: Float[Array, "stage theta"]
    """What earlier stages found; rows of zeros for those to come."""


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
    shown: Shown | None = None
    """What was shown, only for strategies that put answers into the labeller's terms."""


class AbstractStrategy(eqx.Module):
    """A search. Concrete classes are final; their fields are their settings."""

    kind: ClassVar[str]
    needs_gradient: ClassVar[bool] = False
    needs_shown: ClassVar[bool] = False
    """Whether it puts answers into the terms of a linear labeller."""
    population: eqx.AbstractVar[int]

    @abc.abstractmethod
    def check(self, size: int) -> None:
        """Raise StrategyError, saying what would do, if the settings can't work for this θ."""

    @abc.abstractmethod
    def init(
        self, mean: Float[Array, " theta"], *, key: PRNGKeyArray, trials: tuple[int, int]
    ) -> State:
        """Return the state before the first generation.

        Args:
            mean: where the search starts.
            key: decides everything that is random in it.
            trials: training and test trials of an episode.
        """

    @abc.abstractmethod
    def ask(self, state: State) -> tuple[Float[Array, "slot theta"], State]:
        """Propose a generation."""

    @abc.abstractmethod
    def tell(self, state: State, evaluations: Evaluations) -> State:
        """Take a complete generation; call it through `controller.strategies.guard.tell`."""

    def settled(self, state: State) -> Bool[Array, ""]:
        """Whether a stage may end before its last generation; False for most strategies."""
        del state
        return jnp.zeros((), bool)

    def carried(self, fresh: State, ended: State, found: Float[Array, " theta"]) -> State:
        """Return the state before a later stage: what is known from the one that ended counts on.

        Args:
            fresh: what `init` gives.
            ended: the state at the end of the stage before.
            found: the θ that it found.
        """
        del ended, found
        return fresh

    @abc.abstractmethod
    def recommended(self, state: State) -> Float[Array, " theta"]:
        """Return the θ that the search stands for now."""


def strong(array: Array) -> Array:
    """Return an array whose type doesn't depend on what it meets; keys are left alone."""
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        return array
    return jax.lax.convert_element_type(array, jnp.asarray(array).dtype)

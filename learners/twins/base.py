"""What a model of a learner is: how lessons become beliefs, with parameters to be fitted.

```
AbstractModel        start, log_prior, beliefs: all that a fit needs
└─ AbstractTwin      a learner that is linear in its labels, hence with a known optimum
```

A twin sees stimuli through given functions (those of a linear labeller, with their degrees) and a
constant. Its belief is a weighted sum of them; an episode's training trials change the weights by
an affine map, so that what is left of earlier episodes is a recursion:

    w_e = R_e w_{e-1} + l_e,        belief at x = φ(x) · w_e

A twin can be right only about learners that are near its family. What all of them here share:
beliefs lie in the span of the given functions, and whatever else a learner thinks is noise to them;
lessons act linearly in their labels; nothing but the stimuli of training and test trials matters.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

Params = Any
"""A pytree of unbounded arrays; its structure is the model's own."""


class History(eqx.Module):
    """Episodes in the order in which a learner went through them."""

    train: Float[Array, "episode train function"]
    """The functions at the training stimuli."""
    labels: Float[Array, "episode train"]
    test: Float[Array, "episode test function"]
    test_labels: Float[Array, "episode test"]
    """What the learner wasn't told; only for models that no learner could be."""
    answers: Float[Array, "episode test"]
    happened: Bool[Array, " episode"]
    """False for rows that are empty yet."""
    degrees: Int[Array, " function"]
    """Degree of each function; those of a degree are alike."""
    train_x: Float[Array, "episode train feature"] | None = None
    """The training stimuli themselves, only for models that see them as they are."""
    test_x: Float[Array, "episode test feature"] | None = None


class Belief(eqx.Module):
    """What a model expects a learner to believe of the test stimuli."""

    mean: Float[Array, "episode test"]
    variance: Float[Array, "episode test"] | float = 0.0
    """Between learners of the same kind."""


class AbstractModel(eqx.Module):
    """A model of a learner. Concrete classes are final; their fields are their settings."""

    kind: ClassVar[str]

    @abc.abstractmethod
    def start(self, functions: int, *, key: PRNGKeyArray) -> Params:
        """Return the parameters before any answer, for so many functions."""

    @abc.abstractmethod
    def log_prior(self, params: Params) -> Float[Array, ""]:
        """Return the logarithm of their prior density, up to a constant."""

    @abc.abstractmethod
    def beliefs(self, params: Params, history: History) -> Belief:
        """Return what is believed in every episode after its training."""


class AbstractTwin(AbstractModel):
    """A model that is linear in the labels."""

    @abc.abstractmethod
    def lesson(
        self,
        params: Params,
        degrees: Int[Array, " weight"],
        phi: Float[Array, "train weight"],
        z: Float[Array, " train"],
    ) -> tuple[Float[Array, "weight weight"], Float[Array, " weight"]]:
        """Return what one episode keeps of the weights, and what it adds (R, l)."""

    @abc.abstractmethod
    def taught(
        self,
        params: Params,
        degrees: Int[Array, " weight"],
        phi: Float[Array, "train weight"],
        z: Float[Array, "train label"],
    ) -> Float[Array, "weight label"]:
        """Return the weights of learners that have only ever been taught this, for each z."""

    def beliefs(self, params: Params, history: History) -> Belief:
        """Go through the episodes."""
        degrees = with_constant(history.degrees)
        kept, learnt = jax.vmap(lambda phi, z: self.lesson(params, degrees, phi, z))(
            with_one(history.train), history.labels
        )

        def one(w: Array, episode: tuple[Array, Array, Array]) -> tuple[Array, Array]:
            kept, learnt, happened = episode
            w = jnp.where(happened, kept @ w + learnt, w)
            return w, w

        start = jnp.zeros(history.train.shape[-1] + 1)
        _, weights = jax.lax.scan(one, start, (kept, learnt, history.happened))
        return Belief(jnp.einsum("etf,ef->et", with_one(history.test), weights))


def with_one(functions: Float[Array, "*point function"]) -> Float[Array, "*point weight"]:
    """Put the constant before the functions."""
    return jnp.concatenate([jnp.ones((*functions.shape[:-1], 1)), functions], axis=-1)


def with_constant(degrees: Int[Array, " function"]) -> Int[Array, " weight"]:
    """Put the constant's degree before those of the functions."""
    return jnp.concatenate([jnp.zeros(1, degrees.dtype), degrees])


def log_normal(value: Float[Array, "*n"], mean: float, std: float) -> Float[Array, ""]:
    """Return the logarithm of independent normal densities, up to a constant."""
    return -0.5 * jnp.sum(((value - mean) / std) ** 2)

"""Learners whose weights are found by gradient descent on the training trials.

The inner loop is a scan, so that a strategy can differentiate through the whole training: the
answers depend on the labels by way of every weight update (Algorithm 1 of Dorrell et al. 2023).

```
initial -> (train, constrain) × steps -> respond
```
"""

import abc
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from learners.base import AbstractLearner

Weights = Any
"""A pytree of arrays; its structure is the learner's own."""
Optimiser = Literal["sgd", "momentum", "adam"]
MOMENTUM = 0.9
EPS_ROOT = 1e-10  # inside Adam's square root, whose slope at 0 would be infinite


class Network(eqx.Module):
    """A circuit in the middle of its training."""

    trained: Weights
    """What gradient descent changes."""
    fixed: Weights
    """What it leaves alone: masks, untrained layers."""


class AbstractTrained(AbstractLearner):
    """A circuit that minimises the mean squared error of its answers to the training trials."""

    optimiser: eqx.AbstractVar[Optimiser]
    learning_rate: eqx.AbstractVar[float]
    steps: eqx.AbstractVar[int]
    batch: eqx.AbstractVar[int]

    @abc.abstractmethod
    def initial(self, features: int, *, key: PRNGKeyArray) -> Network:
        """Draw a naive circuit for stimuli with so many features."""

    @abc.abstractmethod
    def constrain(self, trained: Weights, fixed: Weights) -> Weights:
        """Project weights back to where the circuit can be; called after every step."""

    @abc.abstractmethod
    def respond(
        self, network: Network, x: Float[Array, "point feature"], *, key: PRNGKeyArray
    ) -> Float[Array, " point"]:
        """Answer to `x`; `key` is for circuits that are noisy."""

    def fit_predict(
        self,
        x: Float[Array, "train feature"],
        z: Float[Array, " train"],
        x_test: Float[Array, "test feature"],
        *,
        key: PRNGKeyArray,
    ) -> Float[Array, " test"]:
        """Train a naive circuit on (x, z), answer to `x_test`."""
        network, _ = self.train(x, z, key=key)
        return self.respond(network, x_test, key=jax.random.fold_in(key, 1))

    def train(
        self, x: Float[Array, "train feature"], z: Float[Array, " train"], *, key: PRNGKeyArray
    ) -> tuple[Network, Float[Array, " step"]]:
        """Train a naive circuit; return it, and the loss before every step.

        Where the loss is no longer finite, training has diverged at that step.
        """
        start = self.initial(x.shape[1], key=jax.random.fold_in(key, 0))
        optimiser = _OPTIMISERS[self.optimiser](self.learning_rate)
        steps = jnp.arange(self.steps)
        step_keys = jax.vmap(lambda step: jax.random.fold_in(key, 2 + step))(steps)

        def loss(trained: Weights, x: Array, z: Array, key: PRNGKeyArray) -> Float[Array, ""]:
            return jnp.mean((self.respond(Network(trained, start.fixed), x, key=key) - z) ** 2)

        def step(carry: tuple[Weights, Any], inputs: tuple[PRNGKeyArray, Any]) -> Any:
            trained, state = carry
            key, rows = inputs
            here_x, here_z = (x, z) if rows is None else (x[rows], z[rows])
            value, gradient = jax.value_and_grad(loss)(trained, here_x, here_z, key)
            updates, state = optimiser.update(gradient, state, trained)
            trained = self.constrain(optax.apply_updates(trained, updates), start.fixed)
            return (trained, state), value

        rows = _minibatches(self.batch, x.shape[0], step_keys)
        begin = (start.trained, optimiser.init(start.trained))
        # Backwards, a step's activities are computed again from its weights: for small circuits
        # that is faster than storing them, for spiking ones they would be too many to store.
        step = jax.checkpoint(step, prevent_cse=False)
        (trained, _), losses = jax.lax.scan(step, begin, (step_keys, rows))
        return Network(trained, start.fixed), losses


def _minibatches(
    batch: int, count: int, keys: Key[Array, " step"]
) -> Int[Array, "step row"] | None:
    """Return the trials of every step, drawn without repeats; None: always all of them."""
    if batch == 0 or batch >= count:
        return None

    def draw(key: PRNGKeyArray) -> Int[Array, " row"]:
        # the places of the largest of random numbers: cheaper than a whole permutation
        return jax.lax.top_k(jax.random.uniform(jax.random.fold_in(key, 0), (count,)), batch)[1]

    return jax.vmap(draw)(keys)


_OPTIMISERS = {
    "sgd": optax.sgd,
    "momentum": lambda rate: optax.sgd(rate, momentum=MOMENTUM),
    "adam": lambda rate: optax.adam(rate, eps_root=EPS_ROOT),
}

"""A fully connected ReLU network, all of whose weights are found by gradient descent.

Dorrell, Yuffa & Latham 2023: appendix A (figure 9, two hidden layers on the sphere) and figure 1C
(two against eight layers on three points).
"""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt, MinLen
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from learners.descent import AbstractTrained, Network, Optimiser, Weights


class ReluNet(AbstractTrained):
    """h ← ReLU(W [h; 1]) in every hidden layer, then one linear unit.

    The last column of W are the biases. Activities have one column a stimulus, which XLA
    evaluates faster for small layers than one row a stimulus.
    """

    kind: ClassVar[str] = "relu_net"
    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (20, 20)
    """Number of units in each hidden layer, from the input on."""
    initialisation: Literal["he", "uniform"] = "he"
    """`he`: weights normal with variance 2 / inputs of their layer, biases 0 (He et al. 2015);
    `uniform`: both uniform in ±1 / √inputs, the default of the framework behind figure 9."""
    optimiser: Optimiser = "sgd"
    """How the weights follow the gradient."""
    learning_rate: Annotated[float, Gt(0)] = 0.025
    """Step size."""
    steps: Annotated[int, Ge(1)] = 200
    """Weight updates in an episode."""
    batch: Annotated[int, Ge(0)] = 0
    """Training trials in each step, drawn without repeats; 0: all of them."""

    def initial(self, features: int, *, key: PRNGKeyArray) -> Network:
        """Draw weights and biases, layer by layer."""
        widths = (features, *self.hidden, 1)
        keys = jax.random.split(key, len(widths) - 1)
        layers = [
            self._layer(m, n, key=k) for (m, n), k in zip(pairwise(widths), keys, strict=True)
        ]
        return Network(tuple(layers), ())

    def constrain(self, trained: Weights, fixed: Weights) -> Weights:
        """Leave the weights free."""
        del fixed
        return trained

    def respond(
        self, network: Network, x: Float[Array, "point feature"], *, key: PRNGKeyArray
    ) -> Float[Array, " point"]:
        """Evaluate the network at `x`; it isn't noisy."""
        del key
        *hidden, readout = network.trained
        ones = jnp.ones((1, x.shape[0]), x.dtype)
        h = jnp.concatenate([x.T, ones])
        for weights in hidden:
            h = jnp.concatenate([jax.nn.relu(weights @ h), ones])
        return (readout @ h)[0]

    def check(self, points: Float64[np.ndarray, "point feature"]) -> None:
        """Fit every space."""

    def _layer(
        self, inputs: int, units: int, *, key: PRNGKeyArray
    ) -> Float[Array, "unit input_and_bias"]:
        if self.initialisation == "uniform":
            bound = inputs**-0.5
            return jax.random.uniform(key, (units, inputs + 1), minval=-bound, maxval=bound)
        weights = jax.random.normal(key, (units, inputs)) * (2 / inputs) ** 0.5
        return jnp.pad(weights, ((0, 0), (0, 1)))

"""A small convolutional network, all of whose weights are found by gradient descent.

Dorrell, Yuffa & Latham 2023, § 5.2 (figure 6): one layer of 16 filters of 5 × 5 pixels, ReLU,
2 × 2 maximum pooling, and a dense readout.
"""

from typing import Annotated, ClassVar

import jax
import numpy as np
from annotated_types import Ge, Gt
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from learners.convolution import POOL, Kernel, check_sizes, convolve, windows
from learners.descent import AbstractTrained, Network, Optimiser, Weights


class ConvNet(AbstractTrained):
    """Image → convolution → 2 × 2 maximum → ReLU → 1 number, with biases."""

    kind: ClassVar[str] = "conv_net"
    channels: Annotated[int, Ge(1)] = 16
    """Number of filters."""
    kernel: Kernel = 5
    """Height and width of a filter in pixels; odd."""
    shape: tuple[Annotated[int, Ge(1)], Annotated[int, Ge(1)]] | tuple[()] = ()
    """Height and width of an image in pixels; empty: the image is square."""
    optimiser: Optimiser = "sgd"
    """How weights follow the gradient."""
    learning_rate: Annotated[float, Gt(0)] = 0.0025
    """Step size."""
    steps: Annotated[int, Ge(1)] = 100
    """Weight updates in an episode."""
    batch: Annotated[int, Ge(0)] = 0
    """Training trials in each step, drawn without repeats; 0: all of them."""

    def initial(self, features: int, *, key: PRNGKeyArray) -> Network:
        """Draw weights and biases uniformly in ±1 / √inputs of their layer."""
        height, width = self._shape(features)
        pooled = (height // POOL) * (width // POOL) * self.channels
        of_filters, of_readout = jax.random.split(key)
        filters = _uniform(of_filters, self.kernel**2, self.channels)
        readout = _uniform(of_readout, pooled, 1)
        return Network((filters, readout), ())

    def constrain(self, trained: Weights, fixed: Weights) -> Weights:
        """Leave the weights free."""
        del fixed
        return trained

    def respond(
        self, network: Network, x: Float[Array, "point feature"], *, key: PRNGKeyArray
    ) -> Float[Array, " point"]:
        """Evaluate the network at `x`; it isn't noisy."""
        del key
        (filters, bias), (weights, offset) = network.trained
        images = x.reshape(-1, *self._shape(x.shape[1]), 1)
        seen = convolve(windows(images, self.kernel), filters, bias)
        return (seen.reshape(x.shape[0], -1) @ weights + offset)[:, 0]

    def check(self, points: Float64[np.ndarray, "point feature"]) -> None:
        """Raise ValueError unless a stimulus is an image that the filters fit."""
        features = points.shape[1]
        height, width = self._shape(features)
        if height * width != features:
            raise ValueError(
                f"shape: expected images of {height} × {width} = {height * width} pixels, got "
                f"stimuli of {features} features; "
                + ("correct `shape`" if self.shape else "give `shape` = [height, width]")
            )
        check_sizes((height, width), self.kernel, layers=1)

    def _shape(self, features: int) -> tuple[int, int]:
        if self.shape:
            return self.shape
        side = round(features**0.5)
        return side, side


def _uniform(
    key: PRNGKeyArray, inputs: int, units: int
) -> tuple[Float[Array, "inputs units"], Float[Array, " units"]]:
    bound = inputs**-0.5
    of_weights, of_biases = jax.random.split(key)
    return (
        jax.random.uniform(of_weights, (inputs, units), minval=-bound, maxval=bound),
        jax.random.uniform(of_biases, (units,), minval=-bound, maxval=bound),
    )

"""A small convolutional network as labeller, for images: the paper's meta-learner of figure 6."""

from itertools import pairwise
from typing import Annotated, ClassVar

import jax.numpy as jnp
from annotated_types import Ge, MaxLen, MinLen
from jaxtyping import Array, Float, PRNGKeyArray

from controller.labellers.base import AbstractLabeller
from controller.labellers.network import Output, bounded, he_weights, parameters
from learners.convolution import POOL, Kernel, check_sizes, convolve, windows
from protocols.spaces.base import AbstractSpace
from protocols.spaces.images import Images

REFERENCE_IMAGES = 128
"""Images by which labels are standardised; fewer than for other labellers, each costs more."""


class Conv(AbstractLabeller):
    """One or two times convolution, 2 × 2 maximum and ReLU, then a dense layer to one number.

    θ holds weights and biases, layer by layer.
    """

    kind: ClassVar[str] = "conv"
    channels: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1), MaxLen(2)] = (4, 8)
    """Number of filters in each convolutional layer."""
    kernel: Kernel = 5
    """Height and width of a filter in pixels; odd."""
    output: Output = "tanh"
    """`tanh` keeps labels in [-1, 1]; `linear` leaves that to the distribution term; `standard`
    gives labels mean 0 and the spread of a uniform label, then clips them."""

    def check(self, space: AbstractSpace) -> None:
        """Raise ValueError unless the space is one of images that the filters fit."""
        check_sizes(_shape(space), self.kernel, layers=len(self.channels))

    def size(self, space: AbstractSpace) -> int:
        """Length of θ."""
        return parameters(self._layers(space))

    def initial(self, space: AbstractSpace, *, key: PRNGKeyArray) -> Float[Array, " theta"]:
        """Return He-scaled random weights and zero biases."""
        return he_weights(self._layers(space), key=key)

    def labels(
        self,
        space: AbstractSpace,
        theta: Float[Array, " theta"],
        x: Float[Array, "point feature"],
    ) -> Float[Array, " point"]:
        """Evaluate f_θ at `x`."""
        return bounded(
            self.output,
            self._forward(space, theta, x),
            lambda: self._forward(
                space, theta, jnp.asarray(space.reference(REFERENCE_IMAGES), x.dtype)
            ),
        )

    def _forward(
        self, space: AbstractSpace, theta: Float[Array, " theta"], x: Float[Array, "point feature"]
    ) -> Float[Array, " point"]:
        layers = []
        for m, n in self._layers(space):
            layers.append((theta[: m * n].reshape(m, n), theta[m * n : (m + 1) * n]))
            theta = theta[(m + 1) * n :]
        height, width = _shape(space)
        images = x.reshape(-1, height, width, 1)
        for weights, bias in layers[:-1]:
            height, width = height // POOL, width // POOL
            seen = convolve(windows(images, self.kernel), weights, bias)
            images = seen.reshape(-1, height, width, weights.shape[1])
        weights, bias = layers[-1]
        return (images.reshape(x.shape[0], -1) @ weights + bias)[:, 0]

    def _layers(self, space: AbstractSpace) -> list[tuple[int, int]]:
        """Return inputs and units of each layer."""
        height, width = (side // POOL ** len(self.channels) for side in _shape(space))
        filters = [(self.kernel**2 * m, n) for m, n in pairwise((1, *self.channels))]
        return [*filters, (height * width * self.channels[-1], 1)]


def _shape(space: AbstractSpace) -> tuple[int, int]:
    if isinstance(space, Images):
        return space.shape
    raise ValueError(
        f"a 'conv' labeller needs images: use space kind 'images', or labeller kind 'mlp' on "
        f"{space.kind!r}"
    )

"""The unit circle, uniformly."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from protocols.spaces.base import AbstractSpace, GradedBasis

MAX_FREQUENCY = 20
NODES = 512


class Circle(AbstractSpace):
    """Points (cos φ, sin φ) with φ uniform."""

    kind: ClassVar[str] = "circle"

    @property
    def dim(self) -> int:
        """Two features: cos φ and sin φ."""
        return 2

    @property
    def size(self) -> int | None:
        """Infinitely many stimuli."""
        return None

    @property
    def sha256(self) -> str | None:
        """Everything is in the document."""
        return None

    def sample(self, n: int, *, key: PRNGKeyArray) -> Float[Array, "n feature"]:
        """Draw `n` angles uniformly."""
        angle = jax.random.uniform(key, (n,), maxval=2 * jnp.pi)
        return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)

    def reference(self, n: int) -> Float64[np.ndarray, "m feature"]:
        """Return `n` equally spaced angles."""
        angle = 2 * np.pi * (np.arange(n) + 0.5) / n
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def graded_basis(self) -> GradedBasis:
        """Return the Fourier basis; equal spacing integrates it exactly."""
        x = self.reference(NODES)
        phi = np.arctan2(x[:, 1], x[:, 0])
        columns, degrees = [np.ones(NODES)], [0]
        for k in range(1, MAX_FREQUENCY + 1):
            columns += [np.sqrt(2) * np.cos(k * phi), np.sqrt(2) * np.sin(k * phi)]
            degrees += [k, k]
        weights = np.full(NODES, 1 / NODES)
        values = np.stack(columns, axis=1)
        return GradedBasis(x, weights, values, np.array(degrees), "frequency", exact=True)

"""Sinkhorn divergence: entropic optimal transport, the divergence of the published figures."""

from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt
from jaxtyping import Array, Float

from controller.divergences.base import AbstractDivergence, Weight, uniform_quantiles


class Sinkhorn(AbstractDivergence):
    """S(Z, U) = OT(Z, U) - ½ OT(Z, Z) - ½ OT(U, U), cost |z - u|², entropy `epsilon`.

    Debiased as by Feydy et al. 2019. For labels, which are one-dimensional, `wasserstein` is its
    exact limit at `epsilon` → 0; this one is here for comparison with published runs.
    """

    kind: ClassVar[str] = "sinkhorn"
    weight: Weight = 1.0
    """Weight of the term in the fitness."""
    epsilon: Annotated[float, Gt(0)] = 0.05
    """Strength of the entropic smoothing, in units of label²."""
    iterations: Annotated[int, Ge(1)] = 50
    """Number of symmetrised updates of the potentials."""

    def __call__(self, labels: Float[Array, " point"]) -> Float[Array, ""]:
        """Return the divergence from the uniform distribution on [-1, 1]."""
        target = uniform_quantiles(labels.shape[0])
        own = self._transport(labels, labels) + self._transport(target, target)
        return self._transport(labels, target) - own / 2

    def _transport(self, a: Float[Array, " m"], b: Float[Array, " n"]) -> Float[Array, ""]:
        cost = (a[:, None] - b[None]) ** 2

        def softmin(potential: Float[Array, " k"], costs: Float[Array, "j k"]) -> Array:
            scaled = (potential[None] - costs) / self.epsilon
            smooth = jax.scipy.special.logsumexp(scaled, axis=1) - jnp.log(potential.shape[0])
            return -self.epsilon * smooth

        def update(_: Array | int, potentials: tuple[Array, Array]) -> tuple[Array, Array]:
            f, g = potentials
            # averaging both updates keeps a = b symmetric and converges faster
            return (f + softmin(g, cost)) / 2, (g + softmin(f, cost.T)) / 2

        start = (jnp.zeros(a.shape[0]), jnp.zeros(b.shape[0]))
        f, g = jax.lax.fori_loop(0, self.iterations, update, start)
        return jnp.mean(f) + jnp.mean(g)

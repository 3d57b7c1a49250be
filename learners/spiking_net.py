"""A spiking network that hears the phase difference of a tone between two ears.

Dorrell, Yuffa & Latham 2023, § 5.1 and figure 5, after the sound-localisation network of Goodman
et al. 2022 and Zenke 2019. Auditory-nerve fibres of both ears drive hidden leaky
integrate-and-fire neurons, and these one linear leaky readout; its sum over the presentation is
the valence.

```
(cos Δφ, sin Δφ) -> rates -> Poisson spikes -> currents -> membranes -> spikes -> readout -> Σ
```

Three choices keep its gradient, and the gradient of a training that uses it, bounded:

* a spike's derivative is that of a fast sigmoid (Neftci, Mostafa & Zenke 2019);
* the reset is left out of the derivative (Zenke & Vogels 2021), which then doesn't run through
  the time steps one by one: it is one fixed exponential filter;
* the surrogate counts as a constant where it is itself differentiated. Its own derivative has
  nothing to do with that of a spike, and iterated over a training it makes meta-gradients explode.
"""

import math
from functools import partial
from typing import Annotated, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt
from jaxtyping import Array, Float, Float64, PRNGKeyArray

from learners.descent import AbstractTrained, Network, Optimiser

THRESHOLD = 1.0  # of the membrane potential, which has no unit
PEAK = 2.0  # a fibre's largest rate over r_max: (1 + 1)²/2
LEVELS = 2**16  # values of the random number that decides about one spike
UNIT_TOLERANCE = 1e-3


class _Synapses(NamedTuple):
    """The weights; all of them, or the readout's alone, are trained."""

    hidden: Float[Array, "fibre hidden"]
    readout: Float[Array, " hidden"]


class _Fixed(NamedTuple):
    """What training leaves alone."""

    sine: Float[Array, "time neuron"]
    """sin(t + θ_n), for every fibre of an ear."""
    cosine: Float[Array, "time neuron"]
    """cos(t + θ_n)."""
    hidden: Float[Array, "fibre hidden"] | None
    """Synapses onto the hidden neurons where only the readout learns, else None."""


class SpikingNet(AbstractTrained):
    """Two ears of Poisson fibres → leaky integrate-and-fire neurons → leaky linear readout."""

    kind: ClassVar[str] = "spiking_net"
    surrogate_gradient: ClassVar[bool] = True
    neurons_per_ear: Annotated[int, Ge(1)] = 24
    """Auditory-nerve fibres of an ear, with uniformly drawn offsets θ_n that both ears share."""
    hidden: Annotated[int, Ge(1)] = 24
    """Number of hidden neurons."""
    rate_max_hz: Annotated[float, Gt(0)] = 200.0
    """r_max; a fibre's rate is r_max/2·(1 + sin)², so between 0 and 2 r_max."""
    tone_hz: Annotated[float, Gt(0)] = 20.0
    """Frequency of the tone."""
    duration_ms: Annotated[float, Gt(0)] = 50.0
    """Length of a presentation; whole periods of the tone leave no cue in the mean of one ear."""
    dt_ms: Annotated[float, Gt(0)] = 2.0
    """Time step."""
    membrane_ms: Annotated[float, Gt(0)] = 5.0
    """Time constant of the hidden neurons."""
    readout_ms: Annotated[float, Gt(0)] = 5.0
    """Time constant of the readout."""
    gain: Annotated[float, Gt(0)] = 0.5
    """Spread of a naive hidden neuron's synapses, times the root of their number."""
    surrogate_slope: Annotated[float, Gt(0)] = 5.0
    """β of the surrogate derivative 1/(β|v - 1| + 1)²."""
    training: Literal["both", "readout"] = "both"
    """Which synapses learn: all, or only those onto the readout."""
    optimiser: Optimiser = "adam"
    """How a gradient becomes a step; for a strategy that differentiates through the training of
    both layers, use `momentum`: through Adam the gradient is often not finite."""
    learning_rate: Annotated[float, Gt(0)] = 0.01
    """Step size."""
    steps: Annotated[int, Ge(1)] = 50
    """Training steps, each on fresh presentations."""
    batch: Annotated[int, Ge(0)] = 0
    """Training trials in a step, drawn without repeats; 0: all."""

    @property
    def times(self) -> int:
        """Number of time steps in a presentation."""
        return round(self.duration_ms / self.dt_ms)

    def initial(self, features: int, *, key: PRNGKeyArray) -> Network:
        """Draw offsets and synapses; the readout starts at 0, so a naive circuit answers 0."""
        del features
        offset_key, hidden_key = jax.random.split(key)
        offset = jax.random.uniform(offset_key, (self.neurons_per_ear,), maxval=2 * jnp.pi)
        period = 1000 / self.tone_hz / self.dt_ms
        phase = 2 * jnp.pi / period * jnp.arange(self.times)[:, None] + offset
        fibres = 2 * self.neurons_per_ear
        hidden = self.gain / fibres**0.5 * jax.random.normal(hidden_key, (fibres, self.hidden))
        readout = jnp.zeros(self.hidden, hidden.dtype)
        if self.training == "readout":
            return Network(readout, _Fixed(jnp.sin(phase), jnp.cos(phase), hidden))
        return Network(_Synapses(hidden, readout), _Fixed(jnp.sin(phase), jnp.cos(phase), None))

    def constrain(self, trained: _Synapses | Array, fixed: _Fixed) -> _Synapses | Array:
        """Leave synapses any strength and sign."""
        del fixed
        return trained

    def respond(
        self, network: Network, x: Float[Array, "point 2"], *, key: PRNGKeyArray
    ) -> Float[Array, " point"]:
        """Present each of `x` once, with fresh spikes; return the readout's sum over time."""
        trained, fixed = network.trained, network.fixed
        synapses = trained if fixed.hidden is None else _Synapses(fixed.hidden, trained)
        heard = self.hear(fixed, x, key=key)
        # one product for all time steps; only the membranes need them in order
        current = (heard.reshape(-1, heard.shape[-1]) @ synapses.hidden).reshape(
            *heard.shape[:2], self.hidden
        )
        v = membrane(current, self._decay(self.membrane_ms))
        fired = spike(v - THRESHOLD, self.surrogate_slope)
        return jnp.tensordot(self.readout_weights(), fired, axes=1) @ synapses.readout

    def rates_hz(
        self, fixed: _Fixed, x: Float[Array, "point 2"]
    ) -> Float[Array, "time point neuron 2"]:
        """Return r_max/2·(1 + sin(t + θ_n))² for one ear, with t + θ_n + Δφ for the other.

        The features cos Δφ and sin Δφ are all that the addition theorem needs.
        """
        sine, cosine = fixed.sine[:, None], fixed.cosine[:, None]
        shifted = sine * x[:, :1] + cosine * x[:, 1:]
        both = jnp.stack([jnp.broadcast_to(sine, shifted.shape), shifted], axis=-1)
        return self.rate_max_hz / 2 * (1 + both) ** 2

    def hear(
        self, fixed: _Fixed, x: Float[Array, "point 2"], *, key: PRNGKeyArray
    ) -> Float[Array, "time point fibre"]:
        """Draw the fibres' spikes: 1 with probability rate·dt in each time step, else 0."""
        shape = (self.times, x.shape[0], self.neurons_per_ear)
        # Drawing costs more than the network itself: one random word serves both ears.
        words = jax.random.bits(key, shape, "uint32")
        draws = jax.lax.bitcast_convert_type(words, "uint16").astype(x.dtype)
        expected = self.rates_hz(fixed, x) * (self.dt_ms / 1000 * LEVELS)
        return (draws < expected).astype(x.dtype).reshape(*shape[:2], -1)

    def readout_weights(self) -> Float[Array, " time"]:
        """Return what a spike adds to the sum of the readout, by the time step of the spike.

        The readout y_t = κ y_{t-1} + (1 - κ) Σ_j w_j s_{j,t} is linear, so its sum is too: a spike
        with m steps left, its own included, adds w_j (1 - κ^m), nearly w_j.
        """
        left = jnp.arange(self.times, 0, -1)
        return 1 - self._decay(self.readout_ms) ** left

    def _decay(self, constant_ms: float) -> float:
        return math.exp(-self.dt_ms / constant_ms)

    def check(self, points: Float64[np.ndarray, "point feature"]) -> None:
        """Raise ValueError unless stimuli are points of the circle and time steps fine enough."""
        if points.shape[1] != 2 or np.any(np.abs(np.sum(points**2, axis=1) - 1) > UNIT_TOLERANCE):
            raise ValueError(
                "expected stimuli (cos Δφ, sin Δφ), two features with a length of 1, got "
                f"{points.shape[1]} feature(s) with lengths up to "
                f"{np.max(np.linalg.norm(points, axis=1)):.3g}; use space kind 'circle'"
            )
        if PEAK * self.rate_max_hz * self.dt_ms > 1000:
            raise ValueError(
                f"rate_max_hz: rates reach {PEAK * self.rate_max_hz:g} Hz, more than one spike in "
                f"a time step of {self.dt_ms:g} ms; use rate_max_hz ≤ "
                f"{1000 / PEAK / self.dt_ms:g} or dt_ms ≤ {1000 / PEAK / self.rate_max_hz:g}"
            )
        if self.times < 1:
            raise ValueError(
                f"duration_ms: expected at least one time step of {self.dt_ms:g} ms, got "
                f"{self.duration_ms:g} ms; use a longer presentation or a shorter step"
            )


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def spike(excess: Float[Array, "*shape"], slope: float) -> Float[Array, "*shape"]:
    """Return 1 where the membrane is above threshold, else 0.

    Args:
        excess: membrane potential minus threshold, v - 1.
        slope: β of the derivative 1/(β|v - 1| + 1)² that replaces that of the step.
    """
    del slope
    return (excess > 0).astype(excess.dtype)


@spike.defjvp
def _spike_jvp(slope: float, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (excess,), (tangent,) = primals, tangents
    surrogate = jax.lax.stop_gradient((slope * jnp.abs(excess) + 1) ** -2)
    return spike(excess, slope), surrogate * tangent


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def membrane(current: Float[Array, "time *neuron"], decay: float) -> Float[Array, "time *neuron"]:
    """Integrate v_t = α (v_{t-1} - s_{t-1}) + I_t from rest; a spike s = [v > 1] subtracts 1.

    Args:
        current: I, what comes in at each time step.
        decay: α = exp(-dt/τ).

    Returns:
        The membrane potential before each reset.
    """

    def step(rest: Array, here: Array) -> tuple[Array, Array]:
        v = decay * rest + here
        return v - (v > THRESHOLD), v

    return jax.lax.scan(step, jnp.zeros_like(current[0]), current)[1]


@membrane.defjvp
def _membrane_jvp(
    decay: float, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    (current,), (tangent,) = primals, tangents
    lag = np.subtract.outer(np.arange(len(current)), np.arange(len(current)))
    response = jnp.asarray(np.where(lag < 0, 0.0, decay ** np.maximum(lag, 0)), current.dtype)
    return membrane(current, decay), jnp.tensordot(response, tangent, axes=1)

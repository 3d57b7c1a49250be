"""Any circuit as a model of a learner, with a few of its settings free.

A circuit that is drawn anew in every episode answers differently each time; its belief is a mean
and a variance over a few draws, with fixed keys, so that a likelihood is the same whenever it is
computed. What outlives an episode is what `learners.habits` says: f ← (1 - c) g + c f, cut off
after `remembered` episodes.

Training circuits is what costs time, so a fit doesn't: `tabled` trains them once at a grid of
settings, with all answers that carry-over needs, and the model that it returns interpolates.
"""

import dataclasses
import math
from collections.abc import Mapping
from itertools import product
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from learners.base import AbstractLearner
from learners.twins.base import AbstractModel, Belief, History, Params, log_normal
from learners.twins.kernel import KEPT, SPREAD

REACH: Mapping[str, tuple[float, int]] = {
    "ridge": (1e3, 13),
    "rate": (16.0, 7),
    "learning_rate": (8.0, 7),
    "initial_scale": (4.0, 5),
    "gain": (4.0, 5),
}
"""Settings that can be free: by what factor, up or down, and how many of them are tried."""
USUALLY_FREE = ("ridge", "rate", "learning_rate")
MOST_FREE = 2
AT_A_TIME = 8  # episodes; so many circuits stay in a processor's cache
DIVERGED = 10.0  # an answer as far from [-1, 1] as any that is kept


class Circuit(AbstractModel):
    """A circuit whose free settings are to be found; the others are as given."""

    kind: ClassVar[str] = "circuit"
    circuit: AbstractLearner
    """At the settings around which they are looked for."""
    wanted: tuple[str, ...] = ()
    """Which settings are free, of those in REACH; empty: those in USUALLY_FREE that it has."""
    draws: int = 24
    """Circuits in a mean; one is enough where nothing is drawn."""
    remembered: int = 3
    """Earlier episodes that still count."""

    def __check_init__(self) -> None:
        """Raise ValueError if what is wanted can't be free."""
        possible = [name for name in REACH if name in self._settings]
        if not set(self.wanted) <= set(possible) or len(self.wanted) > MOST_FREE:
            raise ValueError(
                f"free settings of {self.circuit.kind}: expected at most {MOST_FREE} of "
                f"{', '.join(possible) or 'none'}, got {', '.join(self.wanted)}"
            )

    @property
    def free(self) -> tuple[str, ...]:
        """Names of the free settings."""
        return self.wanted or tuple(name for name in USUALLY_FREE if name in self._settings)

    @property
    def _settings(self) -> set[str]:
        return {field.name for field in dataclasses.fields(self.circuit)}

    def start(self, functions: int, *, key: PRNGKeyArray) -> Params:
        """Begin at the circuit's own settings."""
        del functions, key
        return {name: jnp.zeros(()) for name in _logs(self.free)} | {"kept": jnp.array(KEPT)}

    def log_prior(self, params: Params) -> Float[Array, ""]:
        """Return the prior of settings and carry-over."""
        return _log_prior(params, self.free)

    def set_to(self, params: Params) -> AbstractLearner:
        """Return the circuit with its settings at the parameters."""
        circuit = self.circuit
        for name, log in zip(self.free, _logs(self.free), strict=True):
            value = getattr(self.circuit, name) * jnp.exp(params[log])
            circuit = eqx.tree_at(lambda c, name=name: getattr(c, name), circuit, value)
        return circuit

    def beliefs(self, params: Params, history: History) -> Belief:
        """Train a few circuits in every episode.

        Raises:
            ValueError: the history has no stimuli.
        """
        return _carried(*self.trained(params, history), params["kept"])

    def tabled(self, history: History) -> "Tabled":
        """Train the circuits at a grid of settings, and return the model in between.

        Raises:
            ValueError: the history has no stimuli.
        """
        grids = [_grid(*REACH[name]) for name in self.free]
        places = list(product(*grids))
        nodes = np.array(places, np.float32).reshape(len(places), len(grids))
        own = self if self._varies(history) else eqx.tree_at(lambda m: m.draws, self, 1)
        found = [_at(own, node, history) for node in jnp.asarray(nodes)]
        means, variances = (jnp.stack(parts) for parts in zip(*found, strict=True))
        return Tabled(self.free, tuple(map(tuple, grids)), jnp.asarray(nodes), means, variances)

    def _varies(self, history: History) -> bool:
        """Whether circuits of other keys answer differently."""
        x, asked = _stimuli(history)
        return bool(drawn_anew(self.circuit, x[0], history.labels[0], asked[0]))

    def trained(
        self, params: Params, history: History
    ) -> tuple[Float[Array, "episode age test"], Float[Array, "episode age test"]]:
        """Return what lessons of each age taught about an episode's test stimuli."""
        x, test_x = _stimuli(history)
        circuit, episodes = self.set_to(params), x.shape[0]
        ages = jnp.arange(self.remembered + 1)
        asked = test_x[jnp.minimum(jnp.arange(episodes)[:, None] + ages, episodes - 1)]

        def lesson(x: Array, z: Array, asked: Array, number: Array) -> tuple[Array, Array]:
            keys = jax.random.split(jax.random.fold_in(jax.random.key(0), number), self.draws)
            flat = asked.reshape(-1, asked.shape[-1])
            said = jax.vmap(lambda key: circuit.fit_predict(x, z, flat, key=key))(keys)
            said = jnp.clip(jnp.nan_to_num(said), -DIVERGED, DIVERGED)
            mean, variance = _moments(said)
            return mean.reshape(asked.shape[:2]), variance.reshape(asked.shape[:2])

        lessons = (x, history.labels, asked, jnp.arange(episodes))
        parts = jax.lax.map(lambda one: lesson(*one), lessons, batch_size=AT_A_TIME)
        # what the lesson e said of episode e + k belongs to that episode, with an age of k
        taught = jnp.arange(episodes)[:, None] - ages
        there = (taught >= 0) & history.happened[taught]
        mean, variance = (
            jnp.where(there[..., None], part[jnp.maximum(taught, 0), ages], 0.0) for part in parts
        )
        return mean, variance


class Tabled(AbstractModel):
    """A circuit that was trained at a grid of settings; between them beliefs are interpolated."""

    kind: ClassVar[str] = "tabled_circuit"
    free: tuple[str, ...]
    grids: tuple[tuple[float, ...], ...]
    """Logarithms of each free setting over the circuit's own, at even steps."""
    nodes: Float[Array, "node free"]
    means: Float[Array, "node episode age test"]
    variances: Float[Array, "node episode age test"]

    def start(self, functions: int, *, key: PRNGKeyArray) -> Params:
        """Begin at the circuit's own settings."""
        del functions, key
        return {name: jnp.zeros(()) for name in _logs(self.free)} | {"kept": jnp.array(KEPT)}

    def log_prior(self, params: Params) -> Float[Array, ""]:
        """Return the prior of settings and carry-over."""
        return _log_prior(params, self.free)

    def beliefs(self, params: Params, history: History) -> Belief:
        """Interpolate, smoothly in the logarithm of each setting; beyond the grid is its edge."""
        del history  # the one that it was tabled for
        near = jnp.ones(1)
        for log, grid in zip(_logs(self.free), self.grids, strict=True):
            near = jnp.outer(near, _near(params[log], grid)).ravel()
        mean, variance = (
            jnp.tensordot(near, part, axes=1) for part in (self.means, self.variances)
        )
        return _carried(mean, jax.nn.relu(variance), params["kept"])


@eqx.filter_jit
def _at(
    circuit: Circuit, node: Float[Array, " free"], history: History
) -> tuple[Float[Array, "episode age test"], Float[Array, "episode age test"]]:
    return circuit.trained(dict(zip(_logs(circuit.free), node, strict=True)), history)


@eqx.filter_jit
def drawn_anew(
    circuit: AbstractLearner,
    x: Float[Array, "train feature"],
    z: Float[Array, " train"],
    x_test: Float[Array, "test feature"],
) -> Bool[Array, ""]:
    """Whether two circuits that are taught the same answer differently."""
    one, other = (circuit.fit_predict(x, z, x_test, key=jax.random.key(k)) for k in (0, 1))
    return jnp.any((one != other) & ~(jnp.isnan(one) & jnp.isnan(other)))


def _moments(
    said: Float[Array, "draw point"],
) -> tuple[Float[Array, " point"], Float[Array, " point"]]:
    """Return the mean, and the variance of one more draw about it.

    The variances of few draws are noisy themselves; half of each is that of its episode.
    """
    draws = said.shape[0]
    if draws == 1:
        return said[0], jnp.zeros_like(said[0])
    variance = jnp.var(said, axis=0, ddof=1) * (1 + 1 / draws)
    return jnp.mean(said, axis=0), (variance + jnp.mean(variance)) / 2


def _carried(
    mean: Float[Array, "episode age test"],
    variance: Float[Array, "episode age test"],
    logit: Float[Array, ""],
) -> Belief:
    """Mix lessons of all ages, each another circuit's: (1 - c) Σ c^age g_age."""
    kept = jax.nn.sigmoid(logit)
    weights = (1 - kept) * kept ** jnp.arange(mean.shape[1])
    return Belief(
        jnp.einsum("a,eat->et", weights, mean), jnp.einsum("a,eat->et", weights**2, variance)
    )


def _log_prior(params: Params, free: tuple[str, ...]) -> Float[Array, ""]:
    total = log_normal(params["kept"], KEPT, SPREAD)
    for name, log in zip(free, _logs(free), strict=True):
        total = total + log_normal(params[log], 0.0, math.log(REACH[name][0]) / 2)
    return total


def _logs(free: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"log_{name}" for name in free)


def _grid(reach: float, count: int) -> list[float]:
    """Return the logarithms of settings up to a factor away from the circuit's own."""
    return np.linspace(-math.log(reach), math.log(reach), count).tolist()


def _near(at: Float[Array, ""], grid: tuple[float, ...]) -> Float[Array, " node"]:
    """Return the weights of the nodes in cubic interpolation (Keys 1981, with a = -1/2).

    Linear interpolation would have an edge at every node, at which fits get stuck.
    """
    step = grid[1] - grid[0]
    nodes = jnp.array([grid[0] - step, *grid, grid[-1] + step])
    away = jnp.abs(nodes - jnp.clip(at, grid[0], grid[-1])) / step
    inner = 1.5 * away**3 - 2.5 * away**2 + 1
    outer = -0.5 * away**3 + 2.5 * away**2 - 4 * away + 2
    weights = jnp.where(away < 1, inner, jnp.where(away < 2, outer, 0.0))
    # the nodes beyond the grid continue it in a straight line
    first, *_, last = weights
    ends = jnp.zeros(len(grid)).at[0].add(2 * first).at[1].add(-first)
    return weights[1:-1] + ends.at[-1].add(2 * last).at[-2].add(-last)


def _stimuli(
    history: History,
) -> tuple[Float[Array, "episode train feature"], Float[Array, "episode test feature"]]:
    if history.train_x is None or history.test_x is None:
        raise ValueError(
            "a circuit sees stimuli as they are: expected a history with train_x and test_x"
        )
    return history.train_x, history.test_x

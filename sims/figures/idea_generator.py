"""Section 6's third idea: one network that makes the whole data set, inputs and labels.

It turns a noise sample into a pair (x, z). Inputs are whitened and labels standardised by
construction, and labels are pulled to a uniform distribution: else a few points, each with its own
label, would do. The learner prefers its first input, as the decoys do: the data have to follow.
"""

import dataclasses
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, PRNGKeyArray
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from controller import jax_cache
from controller.analysis.plots.label_maps import COLOURS
from controller.analysis.plots.style import CONTROL, LEARNER, PAGE_WIDTH_IN
from controller.divergences.wasserstein import Wasserstein
from learners.random_features import RandomFeatures
from sims.figures.claims import Row, number
from sims.figures.evidence import Evidence, Reproduction
from sims.figures.noise_generator import Weights, generate, initial, trained

NAME, VARIANT = "idea_generator", "first input preferred"
KERNEL = RandomFeatures(width=100, input_scale=(1.0, 0.2, 0.2))
FEATURES, PREFERRED = 3, 0
WIDTHS = (8, 32, 32, FEATURES + 1)  # of the generator, from noise to inputs and label
TRAIN, TEST, EPISODES = 8, 56, 4
STEPS, QUICK_STEPS, LEARNING_RATE = 2000, 8, 3e-3
ERROR_WEIGHT = 5.0  # against the pull of the labels
UNIFORM_SD = 3**-0.5  # of labels, as if uniform in [-1, 1]
FRESH, SAMPLES = 40, 4096  # held-out learners, each with 200 test samples; samples for pictures


@dataclasses.dataclass(frozen=True, slots=True)
class DataSet:
    """What one trained generator makes."""

    seed: int
    x: Float64[np.ndarray, "sample feature"]
    z: Float64[np.ndarray, " sample"]
    g_over_var: float
    """Held-out error over the variance of labels, median over fresh learners."""

    @property
    def share(self) -> float:
        """Share of w² on the preferred input, w the slopes of the best affine labels."""
        slopes = self.x.T @ self.z  # inputs are white
        return float(slopes[PREFERRED] ** 2 / np.sum(slopes**2))

    @property
    def kurtosis(self) -> float:
        """Excess kurtosis of the preferred input: 0 for normal, -1.2 for uniform, -2 for two."""
        x = self.x[:, PREFERRED]
        return float(np.mean((x - x.mean()) ** 4) / np.var(x) ** 2 - 3)


def white(
    values: Float[Array, "sample value"],
) -> tuple[Float[Array, "sample feature"], Float[Array, " sample"]]:
    """Make inputs of mean 0 and covariance I, and labels as wide as uniform ones."""
    centred = values - values.mean(axis=0)
    raw, label = centred[:, :-1], centred[:, -1]
    covariance = raw.T @ raw / len(raw) + 1e-6 * jnp.eye(raw.shape[1])
    x = jax.scipy.linalg.solve_triangular(jnp.linalg.cholesky(covariance), raw.T, lower=True).T
    return x, label * UNIFORM_SD / jnp.sqrt(jnp.mean(label**2) + 1e-6)


def generalisation_error(
    x: Float[Array, "sample feature"], z: Float[Array, " sample"], key: PRNGKeyArray
) -> Float[Array, ""]:
    """Train a learner on the first samples; return its error on the others over the variance."""
    answers = KERNEL.fit_predict(x[:TRAIN], z[:TRAIN], x[TRAIN:], key=key)
    return jnp.mean((answers - z[TRAIN:]) ** 2) / UNIFORM_SD**2


def loss(weights: Weights, learner_weight: Float[Array, ""], key: PRNGKeyArray) -> Float[Array, ""]:
    """Return the learners' mean error, and the distance of the labels from uniform ones."""
    data_key, learner_key = jax.random.split(key)
    x, z = white(generate(weights, EPISODES * (TRAIN + TEST), key=data_key))
    keys = jax.random.split(learner_key, EPISODES)
    errors = jax.vmap(generalisation_error)(
        x.reshape(EPISODES, -1, FEATURES), z.reshape(EPISODES, -1), keys
    )
    return learner_weight * jnp.mean(errors) + Wasserstein()(z)


def make(seed: int, *, steps: int, learner_weight: float) -> DataSet:
    """Train a generator; draw from it anew, and let fresh learners have that."""
    start_key, key, data_key, learner_key = jax.random.split(jax.random.key(seed), 4)
    weights, _ = trained(
        loss,
        initial(WIDTHS, key=start_key),
        jnp.asarray(learner_weight),
        steps=steps,
        learning_rate=LEARNING_RATE,
        key=key,
    )
    episode = TRAIN + 200
    x, z = white(generate(weights, max(SAMPLES, FRESH * episode), key=data_key))
    own = x[: FRESH * episode].reshape(FRESH, episode, -1), z[: FRESH * episode].reshape(FRESH, -1)
    errors = jax.jit(jax.vmap(generalisation_error))(*own, jax.random.split(learner_key, FRESH))
    g_over_var = float(np.median(np.asarray(errors)))
    return DataSet(seed, np.asarray(x, np.float64), np.asarray(z, np.float64), g_over_var)


def compute(seeds: tuple[int, ...], out: Path, *, quick: bool = False) -> Evidence:
    """Train a generator with the learner's term and one without it, for every seed."""
    del out
    jax_cache.enable()
    started = time.monotonic()
    steps = QUICK_STEPS if quick else STEPS
    ours, control = (
        tuple(make(seed, steps=steps, learner_weight=weight) for seed in seeds)
        for weight in (ERROR_WEIGHT, 0.0)
    )
    held_out = Row(
        figure=NAME,
        variant=VARIANT,
        result="held-out g/Var of generated data",
        at_least=None,
        at_most=0.02,
        every_seed=False,
        ours=[number(data.g_over_var) for data in ours],
        control=[number(data.g_over_var) for data in control],
        g_over_var=[number(data.g_over_var) for data in ours],
        control_g_over_var=[number(data.g_over_var) for data in control],
        seeds=list(seeds),
        steps=steps,
        trials=steps * EPISODES * (TRAIN + TEST),
        minutes=round((time.monotonic() - started) / 60 / len(seeds), 2),
        reason="",
        generations_cut=quick,
    )
    share, kurtosis = (
        dataclasses.replace(
            held_out,
            result=result,
            at_least=at_least,
            at_most=None,
            ours=[number(measure(data)) for data in ours],
            control=[number(measure(data)) for data in control],
        )
        for result, at_least, measure in (
            ("share of labels' w² on the preferred input", 0.95, lambda data: data.share),
            ("excess kurtosis of the preferred input", None, lambda data: data.kurtosis),
        )
    )
    return Evidence(NAME, (), (held_out, share, kurtosis), (ours, control))


def plot(evidence: Evidence) -> Figure:
    """Draw the first seed's data: two inputs coloured by label above, labels below."""
    figure = Figure(figsize=(PAGE_WIDTH_IN, 5.6))
    cells = figure.subplots(2, 2, sharex=True, sharey="row")
    look = {"s": 5, "cmap": COLOURS, "vmin": -1, "vmax": 1, "edgecolors": "0.35"}
    for data, arm, column in zip(
        (arm[0] for arm in evidence.data), (LEARNER, CONTROL), cells.T, strict=True
    ):
        shown = slice(None, 1500)
        x, other, z = data.x[shown, PREFERRED], data.x[shown, PREFERRED + 1], data.z[shown]
        column[0].scatter(x, other, c=z, linewidths=0.15, rasterized=True, **look)
        column[1].scatter(x, z, c=z, linewidths=0.15, rasterized=True, **look)
        column[0].set_title(f"{arm.label}\ng/Var {data.g_over_var:.2g} · share {data.share:.3f}")
        column[1].set_xlabel("preferred input x₁")
    cells[0, 0].set_ylabel("another input x₂")
    cells[1, 0].set_ylabel("label z")
    mappable = ScalarMappable(Normalize(-1, 1), COLOURS)
    figure.colorbar(mappable, ax=cells, label="label z", extend="both")
    seed, seeds = evidence.data[0][0].seed, len(evidence.data[0])
    figure.suptitle(f"Inputs and labels from one generator (seed {seed}, n = {seeds})")
    return figure


REPRODUCTION = Reproduction(NAME, compute, plot)

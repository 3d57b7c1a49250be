"""Section 6's last idea: data that an unsupervised learner, PCA, finds easy.

The learner keeps K principal components of its training samples. It does well where the dot
products of held-out samples survive the projection. A generator of data, trained for that through
the learner, makes data in a linear subspace of K dimensions; without the learner's term it doesn't.
The total variance is kept by a penalty, so that data can't be made easy by being small.
"""

import dataclasses
import statistics
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, PRNGKeyArray
from matplotlib.figure import Figure

from controller import jax_cache
from controller.analysis.plots.style import CONTROL, LEARNER, PAGE_WIDTH_IN
from sims.figures.claims import Row, number
from sims.figures.evidence import Evidence, Reproduction
from sims.figures.noise_generator import Weights, generate, initial, trained

NAME, VARIANT = "idea_unsupervised", "PCA"
K, FEATURES = 3, 10
WIDTHS = (12, 32, FEATURES)  # of the generator, from noise to data
TRAIN, TEST, EPISODES = 20, 20, 4
STEPS, QUICK_STEPS, LEARNING_RATE = 1000, 8, 1e-2
STRAIN_WEIGHT = 3.0  # against the penalty on the scale
ITERATIONS = 10  # of subspace iteration
JITTER = 1e-4  # keeps directions apart where data has fewer than K
FRESH, SAMPLES = 40, 4096  # held-out learners; samples by which the data are described


@dataclasses.dataclass(frozen=True, slots=True)
class Data:
    """What one trained generator makes."""

    seed: int
    spectrum: Float64[np.ndarray, " component"]
    """Share of the variance in each principal component, in falling order."""
    strain: float
    """Held-out loss of similarity, median over fresh learners."""

    @property
    def share(self) -> float:
        """Share of the variance in the first K components."""
        return float(self.spectrum[:K].sum())

    @property
    def dimension(self) -> float:
        """Participation ratio: how many components carry the variance."""
        return float(1 / np.sum(self.spectrum**2))


def principal_subspace(
    x: Float[Array, "sample feature"], k: int, *, key: PRNGKeyArray
) -> Float[Array, "feature k"]:
    """Return an orthonormal basis of the first k principal components, by subspace iteration.

    Its derivative stays finite where eigenvalues are alike, unlike that of single eigenvectors.
    """
    centred = x - x.mean(axis=0)
    covariance = centred.T @ centred / len(x)
    covariance = covariance / jnp.trace(covariance) + JITTER * jnp.eye(x.shape[1])
    basis, _ = jnp.linalg.qr(jax.random.normal(key, (x.shape[1], k)))
    for _ in range(ITERATIONS):
        basis, _ = jnp.linalg.qr(covariance @ basis)
    return basis


def strain(x: Float[Array, "sample feature"], *, train: int, key: PRNGKeyArray) -> Float[Array, ""]:
    """Fit PCA to the first samples; return ‖XXᵀ - YYᵀ‖² / ‖XXᵀ‖² over the others, centred."""
    basis = principal_subspace(x[:train], K, key=key)
    held_out = x[train:] - x[:train].mean(axis=0)
    similarity, projected = held_out @ held_out.T, held_out @ basis
    kept = projected @ projected.T
    return jnp.sum((similarity - kept) ** 2) / jnp.sum(similarity**2)


def loss(weights: Weights, learner_weight: Float[Array, ""], key: PRNGKeyArray) -> Float[Array, ""]:
    """Return the mean root strain, and the penalty on a total variance that isn't FEATURES."""
    data_key, learner_key = jax.random.split(key)
    x = generate(weights, EPISODES * (TRAIN + TEST), key=data_key)
    keys = jax.random.split(learner_key, EPISODES)
    episodes = x.reshape(EPISODES, TRAIN + TEST, -1)
    strains = jax.vmap(lambda x, key: strain(x, train=TRAIN, key=key))(episodes, keys)
    scale = (jnp.sum(jnp.var(x, axis=0)) / x.shape[1] - 1) ** 2
    # the root, as the strain itself is flat where data lie nearly in the subspace
    return learner_weight * jnp.mean(jnp.sqrt(strains + 1e-12)) + scale


def make(seed: int, *, steps: int, learner_weight: float) -> Data:
    """Train a generator, then describe its data and let fresh learners have them."""
    start_key, key, data_key, fresh_key = jax.random.split(jax.random.key(seed), 4)
    weights, _ = trained(
        loss,
        initial(WIDTHS, key=start_key),
        jnp.asarray(learner_weight),
        steps=steps,
        learning_rate=LEARNING_RATE,
        key=key,
    )
    x = np.asarray(generate(weights, SAMPLES, key=data_key), np.float64)
    variances = np.linalg.eigvalsh(np.cov(x, rowvar=False))[::-1]

    def fresh(key: PRNGKeyArray) -> Float[Array, ""]:
        data_key, learner_key = jax.random.split(key)
        samples = generate(weights, TRAIN + 200, key=data_key)
        return strain(samples, train=TRAIN, key=learner_key)

    strains = jax.jit(jax.vmap(fresh))(jax.random.split(fresh_key, FRESH))
    return Data(seed, variances / variances.sum(), float(np.median(np.asarray(strains))))


def compute(seeds: tuple[int, ...], out: Path, *, quick: bool = False) -> Evidence:
    """Train a generator with the learner's term and one without it, for every seed."""
    del out
    jax_cache.enable()
    started = time.monotonic()
    steps = QUICK_STEPS if quick else STEPS
    ours, control = (
        tuple(make(seed, steps=steps, learner_weight=weight) for seed in seeds)
        for weight in (STRAIN_WEIGHT, 0.0)
    )
    share = Row(
        figure=NAME,
        variant=VARIANT,
        result=f"share of variance in the first {K} of {FEATURES} components",
        at_least=0.99,
        at_most=None,
        every_seed=False,
        ours=[number(data.share) for data in ours],
        control=[number(data.share) for data in control],
        g_over_var=[number(data.strain) for data in ours],
        control_g_over_var=[number(data.strain) for data in control],
        seeds=list(seeds),
        steps=steps,
        trials=steps * EPISODES * (TRAIN + TEST),
        minutes=round((time.monotonic() - started) / 60 / len(seeds), 2),
        reason="",
        generations_cut=quick,
    )
    dimension = dataclasses.replace(
        share,
        result="dimensions in use (participation ratio)",
        at_least=None,
        ours=[number(data.dimension) for data in ours],
        control=[number(data.dimension) for data in control],
    )
    return Evidence(NAME, (), (share, dimension), (ours, control))


def plot(evidence: Evidence) -> Figure:
    """Draw the share of variance in each component, a line for each seed."""
    figure = Figure(figsize=(PAGE_WIDTH_IN * 0.7, 3.2))
    axes = figure.subplots()
    components = np.arange(1, FEATURES + 1)
    for arm, all_data in zip((LEARNER, CONTROL), evidence.data, strict=True):
        look = {"color": arm.colour, "linestyle": arm.line, "marker": arm.marker, "markersize": 4}
        middle = statistics.median(data.strain for data in all_data)
        for index, data in enumerate(all_data):
            label = f"{arm.label}, median strain {middle:.2g}" if index == 0 else None
            axes.plot(components, data.spectrum, label=label, alpha=0.8, **look)
    axes.axvline(K + 0.5, color="0.6", linewidth=0.8)
    axes.set(xlabel="principal component", ylabel="share of variance", yscale="log")
    axes.set_xticks(components)
    axes.legend(fontsize=7)
    seeds = len(evidence.data[0])
    figure.suptitle(f"Data on which {K} principal components keep similarity (n = {seeds} seeds)")
    return figure


REPRODUCTION = Reproduction(NAME, compute, plot)

"""Figure 1C: ReLU networks of 2 and of 8 hidden layers fill the same three points differently.

There is no labeller here and nothing is searched: networks are trained on three labelled points of
a plane, and answer everywhere else. A depth's *fill* is the mean answer of many networks. The
control asks whether two disjoint groups of networks of one depth differ as much.

The result is one of small initial weights. With He's, which are larger, networks of one depth
differ about three times more than the two depths do.
"""

import dataclasses
import time
from pathlib import Path
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Key
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from controller import jax_cache
from controller.analysis.plots.label_maps import COLOURS
from learners.relu_net import ReluNet
from sims.figures.claims import Row, number
from sims.figures.evidence import Evidence, Reproduction

NAME, VARIANT = "fig1c", "2 and 8 layers"
POINTS = np.array([[-0.6, -0.5], [0.7, -0.2], [-0.1, 0.7]])
LABELS = np.array([1.0, -1.0, 1.0])
EDGES = np.linspace(-1, 1, 42)
DEPTHS = (2, 8)
WIDTH = 50
STEPS = 1000
QUICK_STEPS = 8
GROUP = 12  # networks in a fill; each seed trains two groups of each depth
SHOWN = 3  # single networks in the picture, beside their mean

Answers = Float64[np.ndarray, "group net pixel"]


@dataclasses.dataclass(frozen=True, slots=True)
class Fills:
    """What the networks of one seed answer on the plane."""

    seed: int
    answers: dict[int, Answers]
    """By depth."""
    misfit: float
    """Largest deviation of any network from the three labels."""

    def distance(self, a: tuple[int, int], b: tuple[int, int]) -> float:
        """RMS over the plane between two fills, each a depth and a group, in units of the label."""
        means = [self.answers[depth][group].mean(axis=0) for depth, group in (a, b)]
        return _rms(means[0] - means[1])

    def between_networks(self) -> float:
        """RMS over the plane between two single networks of one depth, mean of both depths."""
        spreads = [_rms(nets.std(axis=1, ddof=1)) for nets in self.answers.values()]
        return 2**0.5 * float(np.mean(spreads))

    def ratio(self) -> float:
        """Distance between the depths over that between networks."""
        shallow, deep = DEPTHS
        return self.distance((shallow, 0), (deep, 0)) / self.between_networks()

    def control_ratio(self) -> float:
        """The same for two groups of one depth, the larger of both depths."""
        apart = max(self.distance((depth, 0), (depth, 1)) for depth in DEPTHS)
        return apart / self.between_networks()


def compute(seeds: tuple[int, ...], out: Path, *, quick: bool = False) -> Evidence:
    """Train two groups of each depth with every seed; nothing is stored."""
    del out
    jax_cache.enable()
    started = time.monotonic()
    steps = QUICK_STEPS if quick else STEPS
    fills = tuple(_fills(seed, steps, "uniform") for seed in seeds)
    large = tuple(_fills(seed, steps, "he") for seed in seeds)
    apart = Row(
        figure=NAME,
        variant=VARIANT,
        result="distance between depths over that between networks of one depth",
        at_least=1.0,
        at_most=None,
        every_seed=False,
        ours=[number(fill.ratio()) for fill in fills],
        control=[number(fill.control_ratio()) for fill in fills],
        g_over_var=[None for _ in seeds],
        control_g_over_var=[None for _ in seeds],
        seeds=list(seeds),
        steps=steps,
        trials=len(LABELS) * 2 * GROUP * len(DEPTHS),
        minutes=round((time.monotonic() - started) / 60 / len(seeds), 2),
        reason="",
        generations_cut=quick,
    )
    fitted = dataclasses.replace(
        apart,
        result="largest error of any network on its three points",
        at_least=None,
        at_most=0.05,
        ours=[number(fill.misfit) for fill in fills],
        control=None,
    )
    other = dataclasses.replace(
        apart,
        result="the same distance with larger initial weights (He)",
        at_least=None,
        ours=[number(fill.ratio()) for fill in large],
        control=[number(fill.control_ratio()) for fill in large],
    )
    return Evidence(NAME, (), (apart, fitted, other), fills)


def plot(evidence: Evidence) -> Figure:
    """Draw the first seed's fills: a row for each depth, the mean and single networks."""
    fills: Fills = evidence.data[0]
    figure = Figure(figsize=(9.6, 5.6))
    cells = figure.subplots(len(DEPTHS), 1 + SHOWN, sharex=True, sharey=True)
    norm = Normalize(-1, 1)
    for depth, row in zip(DEPTHS, cells, strict=True):
        group = fills.answers[depth][0]
        titles = [f"mean of {GROUP} networks", *(f"network {i + 1}" for i in range(SHOWN))]
        for axes, values, title in zip(row, [group.mean(axis=0), *group], titles, strict=False):
            _draw(axes, values, norm)
            axes.set_title(f"{depth} layers: {title}")
        row[0].set_ylabel("x₂")
    for axes in cells[-1]:
        axes.set_xlabel("x₁")
    mappable = ScalarMappable(norm, COLOURS)
    figure.colorbar(mappable, ax=cells, label="answer (circles: trained labels)", extend="both")
    figure.suptitle(
        f"Figure 1C: three points, two depths (seed {fills.seed}, n = {len(evidence.data)})\n"
        f"distance between depths {fills.ratio():.2f} × that between networks, "
        f"control {fills.control_ratio():.2f}"
    )
    return figure


def _fills(seed: int, steps: int, initialisation: Literal["he", "uniform"]) -> Fills:
    keys = jax.random.split(jax.random.key(seed), (len(DEPTHS), 2, GROUP))
    answers, misfit = {}, 0.0
    for depth, own in zip(DEPTHS, keys, strict=True):
        net = ReluNet(
            hidden=(WIDTH,) * depth,
            initialisation=initialisation,
            optimiser="adam",
            learning_rate=1e-3,
            steps=steps,
        )
        on_plane, on_points = _answers(net, own)
        answers[depth] = np.asarray(on_plane, np.float64)
        misfit = max(misfit, float(np.abs(on_points - LABELS).max()))
    return Fills(seed, answers, misfit)


@eqx.filter_jit
def _answers(
    net: ReluNet, keys: Key[Array, "group net"]
) -> tuple[Float[Array, "group net pixel"], Float[Array, "group net point"]]:
    middles = (EDGES[:-1] + EDGES[1:]) / 2
    plane = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    x, z, plane = (jnp.asarray(array, jnp.float32) for array in (POINTS, LABELS, plane))
    both = jnp.concatenate([plane, x])
    answers = jax.vmap(jax.vmap(lambda key: net.fit_predict(x, z, both, key=key)))(keys)
    return answers[..., : len(plane)], answers[..., len(plane) :]


def _rms(values: Float64[np.ndarray, "..."]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _draw(axes: Axes, values: Float64[np.ndarray, " pixel"], norm: Normalize) -> None:
    size = len(EDGES) - 1
    image = values.reshape(size, size)
    axes.pcolormesh(EDGES, EDGES, image, cmap=COLOURS, norm=norm, rasterized=True)
    middles = (EDGES[:-1] + EDGES[1:]) / 2
    axes.contour(middles, middles, image, levels=[0.0], colors="black", linewidths=1)
    axes.scatter(*POINTS.T, c=LABELS, cmap=COLOURS, norm=norm, s=60, edgecolors="white", zorder=3)
    axes.set(aspect="equal", xlim=(-1, 1), ylim=(-1, 1), xticks=[-1, 0, 1], yticks=[-1, 0, 1])


REPRODUCTION = Reproduction(NAME, compute, plot)

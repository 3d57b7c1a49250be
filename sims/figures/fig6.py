"""Figure 6: a convolutional network finds the classes of handwritten digits easy."""

import dataclasses
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int64
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure

from controller.analysis.measures import function_values
from controller.analysis.plots.label_maps import COLOURS, LABEL
from controller.analysis.summary import FoundFunction
from controller.design import Design
from controller.document import load_experiment
from protocols.spaces.images import Images
from sims.figures.claims import Arm, Claim, Measure, below_other_arm, degree_share
from sims.figures.evidence import LIBRARY, Evidence, Settings, Variant, reproduction

OURS, HARDER = "0 and 1", "4 and 9"
VARIANTS = (Variant(OURS, "fig6"), Variant(HARDER, "fig6", ("space.classes=[4, 9]",)))
GRID = (5, 5)
BINS = 24
NORM = Normalize(-1, 1)


def split_point(labels: Float64[np.ndarray, " image"]) -> float:
    """Return where labels fall apart into two groups, with the largest variance between them.

    No class is asked (Otsu 1979).
    """
    ordered = np.sort(labels)
    below = np.arange(1, len(ordered))
    above = len(ordered) - below
    sums = np.cumsum(ordered)
    means = sums[:-1] / below, (sums[-1] - sums[:-1]) / above
    best = int(np.argmax(below * above * (means[0] - means[1]) ** 2))
    return float(ordered[best] + ordered[best + 1]) / 2


def held_out_accuracy(name: str) -> Measure:
    """Measure how many images that the search of this variant never saw are told apart.

    The two groups are those of the labels of the search's own images, in the better polarity.
    """

    def measure(arm: Arm) -> float:
        labels = labels_of(name, arm.found[0], held_out_images(name))
        threshold = split_point(labels_of(name, arm.found[0], search_images(name)))
        classes = _classes(held_out_images(name))
        right = float(np.mean((labels > threshold) == (classes == classes.min())))
        return max(right, 1 - right)

    return measure


def labels_of(name: str, found: FoundFunction, images: Images) -> Float64[np.ndarray, " image"]:
    """Return labels, which are standardised by the images of the search, whatever `images` are."""
    design = _design(name)
    return function_values(design.space, design.labeller, found.theta, images.rows)


def search_images(name: str) -> Images:
    """Return the images from which the search of this variant draws."""
    space = _design(name).space
    if not isinstance(space, Images):
        raise TypeError(f"expected a space of images, got {space.kind!r}")
    return space


def held_out_images(name: str) -> Images:
    """Return the images that the search of this variant never saw."""
    return dataclasses.replace(search_images(name), split="held_out")


def _classes(images: Images) -> Int64[np.ndarray, " image"]:
    if images.row_classes is None:
        raise TypeError("expected images with classes")
    return images.row_classes


@lru_cache
def _design(name: str) -> Design:
    variant = next(v for v in VARIANTS if v.name == name)
    document = load_experiment(LIBRARY / f"{variant.document}.toml", variant.overrides)
    return document.value.design()


SETTINGS = Settings(
    name="fig6",
    variants=VARIANTS,
    claims=(
        Claim("accuracy on held-out images, 0 and 1", OURS, held_out_accuracy(OURS), at_least=0.99),
        Claim("share of the classes, 0 and 1", OURS, degree_share(1, 1)),
        Claim("control's g/Var over ours, 0 and 1", OURS, below_other_arm(1), compares_arms=True),
        Claim("accuracy on held-out images, 4 and 9", HARDER, held_out_accuracy(HARDER)),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw held-out images with their labels, and the labels' distribution, for both arms."""
    stage = evidence.run(OURS).analysis.stages[0]
    figure = Figure(figsize=(7.2, 5.4))
    halves = figure.subfigures(1, 2, squeeze=False)[0]
    for found, arm, half in zip(
        (stage.found, stage.control), ("ours", "control"), halves, strict=True
    ):
        if found is not None:
            _draw(half, found, arm)
    seed, seeds = evidence.run(OURS).seed, len({run.seed for run in evidence.runs})
    figure.suptitle(f"Figure 6: held-out digits and their labels (seed {seed}, n = {seeds})")
    return figure


def _draw(part: SubFigure, found: FoundFunction, arm: str) -> None:
    images = held_out_images(OURS)
    labels = labels_of(OURS, found, images)
    threshold = split_point(labels_of(OURS, found, search_images(OURS)))
    grid = part.add_gridspec(GRID[0] + 2, GRID[1])
    chosen = np.linspace(0, len(labels) - 1, GRID[0] * GRID[1]).astype(int)
    mixed = np.random.default_rng(0).permutation(chosen)  # classes come one after the other
    for place, row in enumerate(mixed):
        axes = part.add_subplot(grid[place // GRID[1], place % GRID[1]])
        _image(axes, images.rows[row].reshape(images.shape), float(labels[row]))
    right = held_out_accuracy(OURS)(Arm((found,), (), _design(OURS).space.graded_basis()))
    part.suptitle(f"{arm}: {100 * right:.1f} % · g/Var {found.held_out.median:.2g}", fontsize=9)
    _histogram(part.add_subplot(grid[GRID[0] :, :]), labels, _classes(images), threshold)


def _image(axes: Axes, image: Float64[np.ndarray, "height width"], label: float) -> None:
    axes.imshow(image, cmap="gray_r", vmin=0, interpolation="nearest")
    colour = colormaps[COLOURS](NORM(label))
    axes.set_title(f"{label:.2f}", fontsize=7, pad=2)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=colour, linewidth=2.5)


def _histogram(
    axes: Axes,
    labels: Float64[np.ndarray, " image"],
    classes: Int64[np.ndarray, " image"],
    threshold: float,
) -> None:
    bins = np.linspace(-1, 1, BINS + 1).tolist()
    for digit in np.unique(classes):
        axes.hist(labels[classes == digit], bins=bins, alpha=0.6, label=f"digit {digit}")
    axes.axvline(threshold, color="0.2", linewidth=1, label="split")
    axes.set(xlabel=LABEL, ylabel=f"of {len(labels)} images", xlim=(-1, 1))
    axes.margins(y=0.35)  # room for the legend
    axes.legend(fontsize=7, ncols=3, loc="upper center")


REPRODUCTION = reproduction(SETTINGS, plot)

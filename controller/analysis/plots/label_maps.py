"""Label maps: a function on its stimulus space, one way of drawing for each space.

`LABEL_MAPS` finds the way by the space's class. A space that isn't in it, such as one that a lab
adds through an entry point, is drawn as points on the two principal axes of its stimuli.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.patheffects import withStroke

from protocols.spaces.base import AbstractSpace
from protocols.spaces.circle import Circle
from protocols.spaces.disk import Disk
from protocols.spaces.images import Images
from protocols.spaces.interval import Interval
from protocols.spaces.sphere import Sphere

COLOURS = "RdBu_r"  # diverging; told apart in every common kind of colour blindness
LABEL = "label f(x)"
CURVE_POINTS = 721
SCATTER_POINTS = 1500
EXAMPLES = 8
FRAME_PIXELS = 2

Values = Callable[[Float64[np.ndarray, "point feature"]], Float64[np.ndarray, " point"]]
"""A function on the space: stimuli to labels."""


@dataclass(frozen=True, slots=True)
class LabelMap:
    """One way of drawing."""

    draw: Callable[[Axes, AbstractSpace, Values, Normalize], Axes]
    projection: str | None = None
    """Projection of the Axes to draw on."""
    height: float = 0.55
    """Height of the Axes over their width, for a figure's size."""


def label_map(space: AbstractSpace) -> LabelMap:
    """Return the way to draw functions on `space`."""
    chosen = LABEL_MAPS.get(type(space))
    return SCATTER if chosen is None else chosen(space)


def symmetric(values: Float64[np.ndarray, "..."]) -> Normalize:
    """Return colour limits -1 … 1, wider where labels are larger."""
    finite = np.abs(values[np.isfinite(values)])
    limit = max(1.0, float(finite.max(initial=0.0)))
    return Normalize(-limit, limit)


def mollweide(axes: Axes, space: AbstractSpace, values: Values, norm: Normalize) -> Axes:
    """Draw a function on the ordinary sphere; equal areas are equal probabilities."""
    del space
    longitude, latitude = np.linspace(-np.pi, np.pi, 181), np.linspace(-np.pi / 2, np.pi / 2, 91)
    phi, height = np.meshgrid(_middles(longitude), _middles(latitude))
    x = np.stack([np.cos(height) * np.cos(phi), np.cos(height) * np.sin(phi), np.sin(height)], -1)
    labels = values(x.reshape(-1, 3)).reshape(phi.shape)
    axes.pcolormesh(longitude, latitude, labels, cmap=COLOURS, norm=norm, rasterized=True)
    axes.set_xticks(np.radians([-120, -60, 0, 60, 120]))
    axes.set_yticks(np.radians([-60, -30, 0, 30, 60]))
    axes.tick_params(labelsize=7)
    axes.set_axisbelow(False)  # longitudes are written along the equator, on the map
    axes.grid(visible=True, color="0.4", linewidth=0.4, alpha=0.5)
    for text in axes.get_xticklabels():
        text.set_path_effects([withStroke(linewidth=1.5, foreground="white")])
    axes.set_xlabel("longitude")
    axes.set_ylabel("latitude")
    return axes


def ring(axes: Axes, space: AbstractSpace, values: Values, norm: Normalize) -> Axes:
    """Draw a function on the circle: its curve over the angle, the circle itself beside it."""
    del space
    angle = np.linspace(0, 2 * np.pi, CURVE_POINTS)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    labels = values(x)
    _curve(axes, np.degrees(angle), labels, norm)
    axes.set_xlim(0, 360)
    axes.set_xticks([0, 90, 180, 270, 360])
    axes.set_xlabel("angle φ (°)")
    beside = axes.inset_axes((1.03, 0.2, 0.36, 0.6))
    beside.scatter(x[:, 0], x[:, 1], c=labels, s=14, cmap=COLOURS, norm=norm, rasterized=True)
    beside.annotate("φ = 0", (0.72, 0), ha="right", va="center", fontsize=7)
    beside.set_aspect("equal")
    beside.set_axis_off()
    return axes


def disk(axes: Axes, space: AbstractSpace, values: Values, norm: Normalize) -> Axes:
    """Draw a function on the disk as a filled map."""
    del space
    edges = np.linspace(-1, 1, 201)
    x = np.stack(np.meshgrid(_middles(edges), _middles(edges)), axis=-1)
    inside = np.hypot(x[..., 0], x[..., 1]) <= 1
    labels = np.full(inside.shape, np.nan)
    labels[inside] = values(x[inside])
    axes.pcolormesh(edges, edges, labels, cmap=COLOURS, norm=norm, rasterized=True)
    angle = np.linspace(0, 2 * np.pi, 361)
    axes.plot(np.cos(angle), np.sin(angle), color="0.3", linewidth=0.8)
    axes.set(aspect="equal", xlabel="x₁", ylabel="x₂", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    return axes


def curve(axes: Axes, space: AbstractSpace, values: Values, norm: Normalize) -> Axes:
    """Draw a function of one dimension."""
    del space
    x = np.linspace(-1, 1, CURVE_POINTS)
    _curve(axes, x, values(x[:, None]), norm)
    axes.set(xlim=(-1, 1), xlabel="stimulus x")
    return axes


def along_gradient(axes: Axes, space: AbstractSpace, values: Values, norm: Normalize) -> Axes:
    """Draw a function on a higher sphere: labels along the direction of its best linear fit.

    Single co-ordinates show little there: any direction is as good as another. Beside it is the
    distribution of the labels.
    """
    x = space.reference(SCATTER_POINTS)
    labels = values(x)
    slope = np.linalg.lstsq(x - x.mean(axis=0), labels - labels.mean(), rcond=None)[0]
    length = np.linalg.norm(slope)
    along = x @ (slope / length if length > 0 else np.eye(space.dim)[0])
    _points(axes, along, labels, labels, norm)
    axes.set(xlim=(-1, 1), xlabel="x along the best linear fit", ylabel=LABEL)
    axes.set_ylim(1.08 * (norm.vmin or -1), 1.08 * (norm.vmax or 1))
    beside = axes.inset_axes((1.03, 0, 0.2, 1), sharey=axes)
    bins = np.linspace(norm.vmin or -1, norm.vmax or 1, 31)
    counts, _, _ = beside.hist(labels, bins=bins.tolist(), orientation="horizontal", color="0.6")
    beside.tick_params(labelleft=False)
    beside.set_xticks([float(np.max(counts))])
    beside.set_xlabel(f"of {len(x):,}\npoints")
    return axes


def scatter(axes: Axes, space: AbstractSpace, values: Values, norm: Normalize) -> Axes:
    """Draw a function at the stimuli, placed on their first two principal axes."""
    x = space.reference(SCATTER_POINTS)
    centred = x - x.mean(axis=0)
    _, spread, directions = np.linalg.svd(centred, full_matrices=False)
    labels = values(x)
    part = spread**2 / max(float(np.sum(spread**2)), 1e-300)
    if space.dim == 1:
        _points(axes, x[:, 0], labels, labels, norm)
        axes.set(xlabel="stimulus x", ylabel=LABEL)
        return axes
    place = centred @ directions[:2].T
    _points(axes, place[:, 0], place[:, 1], labels, norm)
    axes.set_xlabel(f"principal axis 1 ({100 * part[0]:.0f} % of variance; n = {len(x):,})")
    axes.set_ylabel(f"axis 2 ({100 * part[1]:.0f} %)")
    return axes


def examples(axes: Axes, space: AbstractSpace, values: Values, norm: Normalize) -> Axes:
    """Draw a function of images: some of them from the lowest label to the highest.

    They are equally far apart in rank, and framed in the colour of their label.
    """
    if not isinstance(space, Images):
        raise TypeError(f"expected a space of images, got {space.kind!r}")
    labels = values(space.rows)
    ranks = np.linspace(0, len(labels) - 1, min(EXAMPLES, len(labels))).round().astype(int)
    chosen = np.argsort(labels, kind="stable")[ranks]
    tiles = [_framed(space.rows[i].reshape(space.shape), float(labels[i]), norm) for i in chosen]
    axes.imshow(np.hstack(tiles), interpolation="nearest", rasterized=True)
    width = tiles[0].shape[1]
    axes.set_xticks([width * (place + 0.5) - 0.5 for place in range(len(tiles))])
    known = space.row_classes
    names = [f"{labels[i]:.2f}" + ("" if known is None else f"\n{known[i]}") for i in chosen]
    axes.set_xticklabels(names, fontsize=7)
    axes.tick_params(length=0)
    axes.set_yticks([])
    axes.set_xlabel(LABEL + (" by rank" if known is None else " by rank, and class below"))
    axes.set_ylabel("images")
    return axes


def _framed(
    image: Float64[np.ndarray, "height width"], label: float, norm: Normalize
) -> Float64[np.ndarray, "rows columns 3"]:
    """Return an image, ink dark, with a frame in the colour of its label."""
    height, width = (side + 2 * FRAME_PIXELS for side in image.shape)
    tile = np.tile(colormaps[COLOURS](norm(label))[:3], (height, width, 1))
    inside = slice(FRAME_PIXELS, -FRAME_PIXELS)
    tile[inside, inside] = 1 - image[..., None] / max(float(image.max()), 1e-12)
    return tile


def _points(
    axes: Axes,
    x: Float64[np.ndarray, " point"],
    y: Float64[np.ndarray, " point"],
    labels: Float64[np.ndarray, " point"],
    norm: Normalize,
) -> None:
    edge = {"edgecolors": "0.35", "linewidths": 0.25}  # labels near 0 are near white
    axes.scatter(x, y, c=labels, s=9, cmap=COLOURS, norm=norm, rasterized=True, **edge)


def _curve(
    axes: Axes, x: Float64[np.ndarray, " point"], y: Float64[np.ndarray, " point"], norm: Normalize
) -> None:
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.plot(x, y, color="0.35", linewidth=3.2)  # an edge: labels near 0 are near white
    ends = np.stack([x, y], axis=1)
    pieces = LineCollection(
        list(np.stack([ends[:-1], ends[1:]], axis=1)), cmap=COLOURS, norm=norm, linewidth=2.2
    )
    pieces.set_array((y[:-1] + y[1:]) / 2)
    axes.add_collection(pieces)
    axes.set_ylim(1.08 * (norm.vmin or -1), 1.08 * (norm.vmax or 1))
    axes.set_ylabel(LABEL)


def _middles(edges: Float64[np.ndarray, " edge"]) -> Float64[np.ndarray, " cell"]:
    return (edges[:-1] + edges[1:]) / 2


SCATTER = LabelMap(scatter, height=0.7)
_MOLLWEIDE = LabelMap(mollweide, projection="mollweide", height=0.47)
_ALONG_GRADIENT = LabelMap(along_gradient, height=0.6)

LABEL_MAPS: dict[type[AbstractSpace], Callable[[AbstractSpace], LabelMap]] = {
    Sphere: lambda space: _MOLLWEIDE if space.dim == 3 else _ALONG_GRADIENT,
    Circle: lambda _: LabelMap(ring, height=0.5),
    Disk: lambda _: LabelMap(disk, height=0.85),
    Interval: lambda _: LabelMap(curve),
    Images: lambda _: LabelMap(examples, height=0.28),
}
"""How to draw the functions on a space."""

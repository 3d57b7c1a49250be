"""The function that each stage recommends, with a band for what chance still moves.

What is shown is the mean function of the last half of a stage's generations, but of eight at least:
each one's recommendation, evaluated at the same stimuli. Its band is a bootstrap over these
generations, in runs of neighbours (`resampling`).

It is how well the last generations fix their own mean. It isn't what another search would find,
which only other seeds can tell. Where the search still moves the band is wide, and the
recommendation that the stage ends with, which is drawn too, lies away from the mean.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.sections.functions import analysed
from controller.analysis.sections.resampling import CONFIDENCE, RESAMPLES, band, resamples
from controller.analysis.source import Source
from controller.store import ARMS

if TYPE_CHECKING:
    from controller.analysis.summary import Analysis
    from protocols.spaces.base import GradedBasis

PART = 2
"""The last half of a stage's generations."""
LEAST, MOST = 8, 40
"""Generations that are evaluated: so many even of a short stage, of more every so many."""
FEWEST = 4
"""Of fewer there is no band."""
CURVE_POINTS = 121
REFERENCE = 200
"""Points of a space that has no axis to draw a curve over."""
Evaluate = Callable[[np.ndarray, np.ndarray], Float64[np.ndarray, "generation point"]]
"""From θ[generation, theta] and points[point, feature] to labels."""


def compute(source: Source) -> Numbers | None:
    """Return each stage's function with its band; None without functions or their θ."""
    analysis = analysed(source)
    if analysis is None or "recommended" not in source.tables["generations"]:
        return None
    evaluate, grid = _evaluate(analysis), _Grid(analysis)
    return {
        "axis": grid.axis,
        "degree_is": analysis.basis.word,
        "resamples": RESAMPLES,
        "confidence": CONFIDENCE[1] - CONFIDENCE[0],
        "stages": [
            _function(analysis, grid, evaluate, arm=arm, stage=stage, thetas=thetas)
            for arm, stage, thetas in _recommendations(source)
        ],
    }


class _Grid:
    """Where a function is shown: along the space's only axis, or at points without an order."""

    def __init__(self, analysis: "Analysis") -> None:
        space = analysis.design.space
        match space.kind:
            case "circle":
                self.axis, at = "angle φ (°)", np.linspace(0, 2 * np.pi, CURVE_POINTS)
                self.points = np.stack([np.cos(at), np.sin(at)], axis=1)
                self.place = np.degrees(at)
            case "interval":
                self.axis, self.place = "stimulus x", np.linspace(-1, 1, CURVE_POINTS)
                self.points = self.place[:, None]
            case _:
                self.axis, self.place = None, None
                self.points = np.asarray(space.reference(REFERENCE), np.float64)


def _recommendations(source: Source) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield arm, stage and θ[generation, theta] of its last generations."""
    table = source.tables["generations"]
    arms, stages = table["arm"], table["stage"]
    for arm, stage in sorted(set(zip(arms.tolist(), stages.tolist(), strict=True))):
        rows = np.flatnonzero((arms == arm) & (stages == stage))
        last = rows[-max(LEAST, math.ceil(len(rows) / PART)) :]
        chosen = last[:: -math.ceil(len(last) / MOST)][::-1]
        begin = int(chosen[0])
        thetas = table.part("recommended", begin, int(chosen[-1]) + 1)[chosen - begin]
        yield arm, stage, thetas


def _evaluate(analysis: "Analysis") -> Evaluate:
    """Return what evaluates many functions at many points in one go."""
    import jax
    import jax.numpy as jnp

    space, labeller = analysis.design.space, analysis.design.labeller

    @jax.jit
    def labels(thetas: jax.Array, points: jax.Array) -> jax.Array:
        return jax.vmap(lambda theta: labeller.labels(space, theta, points))(thetas)

    def evaluate(thetas: np.ndarray, points: np.ndarray) -> Float64[np.ndarray, "generation point"]:
        found = labels(jnp.asarray(thetas, jnp.float32), jnp.asarray(points, jnp.float32))
        return np.asarray(found, np.float64)

    return evaluate


def _function(
    analysis: "Analysis",
    grid: _Grid,
    evaluate: Evaluate,
    *,
    arm: int,
    stage: int,
    thetas: np.ndarray,
) -> dict[str, Any]:
    """Return one stage's function of one arm."""
    from controller.analysis.measures import cosine, shares

    basis = analysis.basis
    at_nodes, at_grid = evaluate(thetas, basis.points), evaluate(thetas, grid.points)
    draws = resamples(len(thetas), np.random.default_rng([stage, arm]))
    mean, last = at_nodes.mean(axis=0), at_nodes[-1]
    share = shares(basis, mean)
    low, high = _share_band(basis, share, at_nodes, draws)
    top = max(share, key=lambda degree: np.nan_to_num(share[degree]))
    return {
        "stage": stage + 1,
        "arm": ARMS[arm],
        "generations": len(thetas),
        "share": {str(degree): value for degree, value in share.items()},
        "share_low": low,
        "share_high": high,
        "top_degree": top,
        "last_overlap": cosine(basis, mean, last),
        **_shown(grid, at_grid, draws),
    }


def _share_band(
    basis: "GradedBasis",
    share: Mapping[int, float],
    values: Float64[np.ndarray, "generation point"],
    draws: Float64[np.ndarray, "resample generation"],
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the lower and the upper end of each degree's share over the resampled means."""
    weighted = values * basis.weights
    coefficients, products = draws @ (weighted @ basis.values), weighted @ values.T
    norm = np.sum((draws @ products) * draws, axis=1)
    ends: tuple[dict[str, float], dict[str, float]] = ({}, {})
    for degree, center in share.items():
        part = np.sum(coefficients[:, basis.degrees == degree] ** 2, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = band(np.array([center]), (part / norm)[:, None])
        for end, value in zip(ends, found, strict=True):
            end[str(degree)] = float(np.clip(value[0], 0.0, 1.0))
    return ends


def _shown(
    grid: _Grid,
    labels: Float64[np.ndarray, "generation point"],
    draws: Float64[np.ndarray, "resample generation"],
) -> dict[str, Any]:
    """Return the function where it is shown; points without an order are ordered by the mean."""
    mean = labels.mean(axis=0)
    low, high = band(mean, draws @ labels)
    place, order = grid.place, np.arange(len(mean))
    if place is None:
        order = np.argsort(mean, kind="stable")
        place = 100 * (np.arange(len(mean)) + 0.5) / len(mean)
    shown = {"mean": mean, "low": low, "high": high, "last": labels[-1]}
    banded = len(labels) >= FEWEST
    return {
        "place": place.tolist(),
        **{
            name: values[order].tolist() if banded or name in {"mean", "last"} else None
            for name, values in shown.items()
        },
        "band_width": float(np.mean(high - low)) if banded else None,
    }


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show the largest share of each function with its band."""
    yield NumberTable(
        "label functions",
        ("stage", "search", numbers["degree_is"], "share (%)", "95 % band", "overlap", "band", "n"),
        [
            [
                one["stage"],
                one["arm"],
                one["top_degree"],
                _percent(one["share"][str(one["top_degree"])]),
                _band(one),
                one["last_overlap"],
                one["band_width"],
                one["generations"],
            ]
            for one in sorted(numbers["stages"], key=lambda one: (one["stage"], -len(one["arm"])))
        ],
        "The mean function of a stage's last generations, half of them (n), its largest "
        "share by degree, and the band of a bootstrap over runs of these generations: what chance "
        "in them moves, not what another search would find. Overlap: cosine of the recommendation "
        "that the stage ends with to that mean. Band: mean width of the function's own, in labels.",
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _band(one: Numbers) -> str | None:
    low, high = (one[name][str(one["top_degree"])] for name in ("share_low", "share_high"))
    if one["band_width"] is None or low is None or high is None:
        return None
    return f"{100 * low:.1f}–{100 * high:.1f}"


def _panels(numbers: Numbers) -> list[dict[str, Any]]:
    """Return one panel for each stage, with the functions of both arms."""
    stages = sorted({one["stage"] for one in numbers["stages"]})
    return [
        {
            "stage": stage,
            "axis": numbers["axis"],
            "functions": [one for one in numbers["stages"] if one["stage"] == stage],
        }
        for stage in stages
    ]


LABEL_FUNCTIONS = Section(
    "label_functions",
    "Label functions with their bands",
    compute,
    tables,
    (
        Picture(
            "functions",
            "Mean function of each stage's last generations; band: a bootstrap over runs of "
            "these generations, 95 %; dotted: the recommendation that the stage ended with. "
            "Where stimuli have no single axis they are ordered by their mean label.",
            "controller.analysis.plots.label_functions:functions",
            _panels,
        ),
    ),
    live=False,
)

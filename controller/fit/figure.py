"""A fit as a figure: how well every model predicts, what the named one leaves over and implies."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from controller.analysis.plots.style import CONTROL, LEARNER, PAGE_WIDTH_IN
from controller.fit.explanation import Explanation

NAMED, OTHER = LEARNER.colour, "0.55"
DEGREES = ("#000000", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#D55E00", "0.6")
"""Of degrees 0, 1, …; Okabe and Ito's."""
BINS = 20


def draw(explanation: Explanation, record: Mapping[str, Any]) -> Figure:
    """Draw it, in five panels (four where the named model implies no easy function)."""
    named = next(model for model in record["models"] if model["name"] == record["named"])
    figure = Figure(figsize=(PAGE_WIDTH_IN, 4.6))
    axes = figure.subplot_mosaic("AAABBB;CCDDEE")
    _held_out(axes["A"], record)
    _easy(axes["B"], named)
    _against_prediction(axes["C"], explanation)
    _in_time(axes["D"], explanation)
    _percentiles(axes["E"], explanation)
    return figure


def _held_out(axes: Axes, record: Mapping[str, Any]) -> None:
    """Draw each model's held-out log likelihood below the best one's."""
    models = record["models"]
    for place, model in enumerate(models):
        own = model["name"] == record["named"]
        axes.errorbar(
            model["below_best"]["nats"],
            place,
            xerr=model["below_best"]["error"],
            fmt="o",
            color=NAMED if own else OTHER,
            markersize=5,
            capsize=2,
        )
    axes.set_yticks(range(len(models)), [model["name"].replace("_", " ") for model in models])
    for label, model in zip(axes.get_yticklabels(), models, strict=True):
        label.update({"weight": "bold" if model["name"] == record["named"] else "normal"})
    axes.invert_yaxis()
    axes.grid(axis="x")
    axes.set_xlabel("held-out nats an answer, below the best")
    axes.set_title(f"named: {record['named'].replace('_', ' ')}")


def _easy(axes: Axes, model: Mapping[str, Any]) -> None:
    """Draw the shares of the first easy functions by degree, with their predicted errors."""
    functions = model["easy_functions"]
    if not functions:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "it implies no easy function", ha="center", transform=axes.transAxes)
        return
    degrees = sorted({int(degree) for one in functions for degree in one["share"]})
    left = np.zeros(len(functions))
    for degree in degrees:
        part = np.array([100 * (one["share"].get(str(degree)) or 0) for one in functions])
        colour = DEGREES[min(degree, len(DEGREES) - 1)]
        axes.barh(range(len(functions)), part, 0.6, left=left, color=colour, label=str(degree))
        left += part
    labels = [f"{n}.  g/Var {_short(f['g_over_var'])}" for n, f in enumerate(functions, start=1)]
    axes.set_yticks(range(len(functions)), labels)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of squared norm (%)")
    axes.legend(title="degree", loc="upper left", bbox_to_anchor=(1.0, 1.0), title_fontsize=8)
    axes.set_title("easy functions by that model")


def _against_prediction(axes: Axes, explanation: Explanation) -> None:
    found = explanation.residuals
    answers = np.asarray(explanation.answers.history.answers).ravel()
    axes.plot(found.predicted.ravel(), answers, ".", color=OTHER, markersize=2, alpha=0.5)
    ends = np.array([found.predicted.min(), found.predicted.max()])
    axes.plot(ends, ends, color=CONTROL.colour, linewidth=1)
    axes.set_xlabel("predicted answer")
    axes.set_ylabel("answer")
    axes.set_title("held-out answers")


def _in_time(axes: Axes, explanation: Explanation) -> None:
    residual = explanation.residuals.residual
    episodes = np.arange(1, len(residual) + 1)
    axes.plot(episodes, residual.mean(axis=1), ".", color=OTHER, markersize=3)
    groups = np.array_split(np.arange(len(residual)), min(BINS // 2, len(residual)))
    centres = [episodes[group].mean() for group in groups]
    means = [residual[group].mean() for group in groups]
    errors = [residual[group].mean(axis=1).std() / len(group) ** 0.5 for group in groups]
    axes.errorbar(centres, means, errors, fmt="o", color=NAMED, markersize=3)
    axes.axhline(0, color=CONTROL.colour, linewidth=1)
    axes.set_xlabel("episode")
    axes.set_ylabel("mean residual")
    axes.set_title("over time")


def _percentiles(axes: Axes, explanation: Explanation) -> None:
    percentile = explanation.residuals.percentile.ravel()
    axes.hist(percentile, BINS, range=(0, 1), density=True, color=OTHER)
    axes.axhline(1, color=CONTROL.colour, linewidth=1)
    axes.set_xlabel("percentile of the answer")
    axes.set_ylabel("density")
    axes.set_title("spread (flat: as predicted)")


def _short(value: float | None) -> str:
    return "—" if value is None else f"{value:.2g}"

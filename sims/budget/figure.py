"""A budget as a figure: what every learner costs, and how the first function comes about."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from controller.analysis.plots.style import PAGE_WIDTH_IN, style
from sims.budget.budget import Budget
from sims.budget.table import number
from sims.budget.work import Done

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
"""Okabe and Ito's; the document's own strategy has the first."""


def draw(budget: Budget, path: Path) -> None:
    """Write the figure."""
    with style():
        figure = Figure(figsize=(PAGE_WIDTH_IN, 3.6))
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
        colours = {
            row["kind"]: COLOURS[i % len(COLOURS)]
            for i, row in enumerate(budget.record["strategies"])
        }
        _costs(left, budget.record, colours)
        _progress(right, budget, colours)
        figure.savefig(path)


def _costs(axes: Axes, record: Mapping[str, Any], colours: Mapping[str, str]) -> None:
    """Draw every learner's trials to the first function, a line a strategy."""
    learners, kinds = record["learners"], list(colours)
    most = _most(record)
    for row in record["strategies"]:
        offset = (kinds.index(row["kind"]) - (len(kinds) - 1) / 2) * 0.7 / len(kinds)
        for place, learner in enumerate(learners):
            found = row["first_function"].get(learner["name"])
            if found is not None:
                _bar(axes, found, place + offset, colours[row["kind"]], most)
    axes.set_yticks(range(len(learners)), [one["words"] for one in learners])
    axes.set_ylim(len(learners) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("trials to the first function (80 % of runs)")
    axes.grid(axis="x")


def _bar(axes: Axes, found: Mapping[str, Any], place: float, colour: str, most: float) -> None:
    low, high, median = found["low"], found["high"], found["median"]
    if low is None:
        axes.plot(most, place, ">", color=colour, markerfacecolor="white", markersize=5)
        return
    axes.plot([low, most if high is None else high], [place, place], color=colour, linewidth=2.5)
    if high is None:  # some runs never got there
        axes.plot(most, place, ">", color=colour, markersize=5)
    if median is not None:
        axes.plot(median, place, "o", color=colour, markersize=5)


def _most(record: Mapping[str, Any]) -> float:
    """Return where runs that never got there are drawn."""
    ends = [
        found[name]
        for row in record["strategies"]
        for found in row["first_function"].values()
        for name in ("low", "median", "high")
        if found[name] is not None
    ]
    return 1.6 * max([*ends, 1000])


def _progress(axes: Axes, budget: Budget, colours: Mapping[str, str]) -> None:
    """Draw the first learner's precision over trials: the median run and the middle 80 %."""
    record = budget.record
    first = record["learners"][0]["name"]
    by_change = {done.change: done for done in budget.done if done.learner == first}
    for row in record["strategies"]:
        own = row["kind"] == record["strategy"]
        done = by_change["" if own else row["kind"]]
        label = f"{row['kind']} (document)" if own else row["kind"]
        _band(axes, done, colours[row["kind"]], label)
    axes.axhline(record["precision"], color="0.4", linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("trials")
    axes.set_ylabel("precision of the first function")
    axes.set_title(record["learners"][0]["words"])
    axes.legend(loc="lower right")


def _band(axes: Axes, done: Done, colour: str, label: str) -> None:
    tracks = _same_length([run.precision for run in done.runs])
    if not np.isfinite(tracks).all():
        return
    trials = done.trials_per_generation * np.arange(1, tracks.shape[1] + 1)
    low, median, high = np.quantile(tracks, [0.1, 0.5, 0.9], axis=0)
    axes.fill_between(trials, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(trials, median, color=colour, label=label)


def _same_length(tracks: Sequence[np.ndarray]) -> np.ndarray:
    """Stack tracks; one that ended when it was right enough stays where it was."""
    length = max(len(track) for track in tracks)
    return np.stack([np.pad(t, (0, length - len(t)), mode="edge") for t in tracks])

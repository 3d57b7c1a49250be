"""Water and weight of an animal by day, with its limits."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

from controller.analysis.plots.style import CONTROL, LEARNER

LIMIT = {"color": CONTROL.colour, "linewidth": 1.2}
BY_HAND = {"facecolor": "white", "edgecolor": LEARNER.colour, "hatch": "////", "linewidth": 0.8}
UNLIMITED = 1e8  # of a simulated animal
BAR_DAYS = 0.8


def water(axes: Axes, panel: Any) -> Axes:
    """Draw a bar for each day, and the least and most that the animal may get."""
    days: Sequence[Any] = panel["days"]
    place = _places(days)
    given = [one["water_ul"] for one in days]
    axes.bar(place, given, BAR_DAYS, color=LEARNER.colour, label="by the valves")
    if any(one["by_hand_ul"] for one in days):
        asked = [one["by_hand_ul"] for one in days]
        axes.bar(place, asked, BAR_DAYS, bottom=given, label="asked for by hand", **BY_HAND)
    for name, line, label in (("water_max_ul", "-", "most"), ("water_min_ul", "--", "least")):
        limits = [one["limits"].get(name) for one in days]
        if any(limit is not None and 0 < limit < UNLIMITED for limit in limits):
            _limit(axes, place, limits, line, label)
    axes.set_ylabel("water (µl)")
    axes.set_ylim(0, 1.08 * max(float(axes.dataLim.y1), 1.0))
    _name(axes, panel)
    if len(axes.get_legend_handles_labels()[1]) > 1:
        axes.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    return axes


def weight(axes: Axes, panel: Any) -> Axes:
    """Draw the weight over the days, and the lowest with which the animal is run."""
    days: Sequence[Any] = panel["days"]
    place = _places(days)
    grams = [one["weight_g"] for one in days]
    axes.plot(place, grams, LEARNER.line, marker=LEARNER.marker, color=LEARNER.colour, markersize=4)
    lightest = [
        one["limits"]["baseline_weight_g"] * one["limits"]["min_weight_fraction"]
        if {"baseline_weight_g", "min_weight_fraction"} <= one["limits"].keys()
        else None
        for one in days
    ]
    _limit(axes, place, lightest, "--", "least")
    axes.set_ylabel("weight (g)")
    _name(axes, panel)
    return axes


def _places(days: Sequence[Any]) -> list[float]:
    return [float(date2num(date.fromisoformat(one["day"]))) for one in days]


def _limit(
    axes: Axes, place: list[float], limits: Sequence[float | None], line: str, label: str
) -> None:
    """Draw a limit as steps, because somebody may change it."""
    known = [(at, limit) for at, limit in zip(place, limits, strict=True) if limit is not None]
    if not known:
        return
    x = [end for at, _ in known for end in (at - 0.5, at + 0.5)]
    y = [limit for _, limit in known for _ in range(2)]
    axes.plot(x, y, line, label=label, **LIMIT)


def _name(axes: Axes, panel: Any) -> None:
    days = panel["days"]
    locator = AutoDateLocator(minticks=2, maxticks=5)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    place = _places(days)
    axes.set_xlim(min(place) - 0.7, max(place) + 0.7)
    axes.set_title(f"{panel['subject']} · n = {len(days)} {'day' if len(days) == 1 else 'days'}")

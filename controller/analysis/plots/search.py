"""Fitness and movement of a search over the generations of all stages."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from controller.analysis.plots.style import CONTROL, LEARNER

LOOKS = {"control": CONTROL, "learner": LEARNER}
FEW_POINTS = 60
"""So many generations, or fewer, are marked one by one."""
MOST_NAMES = 8
LOG_RANGE = 20.0


def fitness(axes: Axes, panel: Any) -> Axes:
    """Draw mean and lowest fitness of every generation."""
    for arm, look in LOOKS.items():
        for place, curve in _stages(panel, arm):
            mean, low, sd = (
                _array(curve[name]) for name in ("fitness_mean", "fitness_min", "fitness_sd")
            )
            marker = look.marker if len(mean) <= FEW_POINTS else None
            line = {"color": look.colour, "marker": marker, "markersize": 2.5, "linewidth": 1.2}
            axes.plot(place, mean, look.line, label=look.label, **line)
            axes.fill_between(
                place, low, mean + np.nan_to_num(sd), color=look.colour, alpha=0.2, linewidth=0
            )
    axes.set_ylabel("fitness (lower is better)")
    return _finish(axes, panel)


def movement(axes: Axes, panel: Any) -> Axes:
    """Draw the angle between each recommendation and the one before."""
    seen: list[np.ndarray] = []
    for arm, look in LOOKS.items():
        for place, curve in _stages(panel, arm):
            step = _array(curve["step_deg"])
            moved = np.where(step > 0, step, np.nan)
            if np.isfinite(moved).any():  # a control that knows no fitness stays where it is
                seen.append(step[step > 0])
                line = {"color": look.colour, "linewidth": 1.2}
                axes.plot(place, moved, look.line, label=look.label, **line)
    axes.set_ylabel("turn of θ (° a generation)")
    known = np.concatenate(seen) if seen else np.full(0, np.nan)
    if len(known) and known.max() > LOG_RANGE * known.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    return _finish(axes, panel)


def _stages(panel: Any, arm: str) -> Iterator[tuple[np.ndarray, Mapping[str, Any]]]:
    """Yield the places of each stage's points, counted through all stages, and its curve."""
    begins = _begins(panel)
    for one in panel["stages"]:
        if one["arm"] == arm:
            curve = one["curve"]
            yield begins[one["stage"]] + np.asarray(curve["generation"], float), curve


def _begins(panel: Any) -> dict[int, int]:
    """Return the generations before each stage, as many as the longer of the two arms had."""
    longest: dict[int, int] = {}
    for one in panel["stages"]:
        longest[one["stage"]] = max(longest.get(one["stage"], 0), one["generations"])
    begins, done = {}, 0
    for stage in sorted(longest):
        begins[stage] = done
        done += longest[stage]
    return {**begins, max(longest) + 1: done}


def _finish(axes: Axes, panel: Any) -> Axes:
    """Mark the stages, and name each arm once."""
    *stages, end = (begins := _begins(panel)).items()
    for _, begin in stages[1:]:
        axes.axvline(begin + 0.5, color="0.6", linewidth=0.8, zorder=0)
    step = -(-len(stages) // (4 * MOST_NAMES))
    for stage, begin in stages[::step]:
        name = f"stage {stage}" if len(stages) <= MOST_NAMES else f"{stage}"
        axes.annotate(
            name,
            ((begin + begins[stage + 1]) / 2 + 0.5, 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
        )
    axes.set_xlim(0.5, end[1] + 0.5)
    every = max(one["curve"]["every"] for one in panel["stages"])
    shown = f" (every {every}th is drawn)" if every > 1 else ""
    axes.set_xlabel(f"generation, counted through n = {len(stages)} stages{shown}")
    axes.grid(axis="y")
    handles, labels = axes.get_legend_handles_labels()
    first = dict(zip(labels, handles, strict=True))
    axes.legend(first.values(), first.keys(), ncols=2, loc="lower right", bbox_to_anchor=(1, 1.06))
    return axes


def _array(values: Any) -> np.ndarray:
    return np.array([np.nan if one is None else one for one in values], float)

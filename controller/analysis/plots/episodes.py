"""One measure of one subject's answers by their place in the episode."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from controller.analysis.plots.band import counted, known, legend_below
from controller.analysis.plots.style import CONTROL, LEARNER

LOOKS = {"training": CONTROL, "test": LEARNER}
MEASURES = {"right": "answers right (%)", "error": "mean |answer - label|"}
CHANCE = 50.0
FEW_POINTS = 25


def course(axes: Axes, panel: Any) -> Axes:
    """Draw the mean at each place with its interval, training and test apart."""
    measure = panel["measure"]
    factor = 100.0 if measure == "right" else 1.0
    if measure == "right":
        axes.axhline(CHANCE, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    for phase, look in LOOKS.items():
        if panel[phase] is not None:
            _line(axes, panel[phase], measure, factor, look=look, name=phase)
    if measure == "error":
        axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("place among the trials of the phase")
    axes.set_ylabel(MEASURES[measure])
    axes.set_title(panel["subject"])
    legend_below(axes, 1)
    return axes


def _line(axes: Axes, of_phase: Any, measure: str, factor: float, *, look: Any, name: str) -> None:
    place, found = known(of_phase["place"]), of_phase[measure]
    mean, low, high = (factor * known(found[key]) for key in ("mean", "low", "high"))
    label = f"{name}: {counted(sum(found['n']), 'trial')}, {of_phase['episodes']:,} episodes"
    marker = look.marker if len(place) <= FEW_POINTS else None
    line = {"color": look.colour, "marker": marker, "markersize": 3}
    axes.plot(place, mean, look.line, label=label, **line)
    axes.fill_between(place, low, high, color=look.colour, alpha=0.2, linewidth=0)

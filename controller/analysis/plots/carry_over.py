"""What the trial before adds to an answer, for all subjects."""

from typing import Any

from matplotlib.axes import Axes

from controller.analysis.plots.band import counted, known, legend_below
from controller.analysis.plots.style import CONTROL, LEARNER

NAMES = {"previous_label": "previous label", "previous_answer": "previous answer"}
NAMED = {"any": "any", "feedback": "with feedback", "no feedback": "without"}
LOOKS = {
    "any": ("black", "D", 0.0),
    "feedback": (CONTROL.colour, CONTROL.marker, 0.22),
    "no feedback": (LEARNER.colour, LEARNER.marker, -0.22),
}


def weights(axes: Axes, panel: Any) -> Axes:
    """Draw each subject's weight with its interval, after feedback and after none."""
    subjects = list(dict.fromkeys(row["subject"] for row in panel["rows"]))
    sessions = dict.fromkeys(subjects, 0)
    for row in panel["rows"]:
        sessions[row["subject"]] = max(sessions[row["subject"]], row["sessions"])
    axes.axvline(0, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    for after, (colour, marker, aside) in LOOKS.items():
        rows = [row for row in panel["rows"] if row["after"] == after]
        found = [row[panel["weight"]] for row in rows]
        x, low, high = (known([one[key] for one in found]) for key in ("weight", "low", "high"))
        y = [subjects.index(row["subject"]) + aside for row in rows]
        look = {"color": colour, "markersize": 4, "label": NAMED[after]}
        axes.plot(x, y, marker, **look)
        axes.hlines(y, low, high, color=colour, linewidth=1)
        shuffled = known([one["shuffled"] for one in found])
        axes.plot(shuffled, y, "|", color=colour, markersize=10, markeredgewidth=1.5)
    axes.set_yticks(
        range(len(subjects)), [f"{name}\n{counted(sessions[name], 'session')}" for name in subjects]
    )
    axes.set_ylim(len(subjects) - 0.4, -0.6)
    axes.set_xlabel(f"weight of the {NAMES[panel['weight']]} ({100 * panel['level']:.0f} %)")
    legend_below(axes, 3, "trial before:")
    return axes

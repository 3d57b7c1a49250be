"""What is drawn of several stores: the found functions' shares, one line for each store."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controller.analysis.record import Record
from controller.analysis.sections.base import Numbers, Picture
from controller.analysis.wording import SMALLEST_SHARE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST_DEGREES = 3
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, without the yellow, which is hard to see on white."""
LINES = ("-", "--", ":", "-.")
MARKERS = "osD^vP*X"


def panels(records: Numbers) -> Sequence[Any]:
    """Return what each stage's axes show.

    Args:
        records: label of a store to its record.
    """
    by_stage: dict[int, dict[str, Mapping[str, float]]] = {}
    words: dict[str, None] = {}
    for label, record in records.items():
        functions: Record = record.get("functions", {})
        for stage in functions.get("stages", []):
            known = {key: share for key, share in stage["share"].items() if share is not None}
            by_stage.setdefault(stage["stage"], {})[label] = known
            words.setdefault(functions["degree_is"])
    labels = list(records)
    return [
        {"stage": number, "labels": labels, "word": " or ".join(words), "shares": shares}
        for number, shares in sorted(by_stage.items())
    ]


def overlaid_shares(axes: "Axes", panel: Mapping[str, Any]) -> "Axes":
    """Draw the shares of one stage's functions by degree, in % of the squared norm."""
    shares: Mapping[str, Mapping[str, float]] = panel["shares"]
    used = [int(key) for one in shares.values() for key, share in one.items() if _visible(share)]
    degrees = range(max([*used, FEWEST_DEGREES]) + 1)
    for place, label in enumerate(panel["labels"]):
        if label not in shares:
            continue
        axes.plot(
            degrees,
            [100 * shares[label].get(str(degree), 0.0) for degree in degrees],
            LINES[place // len(COLOURS) % len(LINES)],
            color=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place % len(MARKERS)],
            markersize=4,
            label=plain_label(label),
        )
    axes.set_ylim(-3, 103)
    axes.set_xticks(list(degrees)[:: 1 + len(degrees) // 12])
    axes.set_xlabel(panel["word"])
    axes.set_ylabel("share of squared norm (%)")
    axes.set_title(f"stage {panel['stage']}")
    axes.grid(axis="y")
    axes.legend(fontsize="x-small")
    return axes


def plain_label(label: str) -> str:
    """Return a label that a legend shows as it is: neither as a formula nor as a hidden line."""
    shown = label.replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def _visible(share: float) -> bool:
    return share >= SMALLEST_SHARE


PICTURE = Picture(
    "shares",
    "How much of each store's functions lies in each degree (% of the squared norm), stage by "
    "stage.",
    "controller.analysis.side_by_side.picture:overlaid_shares",
    panels,
    across=3,
    size_in=(3.4, 2.8),
)
"""Its numbers are the records by label."""

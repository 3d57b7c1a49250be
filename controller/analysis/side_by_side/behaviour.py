"""How subjects answer, to be compared between stores."""

from collections.abc import Mapping

from controller.analysis.sections.base import Cell, Numbers
from controller.analysis.side_by_side.base import Quantity

FITTED = {"slope": "slope", "lapse rate": "lapse_rate", "low": "low", "high": "high"}
"""Heading to key in what was fitted."""


def _psychometric(numbers: Numbers) -> Mapping[str, Cell]:
    """Return each subject's fitted curve; its name heads the columns where there are several."""
    subjects = numbers.get("subjects", [])
    cells: dict[str, Cell] = {}
    for one in subjects:
        whose = f"{one['subject']}: " if len(subjects) > 1 else ""
        fit = one.get("fit") or {}
        cells[f"{whose}trials"] = one.get("n")
        cells[f"{whose}curve"] = fit.get("kind") or one.get("no_fit")
        cells |= {f"{whose}{heading}": fit.get(key) for heading, key in FITTED.items()}
    return cells


PSYCHOMETRIC = Quantity(
    "psychometric",
    "psychometric curve",
    "psychometric",
    _psychometric,
    "Slope of the fitted curve, per unit of label; low and high are the ends of a logistic one. "
    "Slopes of a line and of a logistic curve can't be compared.",
)

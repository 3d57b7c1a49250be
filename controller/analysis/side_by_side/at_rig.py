"""What sessions at a rig cost and how they ran, to be compared between stores."""

from collections.abc import Iterable, Mapping
from statistics import median

from controller.analysis.sections.base import Cell, Numbers
from controller.analysis.side_by_side.base import Quantity


def _water(numbers: Numbers) -> Mapping[str, Cell]:
    water_ul = [float(day["water_ul"]) for day in numbers.get("days", [])]
    if not water_ul:
        return {}
    return {
        "animal days": len(water_ul),
        "median": median(water_ul),
        "least": min(water_ul),
        "most": max(water_ul),
    }


def _overhead(numbers: Numbers) -> Mapping[str, Cell]:
    sessions = [one.get("overhead", {}) for one in numbers.get("sessions", [])]
    medians, highs = _known(sessions, "p50_ms"), _known(sessions, "p99_ms")
    if not medians or not highs:
        return {}
    return {
        "sessions": len(medians),
        "median of p50": median(medians),
        "median of p99": median(highs),
        "worst p99": max(highs),
    }


def _known(sessions: Iterable[Numbers], key: str) -> list[float]:
    return [float(one[key]) for one in sessions if one.get(key) is not None]


WATER = Quantity("water", "water a day (µl)", "welfare", _water, "By the valves alone.")
OVERHEAD = Quantity(
    "overhead",
    "the program's own time between trials (ms)",
    "timing",
    _overhead,
    "Quantiles of each session's trials, then over the sessions.",
)

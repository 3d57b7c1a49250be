"""The search: fitness by generation, of the learner's and the control's."""

from typing import Any

import numpy as np

from controller.analysis.sections.base import Numbers, Section
from controller.analysis.source import Source
from controller.page.rows import rounded
from controller.store.schema import ARMS

POINTS = 400
_VALUES = ("fitness_mean", "fitness_min", "error_mean")


def compute(source: Source) -> Numbers | None:
    """Return the complete generations of each arm, counted from 1 over all stages.

    Of more than `POINTS` generations every second, third, … is shown, and the last. None for a
    session alone.
    """
    if "generations" not in source.tables:
        return None
    table = source.tables["generations"]
    columns = {name: table[name] for name in ("arm", "stage", "generation", *_VALUES)}
    section = source.document.get("stages") or {}
    return {
        "stages": section.get("count"),
        "generations": section.get("generations"),
        "arms": {
            name: _arm({key: values[columns["arm"] == code] for key, values in columns.items()})
            for code, name in enumerate(ARMS)
            if (columns["arm"] == code).any()
        },
    }


def _arm(columns: dict[str, np.ndarray]) -> dict[str, Any]:
    size = len(columns["stage"])
    step = -(-size // POINTS)
    shown = np.arange(size)[::-step][::-1]
    begins = np.flatnonzero(np.diff(columns["stage"], prepend=-1))
    return {
        "n": size,
        "every": step,
        "stage": int(columns["stage"][-1]) + 1,
        "generation": int(columns["generation"][-1]) + 1,
        "stage_begins": (begins + 1).tolist()[:50],
        "x": (shown + 1).tolist(),
        **{
            name: [rounded(value, 5) for value in columns[name][shown].tolist()] for name in _VALUES
        },
    }


SEARCH = Section("search", "Fitness by generation", compute)

"""Fitness and its terms over generations, taken from the candidates table."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from controller.analysis.summary import Analysis
from controller.arms import CONTROL_ARM, LEARNER_ARM
from controller.objective import Objective
from controller.store.schema import CANDIDATE_STATUS

DONE = CANDIDATE_STATUS.index("done")
NEGLIGIBLE = 1e-4
"""What stays below this part of the learner's median fitness is rounding."""


@dataclass(frozen=True, slots=True)
class Track:
    """One quantity over the generations of one arm; a row of NaN stands between stages."""

    generation: Float64[np.ndarray, " row"]
    """Counted from 1 through all stages."""
    median: Float64[np.ndarray, " row"]
    """Over the slots."""
    low: Float64[np.ndarray, " row"]
    """Smallest of the slots."""
    high: Float64[np.ndarray, " row"]
    """Largest of the slots."""


def tracks(analysis: Analysis) -> dict[str, dict[int, Track]]:
    """Return the fitness and its weighted terms, by name and arm.

    Terms are multiplied with their weights, so that they add up to the fitness. Those that are
    missing, or zero but for rounding, are left out.
    """
    table = analysis.tables["candidates"].to_dataset()
    generations = analysis.experiment.stages.generations
    place = table["stage"].values.astype(np.int64) * generations + table["generation"].values
    done, arms = table["status"].values == DONE, table["arm"].values
    smallest = NEGLIGIBLE * _typical(table["fitness"].values[done & (arms == LEARNER_ARM)])
    found: dict[str, dict[int, Track]] = {}
    for name, weight in _weights(analysis.design.objective).items():
        values = weight * table[name].values.astype(np.float64)
        for arm in (LEARNER_ARM, CONTROL_ARM):
            rows = done & (arms == arm) & np.isfinite(values)
            if np.max(np.abs(values[rows]), initial=0.0) > smallest:
                track = _track(place[rows], values[rows], generations)
                found.setdefault(name, {})[arm] = track
    return found


def _weights(objective: Objective) -> dict[str, float]:
    return {
        "fitness": 1.0,
        "error": objective.error_weight,
        "distribution": objective.divergence.weight,
        "orthogonality": objective.orthogonality_weight,
    }


def _typical(fitness: Float32[np.ndarray, " candidate"]) -> float:
    return float(np.median(np.abs(fitness))) if fitness.size else 0.0


def _track(
    place: Int64[np.ndarray, " candidate"],
    values: Float64[np.ndarray, " candidate"],
    generations: int,
) -> Track:
    order = np.argsort(place, kind="stable")
    generation, first = np.unique(place[order], return_index=True)
    groups = np.split(values[order], first[1:])
    rows = np.array([(np.median(group), group.min(), group.max()) for group in groups])
    starts = np.flatnonzero(np.diff(generation // generations)) + 1
    rows = np.insert(rows, starts, np.nan, axis=0)
    counted = np.insert(generation + 1.0, starts, np.nan)
    return Track(counted, rows[:, 0], rows[:, 1], rows[:, 2])

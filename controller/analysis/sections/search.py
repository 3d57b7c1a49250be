"""How the search goes: fitness by generation, whether it still moves, and what it cost.

A strategy's fitness is what it was told, lower is better. What it recommends is a vector θ whose
length may mean nothing, so movement is told as an angle between two recommendations.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.sections.movement import angles, spread, turned
from controller.analysis.source import Columns, Source
from controller.store import ARMS, CANDIDATE_STATUS

MOST_POINTS = 400
"""A curve of more generations than that shows every so many."""
RECENT = 10
"""So many generations are the last ones."""
DONE = CANDIDATE_STATUS.index("done")
CURVES = ("fitness_mean", "fitness_min", "error_mean")


def compute(source: Source) -> Numbers | None:
    """Return each stage's search; None where no generation is complete yet."""
    if not source.tables or not source.tables["generations"].rows:
        return None
    stages = [_stage(one) for one in _searches(source)]
    slots = source.tables["candidates"]["status"]
    return {
        "trials": {arm: sum(one["trials"] for one in stages if one["arm"] == arm) for arm in ARMS},
        "generations_at_most": source.document.get("stages", {}).get("generations"),
        "slots": _statuses(slots),
        "stages": stages,
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """The generations of one stage and arm."""

    arm: int
    stage: int
    finished: bool
    before: int
    """Trials of the arm before this stage."""
    generations: Columns
    rows: Int64[np.ndarray, " generation"]
    candidates: Columns
    slots: Int64[np.ndarray, " slot"]
    """Rows of its candidates, one for each slot."""


def _searches(source: Source) -> Iterator[_Search]:
    generations, candidates = source.tables["generations"], source.tables["candidates"]
    stages = source.tables["stages"]
    finished = set(zip(stages["arm"].tolist(), stages["stage"].tolist(), strict=True))
    arms, numbers = generations["arm"], generations["stage"]
    before = dict.fromkeys(range(len(ARMS)), 0)
    for arm, stage in sorted(set(zip(arms.tolist(), numbers.tolist(), strict=True))):
        rows = np.flatnonzero((arms == arm) & (numbers == stage))
        own = (candidates["arm"] == arm) & (candidates["stage"] == stage)
        yield _Search(
            arm=arm,
            stage=stage,
            finished=(arm, stage) in finished,
            before=before[arm],
            generations=generations,
            rows=rows,
            candidates=candidates,
            slots=np.flatnonzero(own & (candidates["learner"] == 0)),
        )
        before[arm] += int(generations["trials"][rows].sum())


def _stage(search: _Search) -> dict[str, Any]:
    """Return the numbers of one stage and arm."""
    table, rows = search.generations, search.rows
    trials, mean = table["trials"][rows].astype(np.int64), table["fitness_mean"][rows]
    lowest = table["fitness_min"][rows]
    known = np.isfinite(lowest)
    turns = angles(table, rows)
    return {
        "stage": search.stage + 1,
        "arm": ARMS[search.arm],
        "finished": search.finished,
        "generations": len(rows),
        "trials": int(trials.sum()),
        "slots": _statuses(search.candidates["status"][search.slots]),
        "repeated": int(np.sum(search.candidates["attempts"][search.slots] > 1)),
        "fitness_first": float(mean[0]),
        "fitness_recent": _mean(mean[-RECENT:]),
        "fitness_before": _mean(mean[-2 * RECENT : -RECENT]),
        "fitness_lowest": float(lowest[known].min()) if known.any() else None,
        "error_recent": _mean(table["error_mean"][rows][-RECENT:]),
        "recent_generations": min(RECENT, len(rows)),
        "turned_deg": turned(table, rows, RECENT),
        "step_deg": _mean(turns[-RECENT:]),
        "spread_first": spread(search.candidates, _of_generation(search, 0)),
        "spread_last": spread(search.candidates, _of_generation(search, -1)),
        "curve": _curve(search, trials, turns),
    }


def _curve(
    search: _Search,
    trials: Int64[np.ndarray, " generation"],
    turns: Float64[np.ndarray, " generation"],
) -> dict[str, Any]:
    """Return arrays over the generations, or over every so many where there are too many."""
    table, rows = search.generations, search.rows
    every = max(1, math.ceil(len(rows) / MOST_POINTS))
    shown = np.unique(np.r_[np.arange(0, len(rows), every), len(rows) - 1])
    return {
        "every": every,
        "generation": (table["generation"][rows][shown] + 1).tolist(),
        "trials": (search.before + np.cumsum(trials))[shown].tolist(),
        **{name: table[name][rows][shown].astype(np.float64).tolist() for name in CURVES},
        "fitness_sd": _fitness_sd(search)[shown].tolist(),
        "step_deg": turns[shown].tolist(),
    }


def _fitness_sd(search: _Search) -> Float64[np.ndarray, " generation"]:
    """Return the standard deviation of the fitness over the slots of each generation."""
    fitness = search.candidates["fitness"][search.slots].astype(np.float64)
    generation = search.generations["generation"][search.rows].astype(np.int64)
    place = np.searchsorted(generation, search.candidates["generation"][search.slots])
    known = np.isfinite(fitness)
    place, fitness = place[known], fitness[known]
    count = np.bincount(place, minlength=len(generation))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(place, fitness, len(generation)) / count
        squares = np.bincount(place, (fitness - mean[place]) ** 2, len(generation))
        return np.sqrt(squares / (count - 1.0))


def _of_generation(search: _Search, which: int) -> Int64[np.ndarray, " slot"]:
    """Return the rows of the candidates of one generation, counted from the stage's first."""
    generation = int(search.generations["generation"][search.rows[which]])
    return search.slots[search.candidates["generation"][search.slots] == generation]


def _statuses(codes: np.ndarray) -> dict[str, int]:
    """Return how many slots are in each state; those that no slot is in are left out."""
    counts = np.bincount(codes.astype(np.int64), minlength=len(CANDIDATE_STATUS))
    return {
        name: int(count) for name, count in zip(CANDIDATE_STATUS, counts, strict=False) if count
    }


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)].astype(np.float64)
    return float(known.mean()) if len(known) else None


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show each stage of each arm."""
    yield NumberTable(
        "search",
        ("stage", "search", "generations", "trials", "fitness first", "recent", "lowest", *LAST),
        [
            [
                f"{one['stage']}{'' if one['finished'] else ' (not finished)'}",
                one["arm"],
                *(one[key] for key in ("generations", "trials", "fitness_first")),
                *(one[key] for key in ("fitness_recent", "fitness_lowest", "error_recent")),
                *(one[key] for key in ("turned_deg", "spread_first", "spread_last")),
                sum(count for name, count in one["slots"].items() if name != "done"),
            ]
            for one in sorted(numbers["stages"], key=lambda one: (one["stage"], -len(one["arm"])))
        ],
        f"Fitness is a mean over a generation's candidates. Recent: the last {RECENT} generations; "
        "turned: by what angle they turned the recommended θ in all. Spread: of a generation's θ "
        "around their mean, in parts of their length; the first generation's and the last one's.",
    )


LAST = ("error recent", "turned (°)", "spread first", "spread last", "slots not done")


def _all(numbers: Numbers) -> list[Numbers]:
    """Return one panel with every stage."""
    return [numbers]


def _moving(numbers: Numbers) -> list[Numbers]:
    """Return one panel where recommendations are kept."""
    known = any(one["turned_deg"] is not None for one in numbers["stages"])
    return [numbers] if known else []


WIDE = (7.0, 2.8)
SEARCH = Section(
    "search",
    "How the search goes",
    compute,
    tables,
    (
        Picture(
            "fitness",
            "Fitness by generation, the stages one after the other; lower is better. Line: mean "
            "over a generation's candidates, band: from their lowest to as far above the mean as "
            "one standard deviation.",
            "controller.analysis.plots.search:fitness",
            _all,
            size_in=WIDE,
        ),
        Picture(
            "movement",
            "By what angle each generation turned the recommended θ.",
            "controller.analysis.plots.search:movement",
            _moving,
            size_in=WIDE,
        ),
    ),
)

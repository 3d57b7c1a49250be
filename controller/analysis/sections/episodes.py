"""Learning within episodes: how good answers are at each place of an episode."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Integer

from controller.analysis.independence import independent_part, independent_units
from controller.analysis.presented import Presented, answered
from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.source import Source
from controller.analysis.statistics.bootstrap import LEVEL, RESAMPLES
from controller.analysis.statistics.cell_means import CellMeans, cell_means
from controller.analysis.written import then

PHASES = ("training", "test")
MOST_POINTS = 40
"""Places of longer episodes are put together with their neighbours."""


def compute(source: Source) -> Numbers | None:
    """Return how right answers are by place; None where no answer has a known label."""
    found = {phase: answered(source, phase) for phase in PHASES}
    names = sorted({name for by_subject in found.values() for name in by_subject})
    if not names:
        return None
    return {
        "interval": {"level": LEVEL, "resampled": independent_part(source), "resamples": RESAMPLES},
        "subjects": [
            {
                "subject": name,
                **{phase: _course(source, found[phase].get(name)) for phase in PHASES},
            }
            for name in names
        ],
    }


def _course(source: Source, trials: Presented | None) -> dict[str, Any] | None:
    """Return both measures by place, and over all of them."""
    if trials is None:
        return None
    place, unit = _places(trials.episode), independent_units(source, trials)
    last = int(place.max())
    step = last // MOST_POINTS + 1
    cell = place // step
    errors = np.abs(trials.answer - trials.label)
    return {
        "n": len(trials),
        "episodes": int(np.sum(place == 0)),
        "place": [_middle(first, step, last) for first in range(0, last + 1, step)],
        "places_in_each": step,
        "right": _measure(cell_means(trials.right, cell, unit, last // step + 1)),
        "error": _measure(cell_means(errors, cell, unit, last // step + 1)),
    }


def _places(episode: Integer[np.ndarray, " trial"]) -> Integer[np.ndarray, " trial"]:
    """Return each trial's place among those of its episode, from 0, in the order of the rows."""
    order = None
    if np.any(np.diff(episode) < 0):
        order = np.argsort(episode, kind="stable")
        episode = episode[order]
    first = np.flatnonzero(np.diff(episode, prepend=-1))
    place = np.arange(len(episode), dtype=np.int32)
    place -= np.repeat(first, np.diff(first, append=len(episode))).astype(np.int32)
    if order is None:
        return place
    back = np.empty_like(place)
    back[order] = place
    return back


def _middle(first: int, step: int, last: int) -> float:
    """Return the middle of neighbouring places, counted from 1."""
    return 1 + (first + min(first + step - 1, last)) / 2


def _measure(found: CellMeans) -> dict[str, Any]:
    total = found.n.sum()
    overall = float(np.nansum(found.mean * found.n) / total) if total else None
    return {
        "overall": overall,
        **{name: getattr(found, name) for name in ("n", "mean", "low", "high")},
    }


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show how it begins, how it ends, and the mean."""
    rows = [
        [
            *(one["subject"], phase, one[phase]["n"], one[phase]["episodes"]),
            *_ends(one[phase]["right"], 100.0),
            *_ends(one[phase]["error"], 1.0),
        ]
        for one in numbers["subjects"]
        for phase in PHASES
        if one[phase] is not None
    ]
    yield NumberTable(
        "answers within an episode",
        (
            *("subject", "phase", "trials", "episodes"),
            *("right (%)", "first → last", "|answer - label|", "first → last"),
        ),
        rows,
        "right: the answer has the label's sign (an answer of 0: half). first, last: at the first "
        "and the last place of an episode's trials of that phase",
    )


def _ends(measure: Numbers, factor: float) -> list[float | str | None]:
    shown = (measure["overall"], measure["mean"][0], measure["mean"][-1])
    overall, first, last = (None if value is None else factor * value for value in shown)
    return [overall, then(first, last)]


def panels(numbers: Numbers) -> list[dict[str, Any]]:
    """Draw both measures of each subject side by side."""
    level = numbers["interval"]["level"]
    return [
        {**one, "measure": measure, "level": level}
        for one in numbers["subjects"]
        for measure in ("right", "error")
    ]


EPISODES = Section(
    "episodes",
    "Learning within episodes",
    compute,
    tables,
    (
        Picture(
            "course",
            "How right answers are, and how far from the label, by their place in the episode; "
            "bands: 95 % bootstrap intervals over episodes (over generations, where their episodes "
            "share stimuli).",
            "controller.analysis.plots.episodes:course",
            panels,
            across=2,
        ),
    ),
    live=False,
)

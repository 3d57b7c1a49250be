"""The stimuli of the last complete generation, with the labels that they got and the answers."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.source import Source
from controller.arms import LEARNER_ARM
from controller.store import CANDIDATE_STATUS, PHASES

DONE = CANDIDATE_STATUS.index("done")
CHOSEN = 0
"""Place of the learner that the search is for."""
MOST_POINTS = 1000
"""Of more stimuli than that, every so many is kept."""
ROUND = 1e-3
"""A stimulus is on the unit sphere if its length is 1 but for this."""


def compute(source: Source) -> Numbers | None:
    """Return the stimuli and what they got; None where no generation is complete yet."""
    found = _last_generation(source)
    if found is None:
        return None
    stage, generation, candidates = found
    table, trials = source.tables["candidates"], source.tables["trials"]
    first = table["first_trial"][candidates].astype(np.int64)
    count = table["trials"][candidates].astype(np.int64)
    begin, end = int(first.min()), int((first + count).max())
    if end <= begin:
        return None
    # one slice of the trials, which may be many millions; others' lie between the chosen learner's
    own = np.isin(trials.part("candidate", begin, end), candidates)
    columns = {
        name: trials.part(name, begin, end)[own]
        for name in ("stimulus", "phase", "label", "answer")
    }
    return {
        "stage": stage + 1,
        "generation": generation + 1,
        "candidates": len(candidates),
        "trials": int(own.sum()),
        "correlation": _correlation(columns),
        **_stimuli(source, columns),
    }


def _last_generation(source: Source) -> tuple[int, int, Int64[np.ndarray, " candidate"]] | None:
    """Return stage, generation and candidates' rows of the learner's last generation."""
    if not source.tables:
        return None
    generations, table = source.tables["generations"], source.tables["candidates"]
    own = np.flatnonzero(generations["arm"] == LEARNER_ARM)
    if not len(own):
        return None
    stage, generation = (int(generations[name][own[-1]]) for name in ("stage", "generation"))
    here = (table["arm"] == LEARNER_ARM) & (table["learner"] == CHOSEN) & (table["status"] == DONE)
    here &= (table["stage"] == stage) & (table["generation"] == generation) & (table["trials"] > 0)
    rows = np.flatnonzero(here)
    return (stage, generation, rows) if len(rows) else None


def _correlation(columns: dict[str, np.ndarray]) -> float | None:
    """Return the correlation of labels and answers over the test trials that tell something."""
    asked = (columns["phase"] == PHASES.index("test")) & np.isfinite(columns["answer"])
    label, answer = (columns[name][asked].astype(np.float64) for name in ("label", "answer"))
    if len(label) < 3 or label.std() == 0 or answer.std() == 0:
        return None
    return float(np.corrcoef(label, answer)[0, 1])


def _stimuli(source: Source, columns: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return every stimulus with the mean of its labels, and of its answers where it has any."""
    rows, place = np.unique(columns["stimulus"].astype(np.int64), return_inverse=True)
    label, answer = (_means(columns[name], place, len(rows)) for name in ("label", "answer"))
    x = _rows(source, rows).astype(np.float64)
    every = -(-len(rows) // MOST_POINTS)
    axes, at = _places(x)
    return {
        "stimuli": len(rows),
        "every": every,
        "axes": list(axes),
        "place": at[::every].tolist(),
        "label": label[::every].tolist(),
        "answer": answer[::every].tolist(),
    }


def _rows(source: Source, rows: Int64[np.ndarray, " stimulus"]) -> np.ndarray:
    begin = int(rows[0])
    return source.tables["stimuli"].part("x", begin, int(rows[-1]) + 1)[rows - begin]


def _means(
    values: np.ndarray, place: Int64[np.ndarray, " trial"], count: int
) -> Float64[np.ndarray, " stimulus"]:
    """Return the mean of the finite values of each stimulus; NaN without any."""
    known = np.isfinite(values)
    total = np.bincount(place[known], values[known].astype(np.float64), count)
    with np.errstate(invalid="ignore"):
        return total / np.bincount(place[known], minlength=count)


def _places(
    x: Float64[np.ndarray, "stimulus feature"],
) -> tuple[tuple[str, ...], Float64[np.ndarray, "stimulus axis"]]:
    """Return the axes on which stimuli are drawn, and where each lies on them.

    On the ordinary sphere these are longitude and latitude, on the circle the angle, elsewhere the
    first two features that aren't the same for all.
    """
    round_ = bool(np.all(np.abs(np.linalg.norm(x, axis=1) - 1) < ROUND))
    if x.shape[1] == 3 and round_:
        longitude = np.degrees(np.arctan2(x[:, 1], x[:, 0]))
        latitude = np.degrees(np.arcsin(np.clip(x[:, 2], -1, 1)))
        return ("longitude (°)", "latitude (°)"), np.stack([longitude, latitude], axis=1)
    if x.shape[1] == 2 and round_:
        return ("angle φ (°)",), np.degrees(np.arctan2(x[:, 1], x[:, 0]))[:, None] % 360
    differ = np.flatnonzero(np.ptp(x, axis=0) > 0).tolist()
    chosen = [*differ, *(one for one in range(x.shape[1]) if one not in differ)][:2]
    return tuple(f"feature {one + 1} of {x.shape[1]}" for one in chosen), x[:, chosen]


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Say which generation it was, and how labels and answers go together."""
    keys = ("stage", "generation", "candidates", "stimuli", "trials", "correlation")
    yield NumberTable(
        "last complete generation",
        (*keys[:-1], "labels with answers (r)"),
        [[numbers[key] for key in keys]],
        "r: correlation over the test trials of all candidates.",
    )


def _panels(numbers: Numbers) -> list[dict[str, Any]]:
    """Return a map of the labels and one of the answers."""
    shown = {key: numbers[key] for key in ("axes", "place", "every", "stimuli")}
    return [
        {**shown, "name": name, "values": numbers[name], "known": known}
        for name in ("label", "answer")
        if (known := sum(one is not None and np.isfinite(one) for one in numbers[name]))
    ]


LABEL_MAP = Section(
    "label_map",
    "The last generation's stimuli",
    compute,
    tables,
    (
        Picture(
            "map",
            "Stimuli of the last complete generation with the mean label that its candidates gave "
            "each, and with the mean answer to it.",
            "controller.analysis.plots.label_scatter:scatter",
            _panels,
            across=2,
        ),
    ),
)

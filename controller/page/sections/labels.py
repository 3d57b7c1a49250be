"""The label map: where in the space the current candidate's stimuli are, and their labels."""

import numpy as np

from controller.analysis.sections.base import Numbers, Section
from controller.analysis.source import PHASE, SessionSource, Source
from controller.page.rows import last, rounded, rows

POINTS = 300
LOOKED_AT = 2000


def compute(source: Source) -> Numbers | None:
    """Return the stimuli of the candidate that was presented last, and the labels that are known.

    In a session these are its training stimuli, in a simulated run all of its stimuli. None where
    nothing was presented.
    """
    if source.sessions:
        if source.kind != "session":
            return None
        found = _of_session(source.sessions[-1])
    else:
        found = _of_learner(source)
    if found is None or not len(found[2]):
        return None
    place, x, label = found
    step = -(-len(label) // POINTS)
    x, label = x[::step], label[::step]
    return {
        "stage": place[0] + 1,
        "generation": place[1] + 1,
        "slot": place[2] + 1,
        "space": (source.document.get("space") or {}).get("kind"),
        "dimensions": int(x.shape[1]),
        "x": [rounded(value) for value in x[:, 0].tolist()],
        "y": [rounded(value) for value in (x[:, 1] if x.shape[1] > 1 else label).tolist()],
        "label": [rounded(value, 3) for value in label.tolist()],
    }


def _of_session(session: SessionSource) -> tuple[list[int], np.ndarray, np.ndarray] | None:
    """Return place, x: f4[point, feature], label: f4[point] of the current candidate's training."""
    trials = session.tables["trials"]
    if not trials.rows:
        return None
    places = np.stack(
        [last(trials, name, LOOKED_AT) for name in ("stage", "generation", "slot")], axis=1
    )
    trained = last(trials, "phase", LOOKED_AT) == PHASE["training"]
    here = np.flatnonzero((places == places[-1]).all(axis=1) & trained)
    _, first = np.unique(last(trials, "stimulus", LOOKED_AT)[here], return_index=True)
    chosen = here[first]
    x, label = last(trials, "x", LOOKED_AT)[chosen], last(trials, "label", LOOKED_AT)[chosen]
    known = np.isfinite(label)
    return places[-1].tolist(), x[known], label[known]


def _of_learner(source: Source) -> tuple[list[int], np.ndarray, np.ndarray] | None:
    trials, candidates = source.tables["trials"], source.tables["candidates"]
    if not trials.rows:
        return None
    row = int(last(trials, "candidate", 1)[0])
    begin, count, *place = (
        int(rows(candidates, name, row, row + 1)[0])
        for name in ("first_trial", "trials", "stage", "generation", "slot")
    )
    end = begin + min(count, LOOKED_AT)
    of = rows(trials, "stimulus", begin, end).astype(np.int64)
    low = int(of.min())
    x = rows(source.tables["stimuli"], "x", low, int(of.max()) + 1)[of - low]
    return place, x, rows(trials, "label", begin, end)


LABELS = Section("labels", "The current label map", compute)

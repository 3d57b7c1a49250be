"""The last trials, one row each."""

from typing import Any

import numpy as np

from controller.analysis.sections.base import Numbers, Section
from controller.analysis.source import Columns, SessionSource, Source
from controller.page.rows import last, name_of, rounded, rows
from controller.store import OUTCOMES, SESSION_PHASES
from controller.store.schema import PHASES

SHOWN = 60
_SESSION = (
    *("t_ns", "stage", "generation", "slot", "phase", "label", "answer", "outcome"),
    *("latency_us", "volume_ul"),
)


def compute(source: Source) -> Numbers | None:
    """Return the last trials, the latest first; None for sessions' experiment, whose sessions do.

    Stages, generations, slots and trials are counted from 1.
    """
    if source.sessions:
        if source.kind != "session":
            return None
        return {"trials": _of_session(source.sessions[-1])}
    return {"trials": _of_learner(source.tables)}


def _of_session(session: SessionSource) -> list[dict[str, Any]]:
    trials = session.tables["trials"]
    columns = {name: last(trials, name, SHOWN).tolist() for name in _SESSION}
    begin = max(0, trials.rows - SHOWN)
    found = [
        {
            "trial": begin + place + 1,
            "t_s": rounded(one["t_ns"] / 1e9, 1),
            "candidate": _candidate(one["stage"], one["generation"], one["slot"]),
            "phase": name_of(SESSION_PHASES, one["phase"]),
            "label": rounded(one["label"]),
            "answer": rounded(one["answer"]),
            "outcome": name_of(OUTCOMES, one["outcome"]),
            "latency_ms": rounded(one["latency_us"] / 1e3, 1),
            "water_ul": rounded(one["volume_ul"], 2),
        }
        for place, values in enumerate(zip(*columns.values(), strict=True))
        for one in [dict(zip(columns, values, strict=True))]
    ]
    return found[::-1]


def _of_learner(tables: Any) -> list[dict[str, Any]]:
    trials, candidates = tables["trials"], tables["candidates"]
    begin = max(0, trials.rows - SHOWN)
    of = last(trials, "candidate", SHOWN).astype(np.int64)
    columns = [last(trials, name, SHOWN).tolist() for name in ("phase", "label", "answer")]
    found = [
        {
            "trial": begin + place + 1,
            "candidate": name,
            "phase": name_of(PHASES, phase),
            "label": rounded(label),
            "answer": rounded(answer),
        }
        for place, (name, phase, label, answer) in enumerate(
            zip(_names(candidates, of), *columns, strict=True)
        )
    ]
    return found[::-1]


def _names(candidates: Columns, of: np.ndarray) -> list[str]:
    """Return what the candidates of some trials are called."""
    if not len(of):
        return []
    first, end = int(of.min()), int(of.max()) + 1
    places = [
        rows(candidates, name, first, end).tolist() for name in ("stage", "generation", "slot")
    ]
    names = [_candidate(*place) for place in zip(*places, strict=True)]
    return [names[row - first] for row in of.tolist()]


def _candidate(stage: int, generation: int, slot: int) -> str:
    return f"{stage + 1}.{generation + 1}.{slot + 1}"


STREAM = Section("stream", "The last trials", compute)

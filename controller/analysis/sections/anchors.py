"""Anchors over days: training stimuli, asked without feedback. Is the subject still there?"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
from jaxtyping import Float

from controller.analysis.presented import presented
from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.source import PHASE, Source
from controller.analysis.statistics.wilson import LEVEL, wilson

DAY_NS = 86_400 * 10**9


def compute(source: Source) -> Numbers | None:
    """Return the part of anchors that was right, by session and by subject; None without any."""
    trials = presented(source)
    anchor = np.flatnonzero(trials.phase == PHASE["anchor"])
    if not source.sessions or not anchor.size:
        return None
    right, session = trials.right[anchor], trials.session[anchor]
    began = min(one.began_ns for one in source.sessions)
    sessions = [
        {
            "session": source.sessions[place].name,
            "subject": source.sessions[place].subject,
            "date": _date(source.sessions[place].began_ns),
            "day": (source.sessions[place].began_ns - began) / DAY_NS,
            **_part(right[session == place]),
        }
        for place in np.unique(session).tolist()
    ]
    subject = np.array([one.subject for one in source.sessions])[session]
    names = np.unique(subject).tolist()
    return {
        "level": LEVEL,
        "sessions": sessions,
        "subjects": [{"subject": name, **_part(right[subject == name])} for name in names],
    }


def _part(right: Float[np.ndarray, " anchor"]) -> dict[str, Any]:
    """Return the part that was right, of those that can be judged."""
    judged = right[~np.isnan(right)]
    low, high = wilson(float(judged.sum()), len(judged))
    return {
        "shown": len(right),
        "n": len(judged),
        "right": float(judged.mean()) if len(judged) else None,
        "low": low,
        "high": high,
    }


def _date(ns: int) -> str:
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d")


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show every session, and each subject's sum."""
    rows = [[one["session"], *_cells(one)] for one in numbers["sessions"]]
    rows += [["all", *_cells(one)] for one in numbers["subjects"]]
    yield NumberTable(
        "anchors",
        ("session", "subject", "anchors", "judged", "right (%)", "from", "to"),
        rows,
        "from, to: 95 % interval (Wilson). Not judged: no answer, or a label that is 0 or unknown",
    )


def _cells(one: Numbers) -> list[Any]:
    parts = [None if one[key] is None else 100 * one[key] for key in ("right", "low", "high")]
    return [one["subject"], one["shown"], one["n"], *parts]


def panels(numbers: Numbers) -> list[dict[str, Any]]:
    """Draw each subject."""
    each = [
        {
            **one,
            "level": numbers["level"],
            "sessions": [
                session
                for session in numbers["sessions"]
                if session["subject"] == one["subject"] and session["n"]
            ],
        }
        for one in numbers["subjects"]
    ]
    return [one for one in each if one["sessions"]]


ANCHORS = Section(
    "anchors",
    "Anchors over days",
    compute,
    tables,
    (
        Picture(
            "days",
            "Part of the anchors that was right in each session, with 95 % intervals (Wilson).",
            "controller.analysis.plots.anchors:days",
            panels,
        ),
    ),
)

"""Anchors over days: training stimuli, asked without feedback. Is the subject still there?"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Float

from controller.analysis.presented import presented
from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.session_days import day_axis, session_days, session_time
from controller.analysis.source import PHASE, Source
from controller.analysis.statistics.wilson import LEVEL, wilson
from controller.analysis.written import between, percent


def compute(source: Source) -> Numbers | None:
    """Return the part of anchors that was right, by session and by subject; None without any."""
    trials = presented(source)
    anchor = np.flatnonzero(trials.phase == PHASE["anchor"])
    if not source.sessions or not anchor.size:
        return None
    right, session = trials.right[anchor], trials.session[anchor]
    days = session_days(source)
    sessions = [
        {
            "session": source.sessions[place].name,
            "subject": source.sessions[place].subject,
            "time": session_time(source.sessions[place]),
            "day": days[place],
            **_part(right[session == place]),
        }
        for place in np.unique(session).tolist()
    ]
    subject = np.array([one.subject for one in source.sessions])[session]
    names = np.unique(subject).tolist()
    return {
        "level": LEVEL,
        "day_is": day_axis(source),
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


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show subjects, and sessions."""
    note = "95 % interval (Wilson). Not judged: no answer, or a label that is 0 or unknown"
    headings = ("right (%)", "judged", "anchors")
    yield NumberTable(
        "anchors of each subject",
        ("subject", *headings),
        [[one["subject"], *_cells(one)] for one in numbers["subjects"]],
        note,
    )
    yield NumberTable(
        "anchors in each session",
        ("session (UTC)", "subject", *headings),
        [[one["time"], one["subject"], *_cells(one)] for one in numbers["sessions"]],
        note,
    )


def _cells(one: Numbers) -> list[Any]:
    right = between(*(percent(one[key]) for key in ("right", "low", "high")))
    return [right, one["n"], one["shown"]]


def panels(numbers: Numbers) -> list[dict[str, Any]]:
    """Draw each subject."""
    each = [
        {
            **one,
            "level": numbers["level"],
            "day_is": numbers["day_is"],
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

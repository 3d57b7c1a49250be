"""Habits: how often a subject answers at random, leans to one side, or doesn't answer."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from controller.analysis.independence import independent_units
from controller.analysis.presented import Presented, by_subject
from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.sections.psychometric import compute as psychometric_curves
from controller.analysis.session_days import day_axis, session_days, session_time
from controller.analysis.source import PHASE, Source
from controller.analysis.statistics.regression import regress
from controller.analysis.statistics.wilson import LEVEL, wilson
from controller.analysis.written import between, percent, plus_minus


def compute(source: Source) -> Numbers | None:
    """Return the habits of each subject, in all and by session; None without sessions."""
    if not source.sessions or not (subjects := by_subject(source)):
        return None
    curves = psychometric_curves(source)
    fitted = {} if curves is None else _fitted_lapses(curves)
    phase = "test" if curves is None else curves["phase"]
    return {
        "level": LEVEL,
        "day_is": day_axis(source),
        "intercept_of": phase,
        "subjects": [
            {
                "subject": name,
                **_habits(source, trials, phase),
                "fitted_lapse_rate": fitted.get(name),
            }
            for name, trials in subjects.items()
        ],
        "sessions": [
            _session(source, place, trials.where(trials.session == place), phase)
            for place, one in enumerate(source.sessions)
            if (trials := subjects.get(one.subject)) is not None and np.any(trials.session == place)
        ],
    }


def _fitted_lapses(curves: Numbers) -> dict[str, float]:
    """Return the lapse rate that a psychometric function says, where one with lapses was fitted."""
    fits = {one["subject"]: one["fit"] for one in curves["subjects"] if one["fit"] is not None}
    return {name: fit["lapse_rate"] for name, fit in fits.items() if fit["kind"] == "logistic"}


def _session(source: Source, place: int, trials: Presented, phase: str) -> dict[str, Any]:
    session = source.sessions[place]
    return {
        "session": session.name,
        "subject": session.subject,
        "time": session_time(session),
        "day": session_days(source)[place],
        **_habits(source, trials, phase),
    }


def _habits(source: Source, trials: Presented, phase: str) -> dict[str, Any]:
    catch, silent = trials.phase == PHASE["catch"], np.isnan(trials.answer)
    caught = trials.answer[catch & ~silent]
    return {
        "trials": len(trials),
        "missed": _missed(silent[~catch]),
        "lapses": _lapses(trials.right[trials.phase == PHASE["anchor"]]),
        "catch": _mean(caught),
        "intercept": _intercept(source, trials, phase),
    }


def _missed(silent: Bool[np.ndarray, " trial"]) -> dict[str, Any] | None:
    """Return the part of trials with a stimulus that has no answer."""
    if not silent.size:
        return None
    low, high = wilson(float(silent.sum()), silent.size)
    return {"n": silent.size, "part": float(silent.mean()), "low": low, "high": high}


def _lapses(right: Float[np.ndarray, " anchor"]) -> dict[str, Any] | None:
    """Return twice the part of wrong anchors, as a guess is right half the time."""
    judged = right[~np.isnan(right)]
    if not judged.size:
        return None
    low, high = wilson(float(judged.sum()), judged.size)
    rate, least, most = (min(1.0, 2 * (1 - part)) for part in (float(judged.mean()), high, low))
    return {"n": judged.size, "rate": rate, "low": least, "high": most}


def _mean(answer: Float[np.ndarray, " trial"]) -> dict[str, Any] | None:
    """Return the mean answer, and its standard error over trials."""
    if not answer.size:
        return None
    se = float(answer.std(ddof=1) / np.sqrt(answer.size)) if answer.size > 1 else None
    return {"n": answer.size, "mean": float(answer.mean()), "se": se}


def _intercept(source: Source, trials: Presented, phase: str) -> dict[str, Any] | None:
    """Return the answer to a label of 0, by a straight line through a phase's trials."""
    known = (trials.phase == PHASE[phase]) & ~np.isnan(trials.label + trials.answer)
    asked = trials.where(known)
    columns = [np.ones(len(asked)), asked.label]
    found = regress(columns, asked.answer, independent_units(source, asked))
    if found is None:
        return None
    return {"n": found.n, "mean": float(found.weight[0]), "se": float(found.error[0])}


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show subjects, and sessions."""
    note = (
        "missed: no answer to a stimulus. lapses: twice the wrong anchors, as a guess is right "
        "half the time. bias: mean answer "
        "without a stimulus (catch; a plan that counts licks has -1 for none), and the answer to a "
        f"label of 0 by a straight line through {numbers['intercept_of']} trials. ± standard error"
    )
    subjects, sessions = numbers["subjects"], numbers["sessions"]
    yield NumberTable(
        "habits of each subject",
        ("subject", *_HEADINGS, "lapses by fit (%)"),
        [[one["subject"], *_cells(one), percent(one["fitted_lapse_rate"])] for one in subjects],
        f"{note}. lapses by fit: low + high of a psychometric function, for binary answers; what "
        "was generalised wrongly is in them as well, so that anchors say more",
    )
    yield NumberTable(
        "habits in each session",
        ("session (UTC)", "subject", *_HEADINGS),
        [[one["time"], one["subject"], *_cells(one)] for one in sessions],
        note,
    )


_HEADINGS = ("trials", "missed (%)", "lapses (%)", "bias (catch)", "bias (label 0)")


def _cells(one: Numbers) -> list[Any]:
    lapses, caught, crossing = (one[key] or {} for key in ("lapses", "catch", "intercept"))
    return [
        one["trials"],
        percent((one["missed"] or {}).get("part")),
        between(*(percent(lapses.get(key)) for key in ("rate", "low", "high"))),
        plus_minus(caught.get("mean"), caught.get("se")),
        plus_minus(crossing.get("mean"), crossing.get("se")),
    ]


def panels(numbers: Numbers) -> list[dict[str, Any]]:
    """Draw each subject's parts, and beside them its biases, over days."""
    each = [
        {
            "subject": one["subject"],
            "level": numbers["level"],
            "day_is": numbers["day_is"],
            "sessions": [
                session for session in numbers["sessions"] if session["subject"] == one["subject"]
            ],
        }
        for one in numbers["subjects"]
    ]
    return [{**one, "shows": shows} for one in each for shows in ("parts", "biases")]


HABITS = Section(
    "habits",
    "Habits",
    compute,
    tables,
    (
        Picture(
            "days",
            "Missed trials, lapses and biases in each session: 95 % intervals (Wilson) of parts, "
            "standard errors of biases.",
            "controller.analysis.plots.habits:days",
            panels,
            across=2,
        ),
    ),
)

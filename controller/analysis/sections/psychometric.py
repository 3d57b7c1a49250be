"""Psychometric curves: what is answered to which label, with a fitted function.

Trials are those without feedback. Where none of these has a known label, as in a session that lies
alone or in trials that come from elsewhere, they are those with feedback, whose answers were given
before it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from controller.analysis.independence import independent_part, independent_units
from controller.analysis.presented import Presented, answered
from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.source import Source
from controller.analysis.statistics.bootstrap import LEVEL, RESAMPLES
from controller.analysis.statistics.cell_means import cell_means
from controller.analysis.statistics.psychometric import fit_psychometric
from controller.analysis.statistics.regression import regress
from controller.analysis.written import plus_minus

BINS = 10
FEW_LABELS = 12
"""Up to so many different labels are a bin each."""
FEWEST_LABELS = 3
"""Fewer labels fit every curve."""
FEWEST_TRIALS = 30
GLANCE = 10_000
"""Trials that are looked at first: most of the time they show already that labels are many."""
WORDS = {"test": "trials without feedback", "training": "trials with feedback"}


def compute(source: Source) -> Numbers | None:
    """Return each subject's curve; None where no answer has a known label."""
    return source.once(_compute)


def _compute(source: Source) -> Numbers | None:
    for phase in ("test", "training"):
        if found := answered(source, phase):
            part = independent_part(source)
            edges = _edges(np.concatenate([trials.label for trials in found.values()]))
            return {
                "phase": phase,
                "interval": {"level": LEVEL, "resampled": part, "resamples": RESAMPLES},
                "subjects": [
                    {"subject": name, **_curve(trials, edges, independent_units(source, trials))}
                    for name, trials in found.items()
                ],
            }
    return None


def _edges(label: Float[np.ndarray, " trial"]) -> Float[np.ndarray, " edge"]:
    """Return what lies between bins that hold a label each, or as many trials each."""
    if _different(label, FEW_LABELS + 1) > FEW_LABELS:
        return np.unique(np.quantile(label, np.arange(1, BINS) / BINS))
    labels = np.unique(label)
    return (labels[1:] + labels[:-1]) / 2


def _different(label: Float[np.ndarray, " trial"], enough: int) -> int:
    """Return how many labels there are; where they are at least `enough`, maybe not all."""
    few = len(np.unique(label[:GLANCE]))
    return few if few >= enough else len(np.unique(label))


def _curve(
    trials: Presented, edges: Float[np.ndarray, " edge"], unit: Integer[np.ndarray, " trial"]
) -> dict[str, Any]:
    binary = bool(np.all(np.abs(trials.answer) == 1))
    why = _no_fit(trials)
    return {
        "n": len(trials),
        "episodes": int(np.sum(np.bincount(trials.episode) > 0)),
        "answers": "binary" if binary else "graded",
        "bins": _bins(trials, edges, unit),
        "fit": None if why else (_logistic if binary else _line)(trials, unit),
        "no_fit": why,
    }


def _bins(
    trials: Presented, edges: Float[np.ndarray, " edge"], unit: Integer[np.ndarray, " trial"]
) -> dict[str, Any]:
    cell = np.searchsorted(edges, trials.label, side="right")
    found = cell_means(trials.answer, cell, unit, len(edges) + 1)
    there = found.n > 0
    label = np.bincount(cell, trials.label, minlength=len(there))[there] / found.n[there]
    own = {name: getattr(found, name)[there] for name in ("mean", "low", "high", "n")}
    return {"label": label, "answer": own.pop("mean"), **own}


def _no_fit(trials: Presented) -> str | None:
    """Return why nothing is fitted."""
    if len(trials) < FEWEST_TRIALS:
        return f"{len(trials)} trials, fewer than {FEWEST_TRIALS}"
    labels = _different(trials.label, FEWEST_LABELS)
    if labels < FEWEST_LABELS:
        return f"{labels} different label{'s' * (labels > 1)}: every curve fits"
    if np.all(trials.answer == trials.answer[0]):
        return "all answers are the same"
    return None


def _logistic(trials: Presented, unit: Integer[np.ndarray, " trial"]) -> dict[str, Any]:
    fit = fit_psychometric(trials.label, trials.answer, unit)
    names = ("intercept", "slope", "low", "high")
    return {
        "kind": "logistic",
        **{key: getattr(fit, key) for name in names for key in (name, f"{name}_se")},
        "lapse_rate": fit.lapse_rate,
        "indifferent_at": -fit.intercept / fit.slope if fit.slope else None,
    }


def _line(trials: Presented, unit: Integer[np.ndarray, " trial"]) -> dict[str, Any] | None:
    label = trials.label.astype(np.float64)
    found = regress([np.ones(len(label)), label], trials.answer.astype(np.float64), unit)
    if found is None:
        return None
    (intercept, slope), (intercept_se, slope_se) = found.weight, found.error
    return {
        "kind": "line",
        "intercept": intercept,
        "intercept_se": intercept_se,
        "slope": slope,
        "slope_se": slope_se,
        "r2": found.r2,
    }


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show what was fitted."""
    subjects = numbers["subjects"]
    fits = [one["fit"] or {} for one in subjects]
    shown = {name: cells for name, cells in _columns(subjects, fits).items() if any(cells)}
    yield NumberTable(
        f"answer against label, {WORDS[numbers['phase']]}",
        ("subject", "trials", *shown),
        [
            [one["subject"], one["n"], *(cells[row] for cells in shown.values())]
            for row, one in enumerate(subjects)
        ],
        "line: answer = intercept + slope · label. logistic: P(1) = low + (1 - low - high) "
        "σ(intercept + slope · label); low and high are lapses, their sum is the lapse rate. "
        f"± standard error, clustered by {numbers['interval']['resampled']}",
    )


def _columns(subjects: list[Any], fits: Sequence[Numbers]) -> dict[str, list[Any]]:
    return {
        "curve": [
            fit.get("kind") or f"none: {one['no_fit']}"
            for one, fit in zip(subjects, fits, strict=True)
        ],
        **{
            name: [plus_minus(fit.get(name), fit.get(f"{name}_se")) for fit in fits]
            for name in ("intercept", "slope", "low", "high")
        },
        "R²": [fit.get("r2") for fit in fits],
        "answers": [one["answers"] for one in subjects],
        "episodes": [one["episodes"] for one in subjects],
    }


def panels(numbers: Numbers) -> list[dict[str, Any]]:
    """Draw each subject."""
    shared = {"phase": numbers["phase"], "level": numbers["interval"]["level"]}
    return [{**one, **shared} for one in numbers["subjects"]]


PSYCHOMETRIC = Section(
    "psychometric",
    "Psychometric curves",
    compute,
    tables,
    (
        Picture(
            "curves",
            "Mean answer in bins of the label, with 95 % bootstrap intervals over episodes "
            "(over generations, where their episodes share stimuli), and "
            "the fitted function.",
            "controller.analysis.plots.psychometric:curve",
            panels,
        ),
    ),
    live=False,
)

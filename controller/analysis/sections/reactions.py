"""Reaction times: from the go to the first response, by subject, phase, and right or wrong."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from controller.analysis.presented import Presented, by_subject
from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.source import Source
from controller.store import SESSION_PHASES

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
BINS = 30
SHOWN = 0.99
"""Part of the reaction times that the histogram shows; the slowest would squeeze all others."""


def compute(source: Source) -> Numbers | None:
    """Return quantiles and histograms; None where nobody was timed."""
    if not source.sessions:
        return None
    timed = {
        name: trials
        for name, trials in by_subject(source).items()
        if not np.isnan(trials.latency_us).all()
    }
    if not timed:
        return None
    return {
        "rows": [row for name, trials in timed.items() for row in _rows(name, trials)],
        "histograms": [_histogram(name, trials) for name, trials in timed.items()],
    }


def _rows(name: str, trials: Presented) -> Iterator[dict[str, Any]]:
    """Yield a row for each phase, and for what was right and wrong in it."""
    judged = trials.right
    for code, phase in enumerate(SESSION_PHASES):
        own = trials.phase == code
        for which, chosen in (("all", own), ("right", judged == 1), ("wrong", judged == 0)):
            if (own & chosen).any():
                latency_ms = trials.latency_us[own & chosen] / 1e3
                yield {"subject": name, "phase": phase, "answers": which, **_quantiles(latency_ms)}


def _quantiles(latency_ms: Float[np.ndarray, " trial"]) -> dict[str, Any]:
    known = latency_ms[~np.isnan(latency_ms)]
    found = np.quantile(known, list(QUANTILES.values())) if known.size else [None] * len(QUANTILES)
    return {
        "trials": len(latency_ms),
        "responses": len(known),
        "ms": dict(zip(QUANTILES, found, strict=True)),
    }


def _histogram(name: str, trials: Presented) -> dict[str, Any]:
    """Count reaction times of right, wrong and all other trials in the same bins."""
    latency_ms = trials.latency_us / 1e3
    known = ~np.isnan(latency_ms)
    edges = _edges(latency_ms[known])
    right, wrong = trials.right == 1, trials.right == 0
    kinds: dict[str, Bool[np.ndarray, " trial"]] = {
        "right": right,
        "wrong": wrong,
        "neither": ~right & ~wrong,
    }
    return {
        "subject": name,
        "n": int(known.sum()),
        "edges_ms": edges,
        "slower": int(np.sum(latency_ms[known] > edges[-1])),
        "counts": {
            kind: np.histogram(latency_ms[known & chosen], edges)[0]
            for kind, chosen in kinds.items()
        },
    }


def _edges(latency_ms: Float[np.ndarray, " response"]) -> Float[np.ndarray, " edge"]:
    low, high = float(latency_ms.min()), float(np.quantile(latency_ms, SHOWN))
    return np.linspace(low, high if high > low else low + 1.0, BINS + 1)


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show quantiles."""
    yield NumberTable(
        "reaction times (ms)",
        (
            "subject",
            "phase",
            "answers",
            "trials",
            "responses",
            "5 %",
            "25 %",
            "median",
            "75 %",
            "95 %",
        ),
        [
            [row[key] for key in ("subject", "phase", "answers", "trials", "responses")]
            + [row["ms"][key] for key in QUANTILES]
            for row in numbers["rows"]
        ],
        "from the go (photodiode, or the stimulus' line) to the first response in the trial. "
        "right: the answer has the label's sign",
    )


def panels(numbers: Numbers) -> list[dict[str, Any]]:
    """Draw each subject."""
    return list(numbers["histograms"])


REACTIONS = Section(
    "reactions",
    "Reaction times",
    compute,
    tables,
    (
        Picture(
            "histogram",
            "Reaction times of trials whose answer had the label's sign, or had not.",
            "controller.analysis.plots.reactions:histogram",
            panels,
        ),
    ),
)

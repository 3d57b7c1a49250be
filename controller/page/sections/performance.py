"""How a subject does: fraction right and squared error over the last answered trials."""

import numpy as np
from jaxtyping import Float64

from controller.analysis.presented import presented
from controller.analysis.sections.base import Numbers, Section
from controller.analysis.source import Source
from controller.page.rows import rounded

WINDOW = 30
POINTS = 400


def compute(source: Source) -> Numbers | None:
    """Return running means over the trials with an answer and a label that is known.

    Right is an answer with the label's sign. Labels of test stimuli aren't in a session's store, so
    they count only where they are known. None where nothing was answered yet.
    """
    if source.kind != "session" or not source.sessions:
        return None
    all_trials = presented(source)
    trials = all_trials.where(all_trials.session == len(source.sessions) - 1)
    told = np.flatnonzero(np.isfinite(trials.answer) & np.isfinite(trials.label))
    signed = told[trials.label[told] != 0]
    answer, label = trials.answer[signed], trials.label[signed]
    if not len(signed):
        return None
    right = running((np.sign(answer) == np.sign(label)).astype(np.float64), WINDOW)
    error = running((answer - label) ** 2, WINDOW)
    shown = np.unique(np.linspace(0, len(signed) - 1, POINTS).astype(np.int64))
    return {
        "window": WINDOW,
        "n": min(WINDOW, len(signed)),
        "answered": len(signed),
        "right": rounded(right[-1], 3),
        "error": rounded(error[-1], 3),
        "series": {
            "trial": (signed[shown] + 1).tolist(),
            "right": [rounded(value, 3) for value in right[shown].tolist()],
            "error": [rounded(value, 3) for value in error[shown].tolist()],
        },
    }


def running(values: Float64[np.ndarray, " trial"], window: int) -> Float64[np.ndarray, " trial"]:
    """Return the mean of each value and those before it, at most `window` in all."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    end = np.arange(1, len(values) + 1)
    begin = np.maximum(0, end - window)
    return (total[end] - total[begin]) / (end - begin)


PERFORMANCE = Section("performance", "How the subject does", compute)

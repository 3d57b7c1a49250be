"""Labels of trials without feedback, from wherever they are known after the fact.

A session never stores the label of a test stimulus, because neither rig nor animal may be told. It
is in the experiment's tables once the generation is complete. An anchor has the label of its
training stimulus, which is known as soon as it was taught, maybe in another session.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Integer

from controller.analysis.source import PHASE, Columns, Source
from controller.arms import LEARNER_ARM

CHOSEN = 0
"""Place of the learner whose easy functions are searched for."""
PLACE = ("stage", "generation", "slot")
KEY = (*PLACE, "phase", "stimulus")
"""What a label belongs to; the stimulus is counted within its phase."""
ASKED = (PHASE["test"], PHASE["anchor"])
TRAINING, TEST = PHASE["training"], PHASE["test"]

Trials = Mapping[str, np.ndarray]


def own(candidates: Columns) -> np.ndarray:
    """Say which candidates are of the search with the chosen learner, and have trials."""
    return (
        (candidates["arm"] == LEARNER_ARM)
        & (candidates["learner"] == CHOSEN)
        & (candidates["trials"] > 0)
    )


def known_labels(source: Source, trials: Trials) -> Float[np.ndarray, " trial"]:
    """Return the label of each trial's stimulus.

    Args:
        source: whose sessions they are from.
        trials: of all its sessions: `KEY` and the label that was stored.

    Returns:
        NaN without a stimulus, or where the label isn't known yet.
    """
    label = trials["label"].copy()
    asked = np.isnan(label) & np.isin(trials["phase"], ASKED) & (trials["stimulus"] >= 0)
    taught = (trials["phase"] == TRAINING) & ~np.isnan(label)
    tables = [
        {name: trials[name][taught] for name in (*KEY, "label")},
        *([_experiment(source)] if source.tables else []),
    ]
    known = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    wanted = {name: trials[name][asked] for name in KEY}
    wanted["phase"] = np.where(wanted["phase"] == TEST, TEST, TRAINING)
    label[asked] = _looked_up(known, wanted)
    return label


def _experiment(source: Source) -> Trials:
    """Return the label of each stimulus of the candidates that the experiment's tables have."""
    trials, candidates = source.tables["trials"], source.tables["candidates"]
    kept = np.flatnonzero(own(candidates)[trials["candidate"]])
    row = trials["candidate"][kept]
    phase = trials["phase"][kept].astype(np.int64)
    training = np.bincount(row[phase == TRAINING], minlength=candidates.rows)[row]
    place = kept - candidates["first_trial"][row]
    return {
        **{name: candidates[name][row].astype(np.int64) for name in PLACE},
        "phase": phase,
        "stimulus": place - np.where(phase == TEST, training, 0),
        "label": trials["label"][kept].astype(np.float64),
    }


def _looked_up(known: Trials, wanted: Trials) -> Float[np.ndarray, " wanted"]:
    """Return what is known of the wanted keys, NaN where it is nothing."""
    if not len(known["label"]):
        return np.full(len(wanted["phase"]), np.nan)
    shape = tuple(int(max(known[name].max(), wanted[name].max(initial=0))) + 1 for name in KEY)
    codes, asked = _coded(known, shape), _coded(wanted, shape)
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    at = np.minimum(np.searchsorted(codes, asked), len(codes) - 1)
    return np.where(codes[at] == asked, known["label"][order][at], np.nan)


def _coded(table: Trials, shape: tuple[int, ...]) -> Integer[np.ndarray, " row"]:
    return np.ravel_multi_index(tuple(table[name] for name in KEY), shape)

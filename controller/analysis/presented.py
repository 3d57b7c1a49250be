"""Trials with the label of what was shown, from wherever it is known, and the answer.

A session never stores the label of a test stimulus, because neither rig nor animal may be told. It
is in the experiment's tables once the generation is complete, and is found there by stage,
generation, slot and the stimulus' place in its phase. An anchor has the label of its training
stimulus.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float64, Int64

from controller.analysis.source import PHASE, Columns, SessionSource, Source
from controller.arms import LEARNER_ARM
from controller.store import CANDIDATE_STATUS

DONE = CANDIDATE_STATUS.index("done")
SIMULATED = -1
CHOSEN = 0
"""Place of the learner whose easy functions are searched for."""


@dataclass(frozen=True, slots=True, eq=False)
class Presented:
    """Trials in the order in which they were run; every array has one value a trial."""

    session: Int64[np.ndarray, " trial"]
    """Place of the session in the source; -1 for a simulated learner without sessions."""
    stage: Int64[np.ndarray, " trial"]
    generation: Int64[np.ndarray, " trial"]
    slot: Int64[np.ndarray, " trial"]
    attempt: Int64[np.ndarray, " trial"]
    """How often the slot was begun before."""
    index: Int64[np.ndarray, " trial"]
    """Place in the episode; below 0: warm-up."""
    phase: Int64[np.ndarray, " trial"]
    """Code of `SESSION_PHASES`."""
    label: Float64[np.ndarray, " trial"]
    """Of the stimulus; NaN without a stimulus, or where it isn't known yet."""
    answer: Float64[np.ndarray, " trial"]
    """In [-1, 1]; NaN: the trial tells nothing, or none was asked for."""
    latency_us: Float64[np.ndarray, " trial"]
    """From the go to the first response; NaN: none."""
    t_ns: Int64[np.ndarray, " trial"]
    """UTC, ns since 1970; -1 where nobody wrote it down."""

    def __len__(self) -> int:
        return len(self.phase)

    def where(self, chosen: np.ndarray) -> "Presented":
        """Return some of the trials.

        Args:
            chosen: bool[trial] or row numbers.
        """
        return Presented(*(getattr(self, one.name)[chosen] for one in fields(self)))


def presented(source: Source) -> Presented:
    """Return the trials of a source's sessions or, where it has none, of its simulated learner.

    A simulated learner answers test trials only; those of its training have no answer.
    """
    return source.once(_presented)


def _presented(source: Source) -> Presented:
    if not source.sessions:
        return _simulated(source)
    known = _labels(source)
    parts = [_of_session(place, one, known) for place, one in enumerate(source.sessions)]
    return Presented(
        *(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Presented))
    )


def _simulated(source: Source) -> Presented:
    """Return the chosen learner's trials of generations that are done."""
    trials, candidates = source.tables["trials"], source.tables["candidates"]
    row = trials["candidate"].astype(np.int64)
    keep = (
        (candidates["arm"] == LEARNER_ARM)
        & (candidates["learner"] == CHOSEN)
        & (candidates["status"] == DONE)
    )[row]
    chosen: slice | np.ndarray = slice(None) if keep.all() else keep
    row = row[chosen]
    place = np.arange(len(keep))[chosen] - candidates["first_trial"][row]
    nobody = np.full(len(row), -1, np.int64)
    return Presented(
        session=nobody,
        stage=candidates["stage"][row].astype(np.int64),
        generation=candidates["generation"][row].astype(np.int64),
        slot=candidates["slot"][row].astype(np.int64),
        attempt=np.zeros(len(row), np.int64),
        index=place.astype(np.int64),
        phase=trials["phase"][chosen].astype(np.int64),
        label=trials["label"][chosen].astype(np.float64),
        answer=trials["answer"][chosen].astype(np.float64),
        latency_us=np.full(len(row), np.nan),
        t_ns=nobody,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """Labels of an experiment's candidates, by (stage, generation, slot)."""

    first: Mapping[tuple[int, int, int], tuple[int, int]]
    """Row of the first trial, number of trials."""
    label: np.ndarray
    test: int
    """Test trials of an episode; they come last."""


def _labels(source: Source) -> _Labels | None:
    """Return the labels that a source's experiment has; None for a session alone."""
    if not source.tables or not source.tables["trials"].rows:
        return None
    candidates, trials = source.tables["candidates"], source.tables["trials"]
    own = np.flatnonzero(
        (candidates["arm"] == LEARNER_ARM)
        & (candidates["learner"] == CHOSEN)
        & (candidates["trials"] > 0)
    )
    places = zip(
        *(candidates[name][own].tolist() for name in ("stage", "generation", "slot")), strict=True
    )
    rows = zip(
        candidates["first_trial"][own].tolist(), candidates["trials"][own].tolist(), strict=True
    )
    of_first = trials["phase"][candidates["first_trial"][own[0]] :][: candidates["trials"][own[0]]]
    return _Labels(
        first=dict(zip(places, rows, strict=True)),
        label=trials["label"],
        test=int(np.sum(of_first == PHASE["test"])),
    )


def _of_session(place: int, session: SessionSource, known: _Labels | None) -> Presented:
    trials = session.tables["trials"]
    size = trials.rows
    return Presented(
        session=np.full(size, place, np.int64),
        stage=trials["stage"].astype(np.int64),
        generation=trials["generation"].astype(np.int64),
        slot=trials["slot"].astype(np.int64),
        attempt=trials["attempt"].astype(np.int64),
        index=trials["index"].astype(np.int64),
        phase=trials["phase"].astype(np.int64),
        label=_session_labels(trials, known),
        answer=trials["answer"].astype(np.float64),
        latency_us=trials["latency_us"].astype(np.float64),
        t_ns=trials["t_ns"].astype(np.int64) + session.began_ns,
    )


def _session_labels(trials: Columns, known: _Labels | None) -> np.ndarray:
    """Return the label of each trial's stimulus, NaN where it isn't known."""
    labels = trials["label"].astype(np.float64)
    phases, stimuli = trials["phase"].tolist(), trials["stimulus"].tolist()
    places = list(
        zip(*(trials[name].tolist() for name in ("stage", "generation", "slot")), strict=True)
    )
    trained = {
        (places[row], stimuli[row]): labels[row]
        for row in np.flatnonzero(trials["phase"] == PHASE["training"]).tolist()
    }
    for row in np.flatnonzero(np.isnan(labels)).tolist():
        if phases[row] == PHASE["test"] and known is not None:
            labels[row] = _test_label(known, places[row], stimuli[row])
        elif phases[row] == PHASE["anchor"]:
            labels[row] = trained.get((places[row], stimuli[row]), np.nan)
    return labels


def _test_label(known: _Labels, place: tuple[int, int, int], stimulus: int) -> float:
    first, count = known.first.get(place, (0, 0))
    if not 0 <= stimulus < known.test <= count:
        return float("nan")
    return float(known.label[first + count - known.test + stimulus])

"""Trials with the label of what was shown, from wherever it is known, and the answer."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Integer

from controller.analysis.known_labels import PLACE, known_labels, own
from controller.analysis.source import PHASE, SessionSource, Source
from controller.store import CANDIDATE_STATUS

DONE = CANDIDATE_STATUS.index("done")
SIMULATED = -1
CIRCUIT = "simulated learner"
"""Who answers where there are no sessions."""


@dataclass(frozen=True, slots=True, eq=False)
class Presented:
    """Trials in the order in which they were run; every array has one value a trial.

    Those of millions of simulated trials are as narrow as they are stored; what is the same in all
    of them is stored once.
    """

    session: Integer[np.ndarray, " trial"]
    """Place of the session in the source; -1 for a simulated learner without sessions."""
    stage: Integer[np.ndarray, " trial"]
    generation: Integer[np.ndarray, " trial"]
    slot: Integer[np.ndarray, " trial"]
    attempt: Integer[np.ndarray, " trial"]
    """How often the slot was begun before."""
    episode: Integer[np.ndarray, " trial"]
    """Number of the episode, from 0, ascending by subject, stage, generation, slot and attempt; an
    episode that went on in another session is one. Imported trials: one for each session at least.
    """
    index: Integer[np.ndarray, " trial"]
    """Place in the episode; below 0: warm-up."""
    phase: Integer[np.ndarray, " trial"]
    """Code of `SESSION_PHASES`."""
    label: Float[np.ndarray, " trial"]
    """Of the stimulus; NaN without a stimulus, or where it isn't known yet. Of wash-out trials: the
    valence of their feedback, which follows no function."""
    answer: Float[np.ndarray, " trial"]
    """In [-1, 1], of circuits also beyond; NaN: the trial tells nothing, or none was asked for."""
    latency_us: Float[np.ndarray, " trial"]
    """From the go to the first response; NaN: none."""
    t_ns: Integer[np.ndarray, " trial"]
    """UTC, ns since 1970; -1 where nobody wrote it down."""

    def __len__(self) -> int:
        return len(self.phase)

    def where(self, chosen: np.ndarray) -> "Presented":
        """Return some of the trials.

        Args:
            chosen: bool[trial] or row numbers.
        """
        return Presented(*(getattr(self, one.name)[chosen] for one in fields(self)))

    @property
    def right(self) -> Float[np.ndarray, " trial"]:
        """Whether answer and label have the same sign: 1 or 0, ½ for an answer of 0.

        NaN where there is nothing to be right about: no answer, no label, or a label of 0.
        """
        with np.errstate(invalid="ignore"):
            agreement = np.sign(self.answer) * np.sign(self.label)
        return np.where(self.label == 0, np.nan, (1 + agreement) / 2)


def presented(source: Source) -> Presented:
    """Return the trials of a source's sessions or, where it has none, of its simulated learner.

    A simulated learner answers test trials only; those of its training have no answer.
    """
    return source.once(_presented)


def by_subject(source: Source) -> dict[str, Presented]:
    """Return the trials of each subject that has any, by its name; of a circuit `CIRCUIT`'s."""
    return source.once(_by_subject)


def _by_subject(source: Source) -> dict[str, Presented]:
    trials = presented(source)
    if not source.sessions:
        return {CIRCUIT: trials} if len(trials) else {}
    names = np.array([session.subject for session in source.sessions])
    each = {str(name): trials.where((names == name)[trials.session]) for name in np.unique(names)}
    return {name: one for name, one in each.items() if len(one)}


def answered(source: Source, phase: str) -> dict[str, Presented]:
    """Return each subject's trials of a phase that have an answer and a known label, if any."""
    found = {}
    for name, trials in by_subject(source).items():
        known = (trials.phase == PHASE[phase]) & ~np.isnan(trials.answer)
        if (known := known & ~np.isnan(trials.label)).any():
            found[name] = trials.where(known)
    return found


def _presented(source: Source) -> Presented:
    if not source.sessions:
        return _simulated(source)
    parts = [_of_session(place, one) for place, one in enumerate(source.sessions)]
    trials = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    names = sorted({session.subject for session in source.sessions})
    subject = np.array([names.index(session.subject) for session in source.sessions])
    keys = [subject[trials["session"]], *(trials[name] for name in (*PLACE, "attempt"))]
    if source.origin == "imported":
        keys.append(trials["session"])
    trials["label"] = known_labels(source, trials)
    del trials["stimulus"]
    return Presented(**trials, episode=_numbered(keys))


def _of_session(place: int, session: SessionSource) -> dict[str, np.ndarray]:
    trials = session.tables["trials"]
    whole = (*PLACE, "attempt", "index", "phase", "stimulus")
    return {
        "session": np.full(trials.rows, place, np.int64),
        **{name: trials[name].astype(np.int64) for name in whole},
        **{name: trials[name].astype(np.float64) for name in ("label", "answer", "latency_us")},
        "t_ns": trials["t_ns"].astype(np.int64) + session.began_ns,
    }


def _simulated(source: Source) -> Presented:
    """Return the chosen learner's trials of generations that are done."""
    trials, candidates = source.tables["trials"], source.tables["candidates"]
    row = trials["candidate"]
    done = own(candidates) & (candidates["status"] == DONE)
    keep = done[row]
    chosen: slice | np.ndarray = slice(None) if keep.all() else keep
    row = row[chosen]
    place = np.arange(len(keep))[chosen]
    place -= candidates["first_trial"][row]
    return Presented(
        session=np.broadcast_to(np.int8(SIMULATED), row.shape),
        stage=candidates["stage"][row],
        generation=candidates["generation"][row],
        slot=candidates["slot"][row],
        attempt=np.broadcast_to(np.int8(0), row.shape),
        episode=(np.cumsum(done) - 1).astype(np.int32)[row],
        index=place.astype(np.int32),
        phase=trials["phase"][chosen],
        label=trials["label"][chosen],
        answer=trials["answer"][chosen],
        latency_us=np.broadcast_to(np.float32(np.nan), row.shape),
        t_ns=np.broadcast_to(np.int8(-1), row.shape),
    )


def _numbered(keys: list[np.ndarray]) -> Integer[np.ndarray, " trial"]:
    """Return the place of each row among the different rows, the first key counting most."""
    number = np.zeros(len(keys[0]), np.int64)
    for key in keys:
        different, code = np.unique(key, return_inverse=True)
        number = np.unique(number * max(1, len(different)) + code, return_inverse=True)[1]
    return number

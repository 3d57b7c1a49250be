"""Sources without a store: a few columns, so that odd answers can be written down."""

from pathlib import Path

import numpy as np
import xarray as xr

from controller.analysis.source import PHASE, Columns, SessionSource, Source

MORNING_NS = 1_772_442_000 * 10**9  # 2 March 2026, 9:00 UTC
DAY_NS = 86_400 * 10**9
DONE = 3


def columns(row, **values):
    return Columns(xr.Dataset({name: (row, np.asarray(one)) for name, one in values.items()}))


def session(day, phase, label, answer, *, subject="m1", slot=0, stimulus=None, **changes):
    """One session of trials that are all of one episode, or of the given slots."""
    size = len(phase)
    whole = {"generation": 0, "attempt": 0, "stage": 0, "slot": slot, "index": np.arange(size)}
    trials = {name: np.broadcast_to(np.int32(one), size) for name, one in whole.items()}
    trials |= {
        "t_ns": np.arange(size) * 10**9,
        "phase": np.array([PHASE[name] for name in phase], np.uint8),
        "stimulus": np.arange(size, dtype=np.int32) if stimulus is None else np.array(stimulus),
        "label": np.array(label, np.float32),
        "answer": np.array(answer, np.float32),
        "latency_us": np.full(size, np.nan),
    }
    header = {"subject": subject, "created_ns": MORNING_NS + day * DAY_NS, "name": f"day{day}"}
    tables = {"trials": columns("trial", **{**trials, **changes})}
    return SessionSource(Path("there"), header, "finished", tables)


def of_sessions(*sessions, origin="animal", tables=None):
    """A source of sessions; without tables, its experiment has no complete generation."""
    header, document = {"experiment": "made"}, {"episode": {"test": 6, "common_stimuli": False}}
    nothing = {"trials": _no_trials(), "candidates": candidates(np.zeros((0, 1)), np.zeros((0, 1)))}
    tables = nothing if tables is None else tables
    return Source(
        Path("there"), "experiment", header, document, origin, "running", 0, tables, sessions
    )


def simulated(label, answer, *, error=None, error_se=None, common=False, power=None):
    """A source of a simulated learner.

    Args:
        label: f8[candidate, trial]; the first trial of each is training.
        answer: the same.
        error: f8[generation, slot] of its candidates; of each a generation, and all 1, by default.
        error_se: the same; 0.5 by default.
        common: whether a generation's candidates share stimuli.
        power: the same as `error`: what tells functions apart; all different by default.
    """
    label, answer = np.asarray(label, np.float32), np.asarray(answer, np.float32)
    count, size = label.shape
    error = np.ones((count, 1)) if error is None else np.asarray(error, np.float64)
    error_se = np.full(error.shape, 0.5) if error_se is None else np.asarray(error_se)
    phase = np.broadcast_to((np.arange(size) > 0).astype(np.uint8), label.shape)
    trials = columns(
        "trial",
        candidate=np.repeat(np.arange(count, dtype=np.int32), size),
        phase=phase.ravel(),
        label=label.ravel(),
        answer=np.where(phase == 0, np.nan, answer).astype(np.float32).ravel(),
    )
    return Source(
        folder=Path("there"),
        kind="experiment",
        header={"experiment": "made"},
        document={"episode": {"test": size - 1, "common_stimuli": common}},
        origin="simulated",
        exit_status="finished",
        seq=1,
        tables={"trials": trials, "candidates": candidates(error, error_se, size, power)},
        sessions=(),
    )


def candidates(error, error_se, size=0, power=None):
    """A table of done candidates, f8[generation, slot]."""
    generations, slots = error.shape
    count = error.size
    power = np.arange(count) if power is None else np.asarray(power)
    return columns(
        "candidate",
        arm=np.zeros(count, np.uint8),
        learner=np.zeros(count, np.uint8),
        status=np.full(count, DONE, np.uint8),
        stage=np.zeros(count, np.int16),
        generation=np.repeat(np.arange(generations, dtype=np.int32), slots),
        slot=np.tile(np.arange(slots, dtype=np.int32), generations),
        first_trial=np.arange(count, dtype=np.int64) * size,
        trials=np.full(count, size, np.int32),
        error=error.ravel().astype(np.float32),
        error_se=np.asarray(error_se, np.float32).ravel(),
        label_power=power.ravel().astype(np.float32),
        distribution=np.zeros(count, np.float32),
        orthogonality=np.zeros(count, np.float32),
    )


def _no_trials():
    kinds = {"candidate": np.int32, "phase": np.uint8, "label": np.float32, "answer": np.float32}
    return columns("trial", **{name: np.zeros(0, kind) for name, kind in kinds.items()})

"""Small stores whose frame number k holds a function of k."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from controller.store import (
    OUTCOMES,
    SESSION_EVENTS,
    SESSION_PHASES,
    EventFrame,
    Frame,
    GenerationBlock,
    Layout,
    SessionEventFrame,
    StageFrame,
    Store,
    TrialFrame,
)
from controller.store.fold import ZARR_NAME
from sims.hardening.promises import require

LAYOUT = Layout(stimulus_dim=3, theta_dim=5, theta_log="all")
TERMS = ("error", "error_se", "label_power", "distribution", "orthogonality", "fitness")


def block(
    seed: int,
    rows: Mapping[str, int],
    *,
    generations: int = 2,
    slots: int = 3,
    n: int = 10,
    n_train: int = 4,
    shared: bool = True,
    layout: Layout = LAYOUT,
    **changed: object,
) -> GenerationBlock:
    """A block of random numbers that follows a store with so many rows."""
    rng = np.random.default_rng(seed)
    size = (generations, slots)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    values = {
        "arm": seed % 2,
        "stage": 0,
        "first_generation": seed * generations,
        "first_candidate": rows["candidates"],
        "first_stimulus": rows["stimuli"],
        "n_train": n_train,
        "learners": 1,
        "stimuli": normal(generations, 1 if shared else slots, n, layout.stimulus_dim),
        "labels": normal(*size, n),
        "answers": normal(*size, max(n - n_train, 0)),
        **{name: normal(*size) for name in TERMS},
        "status": rng.integers(0, 7, size, dtype=np.uint8),
        "attempts": rng.integers(0, 3, size, dtype=np.uint8),
        "theta": normal(*size, layout.theta_dim) if layout.theta_log == "all" else None,
        "recommended": (
            None if layout.theta_log == "none" else normal(generations, layout.theta_dim)
        ),
        "t_ns": rng.integers(0, 2**62, generations),
    }
    return GenerationBlock(**{**values, **changed})  # type: ignore[arg-type]


def frame(k: int, rows: Mapping[str, int]) -> Frame:
    """Frame number k: mostly blocks of 60 trials, some without trials, events, stages."""
    if k % 7 == 3:
        return EventFrame(k % 8, k * 10**9, 0, 1, k, 2, k / 3)
    if k % 7 == 5:
        return StageFrame(k % 2, k // 7, k, np.arange(5) * k, k * 11, k * 60, k * 6)
    if k % 7 == 6:
        return block(k, rows, n=0, n_train=4)
    return block(k, rows, shared=bool(k % 2))


def pulses(k: int, count: int) -> dict[str, np.ndarray]:
    """The pulses of frame number k."""
    at = np.arange(count)
    return {
        "pulse_line": at % 3,
        "pulse_id": 100 * k + at,
        "pulse_t_device_us": 10**6 * k + at,
        "pulse_width_us": 40_000 + at,
        "pulse_cut": at % 2,
        "pulse_volume_ul": np.where(at % 3 == 2, np.nan, 4.0 + at),
    }


def trial(k: int, **changed: object) -> TrialFrame:
    """A trial of which everything is a function of k."""
    edges = np.arange(k % 6)
    values = {
        "t_ns": k * 10**9,
        "t_device_us": k * 10**6,
        "stage": k % 3,
        "generation": k // 100,
        "slot": k % 7,
        "attempt": k % 2,
        "index": k - 5,
        "phase": k % len(SESSION_PHASES),
        "stimulus": k % 20 - 1,
        "label": np.nan if k % 4 else k / 1000,
        "answer": np.nan if k % 5 == 0 else -k / 1000,
        "outcome": k % len(OUTCOMES),
        "line": k % 3 - 1,
        "latency_us": np.nan if k % 5 == 0 else k * 100.0,
        "licks": k % 9,
        "volume_ul": 4.0 * (k % 2),
        "missing_events": int(k % 50 == 0),
        "flip_ns": k * 10**9 + 7,
        "photodiode_us": -1 if k % 10 == 0 else k * 10**6 + 3,
        "dropped_frames": 0,
        "overhead_us": k / 7,
        "x": np.arange(3) + k,
        "edge_line": edges % 2,
        "edge_level": edges % 2,
        "edge_t_device_us": 10**6 * k + edges,
        **pulses(k, k % 3),
    }
    return TrialFrame(**{**values, **changed})  # type: ignore[arg-type]


def words(k: int) -> str:
    """The words of event number k."""
    return f"note {k}: µl → {'x' * (k % 40)}"


def session_event(k: int, rows: Mapping[str, int], **changed: object) -> SessionEventFrame:
    """An event of which everything is a function of k."""
    values = {
        "kind": k % len(SESSION_EVENTS),
        "t_ns": k * 10**9,
        "trial": rows["trials"] - 1,
        "value": np.nan if k % 2 else k / 3,
        "text": np.frombuffer(words(k).encode(), np.uint8),
        **pulses(k, k % 2),
    }
    return SessionEventFrame(**{**values, **changed})  # type: ignore[arg-type]


def session_frame(k: int, rows: Mapping[str, int]) -> Frame:
    """Frame number k of a session: mostly trials."""
    return session_event(k, rows) if k % 5 == 1 else trial(k)


def frame_of(store: Store, k: int) -> Frame:
    """Frame number k of a store of either kind."""
    return (session_frame if store.layout.kind == "session" else frame)(k, store.rows)


def fill(store: Store, until: int) -> None:
    """Append the frames up to number `until`, one by one, each with its checkpoint."""
    for k in range(store.last_seq + 1, until + 1):
        store.append([frame_of(store, k)], state={"learner": {"k": np.array([k])}})


def new(folder: Path, frames: int = 0, *, followed: bool = False, **changed: object) -> Store:
    """A store with so many frames, open."""
    layout = Layout(**{"stimulus_dim": 3, "theta_dim": 5, "theta_log": "all", **changed})  # type: ignore[arg-type]
    store = Store.create(
        folder, document="name = 'x'\n", header={"seed": 1}, layout=layout, followed=followed
    )
    fill(store, frames)
    return store


def published(folder: Path) -> xr.DataTree:
    """What a reader sees, all in memory."""
    with xr.open_datatree(folder / ZARR_NAME, engine="zarr", chunks=None) as tree:
        return tree.load()


def check_agreement(tree: xr.DataTree) -> None:
    """All tables are of one moment."""
    marker = tree.attrs["biasloop"]["rows"]
    if tree.attrs["biasloop"]["layout"]["kind"] == "session":
        check_session(tree, marker)
        return
    rows = {
        "trials": tree["trials"].sizes["trial"],
        "events": tree["events"].sizes["event"],
        "candidates": tree["candidates"].sizes["candidate"],
        "generations": tree["generations"].sizes["generation"],
        "stages": tree["stages"].sizes["stage"],
        "stimuli": tree["stimuli"].sizes["stimulus"],
    }
    require(rows == marker, (rows, marker))
    trials = tree["candidates"]["trials"].to_numpy()
    require(trials.sum() == rows["trials"], "trials of candidates")
    require(
        tree["generations"]["trials"].to_numpy().sum() == rows["trials"], "trials of generations"
    )
    require(rows["candidates"] == 3 * rows["generations"], "candidates of generations")
    first = tree["candidates"]["first_trial"].to_numpy()
    require(np.array_equal(first, np.cumsum(trials) - trials), "the first trial of candidates")
    candidate = tree["trials"]["candidate"].to_numpy()
    require(
        np.array_equal(candidate, np.repeat(np.arange(len(trials)), trials)),
        "the candidate of trials",
    )
    stimulus = tree["trials"]["stimulus"].to_numpy()
    require(stimulus.max(initial=-1) == rows["stimuli"] - 1, "the stimulus of trials")
    require(not np.isnan(tree["trials"]["label"].to_numpy()).any(), "labels")
    require(not np.isnan(tree["stimuli"]["x"].to_numpy()).any(), "stimuli")


def check_session(tree: xr.DataTree, marker: Mapping[str, int]) -> None:
    """All tables of a session are of one moment, and refer to each other."""
    rows = {name: tree[name].sizes[name[:-1]] for name in marker}
    require(rows == marker, (rows, marker))
    until = tree.attrs["biasloop"]["seq"]
    trials = [k for k in range(1, until + 1) if k % 5 != 1]
    events = [k for k in range(1, until + 1) if k % 5 == 1]
    require(np.array_equal(tree["trials"]["t_ns"], np.array(trials) * 10**9), "times of trials")
    require(np.array_equal(tree["events"]["t_ns"], np.array(events) * 10**9), "times of events")
    edges = np.repeat(np.arange(len(trials)), [k % 6 for k in trials])
    require(np.array_equal(tree["edges"]["trial"], edges), "the trial of edges")
    pulse_of = np.repeat(
        np.arange(1, until + 1), [k % 2 if k % 5 == 1 else k % 3 for k in range(1, until + 1)]
    )
    require(np.array_equal(tree["pulses"]["id"].to_numpy() // 100, pulse_of), "the frame of pulses")
    place = {k: row for row, k in enumerate(trials)}
    require(
        tree["pulses"]["trial"].to_numpy().tolist() == [place.get(k, -1) for k in pulse_of],
        "the trial of pulses",
    )

"""Small published stores: an experiment's, and sessions', of which trial k is a function of k."""

import numpy as np

from controller.store import (
    SESSION_EVENTS,
    GenerationBlock,
    Layout,
    SessionEventFrame,
    Store,
    TrialFrame,
)

DOCUMENT = """\
name = "colours"
[space]
kind = "circle"
[stages]
count = 2
generations = 40
[session]
minutes = 90.0
trials = 900
"""
LIMITS = {
    "name": "m1",
    "water_min_ul": 800.0,
    "water_max_ul": 2000.0,
    "minutes_max": 60.0,
    "puffs_max": 60,
}
LINES = ("lick_left", "puff", "valve_left")
BEGAN_NS = 1_790_000_000_000_000_000
TRIAL_NS = 6 * 10**9
NO_PULSES = {
    "pulse_line": np.zeros(0, "i1"),
    "pulse_id": np.zeros(0, "i8"),
    "pulse_t_device_us": np.zeros(0, "i8"),
    "pulse_width_us": np.zeros(0, "i8"),
    "pulse_cut": np.zeros(0, "u1"),
    "pulse_volume_ul": np.zeros(0, "f8"),
}


def pulses(line, volume_ul):
    values = (line, 1, 10, 20, 0, volume_ul)
    return {
        name: np.array([value], array.dtype)
        for (name, array), value in zip(NO_PULSES.items(), values, strict=True)
    }


def label(k):
    """Of trial k, 0, 1, …; 0 of every seventh."""
    return 0.0 if k % 7 == 6 else float(np.float32(np.sin(1.7 * k)))


def answer(k):
    """To trial k; of every fifth there is none."""
    return float("nan") if k % 5 == 4 else float(np.float32(np.cos(2.3 * k)))


def trial(k, **changed):
    """Return trial k of a session: training, but for every fourth, which is a test."""
    test = k % 4 == 3
    values = {
        "t_ns": (k + 1) * TRIAL_NS,
        "t_device_us": k * 10**6,
        "stage": 0,
        "generation": k // 24,
        "slot": 1,
        "attempt": 0,
        "index": k % 24,
        "phase": int(test),
        "stimulus": k % 24,
        "label": np.nan if test else label(k),
        "answer": answer(k),
        "outcome": 1,
        "line": 0,
        "latency_us": 1000.0 * (k + 100),
        "licks": 3,
        "volume_ul": 4.0,
        "missing_events": 0,
        "flip_ns": -1,
        "photodiode_us": -1,
        "dropped_frames": 0,
        "overhead_us": 100.0,
        "x": np.array([np.cos(k), np.sin(k)], "f4"),
        "edge_line": np.zeros(0, "i1"),
        "edge_level": np.zeros(0, "u1"),
        "edge_t_device_us": np.zeros(0, "i8"),
        **pulses(2, 4.0),
    }
    return TrialFrame(**{**values, **changed})


def event(kind, t_s=1.0, value=np.nan, after=-1, **pulsed):
    return SessionEventFrame(
        kind=SESSION_EVENTS.index(kind),
        t_ns=int(t_s * 1e9),
        trial=after,
        value=value,
        text=np.zeros(0, "u1"),
        **{**NO_PULSES, **pulsed},
    )


def session(folder, *, subject="m1", began_ns=BEGAN_NS, followed=False, limits=LIMITS, **header):
    """Make a session's store, open."""
    return Store.create(
        folder,
        document=DOCUMENT,
        header={
            "name": folder.name,
            "experiment": "colours",
            "subject": subject,
            "rig": "box 1",
            "created_ns": began_ns,
            "lines": list(LINES),
            "limits": limits,
            **header,
        },
        layout=Layout(
            stimulus_dim=2, theta_dim=1, theta_log="none", origin="emulated", kind="session"
        ),
        followed=followed,
    )


def block(first, generations=2, slots=3, n=10, n_train=6):
    """Return generations of an experiment from generation `first` on."""
    rng = np.random.default_rng(first)
    size = (generations, slots)
    return GenerationBlock(
        arm=0,
        stage=0,
        first_generation=first,
        first_candidate=first * slots,
        first_stimulus=first * n,
        n_train=n_train,
        learners=1,
        stimuli=rng.standard_normal((generations, 1, n, 2), dtype=np.float32),
        labels=rng.uniform(-1, 1, (*size, n)).astype("f4"),
        answers=rng.uniform(-1, 1, (*size, n - n_train)).astype("f4"),
        **{
            name: rng.uniform(0, 1, size).astype("f4")
            for name in (
                *("error", "error_se", "label_power", "distribution", "orthogonality", "fitness"),
            )
        },
        status=np.full(size, 3, "u1"),
        attempts=np.ones(size, "u1"),
        theta=None,
        recommended=None,
        t_ns=np.arange(generations) + first,
    )


def experiment(folder, *, generations=6, name="colours", origin="emulated", began_ns=BEGAN_NS):
    """Make an experiment's store and close it."""
    store = Store.create(
        folder,
        document=DOCUMENT,
        header={"name": name, "seed": 1, "created_ns": began_ns},
        layout=Layout(stimulus_dim=2, theta_dim=3, theta_log="none", origin=origin),
    )
    with store:
        for first in range(0, generations, 2):
            store.append([block(first)])
    return folder

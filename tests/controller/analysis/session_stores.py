"""Stores of sessions, written frame by frame, and an experiment's folder around them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from controller.analysis.source import Source, open_source
from controller.store import SESSION_EVENTS, Layout, SessionEventFrame, Store, TrialFrame

S = 10**9
LINES = ("lick", "photodiode", "puff", "valve")
RIG = """\
name = "bench"
[outputs.valve]
kind = "valve"
[outputs.puff]
kind = "puff"
"""
LIMITS = {
    "name": "m1",
    "baseline_weight_g": 25.0,
    "min_weight_fraction": 0.8,
    "water_max_ul": 100.0,
    "water_min_ul": 40.0,
    "top_up": "by hand",
    "puffs_max": 3,
    "minutes_max": 60.0,
}
NAN = float("nan")
Pulse = tuple[str, float]
"""Line, and volume (µl; NaN: none)."""


def pulses_of(pulses: Sequence[Pulse], first: int = 0) -> dict[str, np.ndarray]:
    """Return the columns of pulses; a line that nobody knows has the code 99."""
    codes = [LINES.index(line) if line in LINES else 99 for line, _ in pulses]
    count = len(pulses)
    return {
        "pulse_line": np.array(codes, "i1"),
        "pulse_id": first + np.arange(count),
        "pulse_t_device_us": np.arange(count) * 1000,
        "pulse_width_us": np.full(count, 20_000),
        "pulse_cut": np.zeros(count, "u1"),
        "pulse_volume_ul": np.array([volume for _, volume in pulses], "f8"),
    }


def trial(t_ns: int, pulses: Sequence[Pulse] = (), **changes: Any) -> TrialFrame:
    """Return one trial in which nothing happened but what is said."""
    volumes = [volume for _, volume in pulses]
    values: dict[str, Any] = {
        **dict.fromkeys(("stage", "generation", "slot", "attempt", "index", "phase"), 0),
        **dict.fromkeys(("stimulus", "outcome", "licks", "missing_events"), 0),
        **dict.fromkeys(("t_device_us", "line", "flip_ns", "photodiode_us"), -1),
        **dict.fromkeys(("label", "answer", "latency_us"), NAN),
        "dropped_frames": 0,
        "overhead_us": 500.0,
        "volume_ul": float(np.nansum(volumes)),
        "x": np.zeros(2, "f4"),
        "edge_line": np.zeros(0, "i1"),
        "edge_level": np.zeros(0, "u1"),
        "edge_t_device_us": np.zeros(0, "i8"),
    }
    return TrialFrame(t_ns=t_ns, **{**values, **pulses_of(pulses), **changes})


def event(
    kind: str, t_ns: int = 0, value: float = NAN, pulses: Sequence[Pulse] = (), after: int = -1
) -> SessionEventFrame:
    """Return one event after that trial."""
    return SessionEventFrame(
        kind=SESSION_EVENTS.index(kind),
        t_ns=t_ns,
        trial=after,
        value=value,
        text=np.zeros(0, "u1"),
        **pulses_of(pulses, 1000),
    )


def write_session(
    folder: Path,
    frames: Sequence[Any],
    *,
    began_ns: int = 0,
    status: str = "finished",
    **header: Any,
) -> Path:
    """Write one session; `header` overrides what is in its header."""
    values = {
        "name": folder.name,
        "subject": "m1",
        "rig": "bench",
        "created_ns": began_ns,
        "device": {"id": "d1", "boot_id": 1},
        "lines": list(LINES),
        "rig_document": RIG,
        "limits": LIMITS,
        "weight_g": None,
    }
    layout = Layout(
        stimulus_dim=2, theta_dim=1, theta_log="none", origin="emulated", kind="session"
    )
    store = Store.create(folder, document="x = 1\n", header={**values, **header}, layout=layout)
    with store:
        if frames:
            store.append(list(frames))
        store.close(status)
    return folder


def experiment(folder: Path) -> Path:
    """Write an experiment of which nothing but its sessions is there."""
    layout = Layout(stimulus_dim=2, theta_dim=1, theta_log="none", origin="emulated")
    with Store.create(folder, document="x = 1\n", header={"name": "e"}, layout=layout) as store:
        store.close("stopped")
    return folder


def sessions(folder: Path, *written: dict[str, Any]) -> Source:
    """Write an experiment with sessions, each given as what `write_session` takes, and open it."""
    experiment(folder)
    for number, one in enumerate(written):
        name = one.pop("name", f"s{number}")
        write_session(folder / "sessions" / name, **{"began_ns": (number + 1) * S, **one})
    return open_source(folder)

"""Sessions to export, and what tests of all formats compare with."""

import hashlib

import numpy as np

from controller.store import SESSION_EVENTS, Layout, SessionEventFrame, Store, TrialFrame

DOCUMENT = 'name = "tones"\n# Töne, ½ µl\n'
LINES = ["lick_left", "lick_right", "valve_left"]
RATE, OFFSET_S = 1.0008, 12.5
"""Of the device's clock, by that of the session."""
WORDS = ('a note with "quotes", a comma', "Maus müde\nзаметка 🐭", "")


def make_session(folder, number, *, trials=25, created_ns=10**18 + 1):
    """Make a session's store of random trials, with events that say something."""
    header = {
        "name": folder.name,
        "experiment": "tones",
        "subject": "m1",
        "rig": "bench/left",
        "origin": "emulated",
        "created_ns": created_ns,
        "device": {"id": "uno-7", "firmware": "1.2", "build": "b", "boot_id": 5},
        "lines": LINES,
        "document_sha256": hashlib.sha256(DOCUMENT.encode()).hexdigest(),
        "rig_document": 'name = "bench"\n',
        "weight_g": 24.5,
        "versions": {"numpy": "2.0"},
    }
    layout = Layout(
        stimulus_dim=2, theta_dim=1, theta_log="none", origin="emulated", kind="session"
    )
    rng = np.random.default_rng(number)
    with Store.create(folder, document=DOCUMENT, header=header, layout=layout) as store:
        for trial in range(trials):
            store.append([trial_frame(rng, trial)])
            if trial < len(WORDS):
                store.append([event_frame(rng, trial, WORDS[trial])])


def trial_frame(rng, trial):
    """Return a trial that is stored some ms after the last event of its device."""
    go_us = 1_000_000 + trial * 4_000_000 + int(rng.integers(0, 10**5))
    edges = go_us + np.sort(rng.integers(10**4, 10**6, 3))
    width_us = 20_000
    last_s = (int(edges[-1]) + 1000 + width_us) / 1e6
    delay_s = float(rng.uniform(0.001, 0.05)) if trial % 3 else 0.001
    stored_s = OFFSET_S + RATE * last_s + delay_s
    return TrialFrame(
        t_ns=round(stored_s * 1e9),
        t_device_us=go_us if trial % 7 else -1,
        stage=0,
        generation=trial // 10,
        slot=0,
        attempt=0,
        index=trial % 10,
        phase=trial % 6,
        stimulus=trial % 4,
        label=float(rng.normal()) if trial % 3 else float("nan"),
        answer=float(rng.uniform(-1, 1)),
        outcome=1,
        line=int(rng.integers(-1, 3)),
        latency_us=float(rng.uniform(1e5, 1e6)),
        licks=int(rng.integers(0, 9)),
        volume_ul=float(rng.uniform(0, 5)),
        missing_events=0,
        flip_ns=-1,
        photodiode_us=-1,
        dropped_frames=0,
        overhead_us=float("nan"),
        x=rng.normal(size=2).astype("f4"),
        edge_line=np.array([0, 1, 0], "i1"),
        edge_level=np.array([1, 0, 1], "u1"),
        edge_t_device_us=edges,
        pulse_line=np.array([2], "i1"),
        pulse_id=np.array([2**40 + trial]),
        pulse_t_device_us=edges[-1:] + 1000,
        pulse_width_us=np.array([width_us]),
        pulse_cut=np.array([0], "u1"),
        pulse_volume_ul=np.array([float(rng.uniform(0, 5))]),
    )


def event_frame(rng, trial, words):
    """Return an event with words."""
    none = np.zeros(0)
    return SessionEventFrame(
        kind=SESSION_EVENTS.index("note"),
        t_ns=int(rng.integers(0, 10**12)),
        trial=trial,
        value=float("nan"),
        text=np.frombuffer(words.encode(), np.uint8),
        pulse_line=none.astype("i1"),
        pulse_id=none.astype("i8"),
        pulse_t_device_us=none.astype("i8"),
        pulse_width_us=none.astype("i8"),
        pulse_cut=none.astype("u1"),
        pulse_volume_ul=none,
    )


def flat_columns(table):
    """Return a table's columns, vectors as one column for each value."""
    flat: dict[str, np.ndarray] = {}
    for name in table:
        values = table[name]
        if values.ndim == 1:
            flat[name] = values
        else:
            flat |= {f"{name}_{place}": values[:, place] for place in range(values.shape[1])}
    return flat

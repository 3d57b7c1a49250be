"""Sessions become an experiment's folder: a store for it, and one for each session."""

import hashlib
import importlib.metadata
import platform
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from controller.export.whole_folder import whole_folder
from controller.importing.errors import ImportTrialsError
from controller.importing.trials import ImportedSession, ImportedTrials
from controller.store import OUTCOMES, Layout, Store, TrialFrame
from controller.store.schema import Kind

SESSIONS = "sessions"
AT_ONCE = 2048
"""Trials that are stored in one go."""
NAN, NONE = float("nan"), -1
PACKAGES = ("biasloop", "numpy", "zarr")


def write_stores(trials: ImportedTrials, folder: Path) -> Path:
    """Make the experiment's folder: all of it or nothing.

    Raises:
        ImportTrialsError: something is there already, or it can't be written.
        controller.store.StoreError: a store can't be written.
    """
    with whole_folder(folder, ImportTrialsError) as partial:
        with _store(partial, trials, _header(trials), kind="experiment"):
            pass
        for place, session in enumerate(trials.sessions):
            name = session_name(trials, place)
            header = _session_header(trials, session, name)
            with _store(partial / SESSIONS / name, trials, header, kind="session") as store:
                _append(store, session, place)
    return folder


def session_name(trials: ImportedTrials, place: int) -> str:
    """Return the name of a session's folder; names have the order of the sessions."""
    session = trials.sessions[place]
    subject = re.sub(r"[^\w.-]+", "-", session.subject).strip(".-")[:64] or "unknown"
    width = max(4, len(str(len(trials.sessions))))
    if not session.began_ns:
        return f"{place:0{width}d}_{subject}"
    began = datetime.fromtimestamp(session.began_ns // 10**9, UTC).strftime("%Y-%m-%dT%H%M%SZ")
    return f"{began}_{subject}_{place:0{width}d}"


def _header(trials: ImportedTrials) -> dict[str, Any]:
    began = [session.began_ns for session in trials.sessions]
    return {"name": trials.name, "created_ns": min(began), "control": False, **_about(trials)}


def _session_header(trials: ImportedTrials, session: ImportedSession, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "experiment": trials.name,
        "subject": session.subject,
        "session": session.key,
        "rig": "unknown",
        "origin": "imported",
        "created_ns": session.began_ns,
        "device": {},
        "lines": [],
        **_about(trials),
    }


def _about(trials: ImportedTrials) -> dict[str, Any]:
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {
        "source": dict(trials.source),
        "features": list(trials.features),
        "document_sha256": hashlib.sha256(trials.document.encode()).hexdigest(),
        "imported_ns": time.time_ns(),
        "python": platform.python_version(),
        "versions": versions,
    }


def _store(folder: Path, trials: ImportedTrials, header: Mapping[str, Any], *, kind: Kind) -> Store:
    layout = Layout(
        stimulus_dim=len(trials.features),
        theta_dim=1,
        theta_log="none",
        origin="imported",
        kind=kind,
    )
    return Store.create(folder, document=trials.document, header=header, layout=layout)


def _append(store: Store, session: ImportedSession, place: int) -> None:
    frames = list(_frames(session, place))
    for first in range(0, len(frames), AT_ONCE):
        store.append(frames[first : first + AT_ONCE])


def _frames(session: ImportedSession, place: int) -> Iterator[TrialFrame]:
    """Yield a session's trials; the session stands for an episode, with one number in all."""
    stimulus = _stimulus_numbers(session)
    for row in range(len(session)):
        answered = not np.isnan(session.answer[row])
        yield TrialFrame(
            t_ns=int(session.t_ns[row]),
            t_device_us=NONE,
            stage=0,
            generation=place,
            slot=0,
            attempt=0,
            index=int(session.index[row]),
            phase=int(session.phase[row]),
            stimulus=int(stimulus[row]),
            label=float(session.label[row]),
            answer=float(session.answer[row]),
            outcome=OUTCOMES.index("responded" if answered else "no_response"),
            line=NONE,
            latency_us=float(session.latency_us[row]),
            licks=int(answered),
            volume_ul=float(session.volume_ul[row]),
            missing_events=0,
            flip_ns=NONE,
            photodiode_us=NONE,
            dropped_frames=0,
            overhead_us=NAN,
            x=session.x[row],
            **_NO_EVENTS,
        )


_NO_EVENTS: Mapping[str, np.ndarray] = {
    name: np.zeros(0, dtype) for name, (dtype, _) in TrialFrame.ARRAYS.items() if name != "x"
}


def _stimulus_numbers(session: ImportedSession) -> np.ndarray:
    """Return a number for each different stimulus of a phase, in the order of their values."""
    numbers = np.zeros(len(session), np.int64)
    for phase in np.unique(session.phase):
        rows = session.phase == phase
        _, numbers[rows] = np.unique(session.x[rows], axis=0, return_inverse=True)
    return numbers

"""A bug bundle: what somebody needs to understand a fault, and nothing that gives a study away."""

import importlib.metadata
import io
import json
import platform
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from controller.session.errors import NotReady
from controller.store import (
    SESSION_EVENTS,
    History,
    SessionEventFrame,
    StoreError,
    TrialFrame,
    read,
    status,
)

LAST_TRIALS = 100
PACKAGES = ("biasloop", "numpy", "zarr", "xarray", "jax", "pyserial", "psychopy-lib", "pydantic")


def pack(folder: Path, target: Path, *, theta: bool = False) -> Path:
    """Write a zip file about a session, or about an experiment and its last session.

    Args:
        folder: of either.
        target: must not exist.
        theta: whether to put in the candidates' θ.

    Raises:
        NotReady: there is nothing to pack, or the file exists.
        StoreError: the store can't be read.
    """
    if target.exists():
        raise NotReady(f"{target} exists: give another file (--out)")
    if not (folder / "journal.sqlite").exists():
        raise NotReady(f"{folder} is no session and no experiment (no journal.sqlite in it)")
    session = _session(folder)
    files: dict[str, bytes] = {"versions.json": _json(_versions())}
    for name, place in (("experiment", folder), ("session", session)):
        if place is not None:
            files |= _store(name, place)
    if session is not None:
        files["trials.csv"], files["events.txt"] = _last_trials(session)
    if theta and session != folder:
        files["theta.npy"] = _theta(folder)
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return target


def _session(folder: Path) -> Path | None:
    """Return the session that a folder is, or its last one."""
    with History(folder) as history:
        if history.layout.kind == "session":
            return folder
    found = sorted(path for path in (folder / "sessions").glob("*") if path.is_dir())
    return found[-1] if found else None


def _store(name: str, folder: Path) -> dict[str, bytes]:
    with History(folder) as history:
        header, document = dict(history.header), history.document
    rig = header.pop("rig_document", None)
    files = {
        f"{name}/header.json": _json(header),
        f"{name}/status.json": _json(status(folder)),
        f"{name}/protocol.toml": document.encode(),
    }
    if rig is not None:
        files[f"{name}/rig.toml"] = str(rig).encode()
    return files


def _last_trials(folder: Path) -> tuple[bytes, bytes]:
    """Return the last trials as a table, and every event in words."""
    names = [
        name
        for name in TrialFrame.__dataclass_fields__
        if name not in TrialFrame.ARRAYS and name != "ARRAYS"
    ]
    trials: list[TrialFrame] = []
    lines = []
    with History(folder) as history:
        for _, frame in history.frames():
            if isinstance(frame, TrialFrame):
                trials = [*trials[-LAST_TRIALS + 1 :], frame]
            elif isinstance(frame, SessionEventFrame):
                kind = SESSION_EVENTS[frame.kind]
                lines.append(f"{frame.t_ns / 1e9:.3f} s  {kind}  {frame.value}  {frame.words}")
    rows = [",".join(names)]
    rows += [",".join(str(getattr(frame, name)) for name in names) for frame in trials]
    return "\n".join(rows).encode(), "\n".join(lines).encode()


def _theta(folder: Path) -> bytes:
    try:
        table = read(folder)["candidates"]
        values = np.asarray(table["theta"].values)
    except (KeyError, StoreError) as error:
        raise NotReady(f"{folder} keeps no θ: {error}") from error
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def _versions() -> dict[str, Any]:
    found = {"python": sys.version, "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, default=str).encode()

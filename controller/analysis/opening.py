"""Tidy access for notebooks: one tree of tables in which rows explain themselves."""

from pathlib import Path

import numpy as np
import xarray as xr

from controller.analysis.presented import presented
from controller.analysis.source import Source, open_source
from controller.store import SESSION_PHASES


def open_store(folder: Path | str) -> xr.DataTree:
    """Return everything that a folder holds.

    Args:
        folder: of an experiment or of a session.

    Returns:
        A tree with the attributes `name`, `origin`, `exit_status` and, where something couldn't be
        read, `problems`. Its nodes are the experiment's tables as they are stored (`/trials`,
        `/candidates`, …), one node for each session (`/sessions/NAME/trials`, `…/events`,
        `…/edges`, `…/pulses`, with subject and rig as attributes), and `/presented`: every trial of
        all sessions (else of the simulated learner) with its label where that is known, its answer,
        subject and time.

    Raises:
        controller.store.StoreError: nothing can be read.
    """
    source = open_source(Path(folder))
    nodes = {f"/{name}": table.dataset for name, table in source.tables.items()}
    for session in source.sessions:
        at = f"/sessions/{session.name}"
        nodes[at] = xr.Dataset(
            attrs={
                "subject": session.subject,
                "rig": str(session.header.get("rig", "")),
                "exit_status": session.exit_status,
                "began": np.datetime64(session.began_ns, "ns").astype(str),
            }
        )
        nodes |= {f"{at}/{name}": table.dataset for name, table in session.tables.items()}
    nodes["/presented"] = _tidy(source)
    tree = xr.DataTree.from_dict(nodes)
    tree.attrs = {
        "name": source.name,
        "origin": source.origin,
        "exit_status": source.exit_status,
        **({"problems": list(source.problems)} if source.problems else {}),
    }
    return tree


def _tidy(source: Source) -> xr.Dataset:
    """Return every trial with what it takes to read it alone."""
    trials = presented(source)
    named = {
        "session": _of_session(source, trials.session, [one.name for one in source.sessions]),
        "subject": _of_session(source, trials.session, [one.subject for one in source.sessions]),
        "phase": np.array(SESSION_PHASES)[trials.phase],
        "time": np.where(trials.t_ns < 0, np.datetime64("NaT"), trials.t_ns.astype("M8[ns]")),
        **{
            name: getattr(trials, name)
            for name in ("stage", "generation", "slot", "attempt", "index", "label", "answer")
        },
        "latency_us": trials.latency_us,
    }
    units = {"latency_us": "us"}
    return xr.Dataset(
        {
            name: xr.Variable("trial", values, {"units": units[name]} if name in units else {})
            for name, values in named.items()
        }
    )


def _of_session(source: Source, place: np.ndarray, names: list[str]) -> np.ndarray:
    """Return what belongs to each trial's session; empty for a simulated learner's."""
    return np.array([*names, ""])[place] if source.sessions else np.full(len(place), "")

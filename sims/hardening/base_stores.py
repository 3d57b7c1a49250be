"""Good stores to damage: a small experiment with its sessions, closed and as a kill leaves it."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from controller.store import History, Store

BEGIN_UTC_NS = 1_750_000_000 * 10**9
_SETTINGS = ("stages.count=1", "stages.generations=2", "session.trials=48")


def make(folder: Path) -> list[Path]:
    """Return an experiment, one of its sessions, and both as a killed writer leaves them."""
    experiment = folder / "experiment"
    _rehearse(experiment)
    session = min(experiment.glob("sessions/*"))
    return [
        experiment,
        session,
        as_killed(experiment, folder / "killed-experiment"),
        as_killed(session, folder / "killed-session"),
    ]


def as_killed(whole: Path, folder: Path) -> Path:
    """Copy a store as it was while it was written, with frames that were never published."""
    with History(whole) as history:
        layout = history.layout
        frames = [frame for _, frame in history.frames()]
        document, header = history.document, history.header
    scratch = folder.with_name(f"{folder.name}.open")
    store = Store.create(scratch, document=document, header=header, layout=layout)
    for number, frame in enumerate(frames):
        store.append([frame], {"state": {}})
        if number < len(frames) // 2:
            store.fold()
    shutil.copytree(scratch, folder)
    store.close("finished")
    shutil.rmtree(scratch)
    return folder


def _rehearse(folder: Path, settings: Sequence[str] = _SETTINGS) -> None:
    from controller import jax_cache
    from controller.document import load_experiment
    from controller.rehearsal import Rehearsal, rehearse
    from learners.simulated_subject import Behaviour
    from protocols.library import ready
    from protocols.rig_document import load_rig
    from protocols.rigs import ready as ready_rigs

    jax_cache.enable()
    document, rig = load_rig(ready_rigs()["emulated"])
    mapping = document.value.mapping
    rehearsal = Rehearsal(
        folder=folder,
        settings=rig,
        mapping=None if mapping is None else mapping.build(),
        rig_document=document.text,
        behaviour=Behaviour(),
        begin_utc_ns=BEGIN_UTC_NS,
    )
    rehearse(rehearsal, load_experiment(ready()["animal"], tuple(settings)))

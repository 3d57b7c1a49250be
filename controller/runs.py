"""Beginning a dry-run and going on with one: document and folder in, a closed store out."""

import importlib.metadata
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from controller.document import Experiment
from controller.loop import DryRun, LoopError, Progress
from controller.store import Layout, Origin, Store, status
from protocols.documents import Document, DocumentError, parse

RECORDED_PACKAGES = ("biasloop", "jax", "jaxlib", "numpy", "evosax", "equinox", "optax", "zarr")
_GO_ON: Mapping[Origin, str] = {
    "animal": "go on with `biasloop run PROTOCOL --rig RIG --subject NAME --out {folder}`",
    "simavr": "go on with `biasloop dryrun PROTOCOL --rig simavr_screen --out {folder}`",
    "emulated": "go on with `biasloop dryrun PROTOCOL --rig emulated --out {folder}`",
    "imported": "nothing can be added to imported trials; `biasloop analyse {folder}` reads them",
}


def begin(
    document: Document[Experiment],
    folder: Path,
    *,
    control: bool = True,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Run an experiment into a new store.

    Args:
        document: the protocol document.
        folder: where the store is made; must not exist or be empty.
        control: whether the paired search without a learner runs after the real one.
        on_progress: called after each block of generations.
        should_stop: asked between blocks; True ends the run where it can be resumed.

    Returns:
        True when it is finished, False when it was asked to stop before.
    """
    store = create(document, folder, control=control)
    return _run(document.value, store, on_progress, should_stop)


def create(
    document: Document[Experiment],
    folder: Path,
    *,
    control: bool,
    origin: Origin = "simulated",
    live: bool = False,
) -> Store:
    """Make an experiment's store, and leave it open.

    Args:
        document: the protocol document.
        folder: must not exist or be empty.
        control: whether the paired search without a learner runs after the real one.
        origin: where the answers come from.
        live: whether every append survives a power cut.
    """
    experiment = document.value
    layout = Layout(
        stimulus_dim=experiment.space.build().dim,
        theta_dim=experiment.design().theta_size,
        theta_log=experiment.log.theta,
        origin=origin,
        live=live,
    )
    header = {
        "name": experiment.name,
        "seed": experiment.seed,
        "control": control,
        "document_sha256": document.sha256,
        "stimuli_sha256": experiment.space.build().sha256,
        "created_ns": time.time_ns(),
        **software(),
    }
    return Store.create(folder, document=document.text, header=header, layout=layout)


def go_on(
    folder: Path,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Go on with the run in a folder, from wherever it was left or killed.

    Raises:
        LoopError: its answers aren't a simulated learner's, and would be mixed with some.
    """
    origin = status(folder)["origin"]
    if origin != "simulated":
        raise LoopError(
            f"the answers in {folder} are of origin {origin!r}, a simulated learner's would be "
            f"mixed with them: {_GO_ON[origin].format(folder=folder)}"
        )
    store = Store.open(folder)
    try:
        experiment = frozen_document(store.document, folder).value
    except BaseException:
        store.close("failed")
        raise
    return _run(experiment, store, on_progress, should_stop)


def frozen_document(text: str, folder: Path) -> Document[Experiment]:
    """Read the document that a store keeps.

    Raises:
        LoopError: its trials are imported, and their document says what columns meant.
        DocumentError: it isn't a valid document.
    """
    try:
        return parse(text, Experiment, name=str(folder / "experiment.toml"))
    except DocumentError:
        if status(folder)["origin"] != "imported":
            raise
    raise LoopError(
        f"the trials in {folder} are somebody else's, imported: there is no experiment to go on "
        f"with, to repeat or to fit; {_GO_ON['imported'].format(folder=folder)}"
    )


def software() -> dict[str, Any]:
    """Return what the numbers of a run depend on besides its document."""
    versions = {}
    for name in RECORDED_PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "unknown"
    return {
        "versions": versions,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def _run(
    experiment: Experiment,
    store: Store,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> bool:
    with store:
        run = DryRun(experiment, store, on_progress=on_progress, should_stop=should_stop)
        finished = run.run()
        store.close("finished" if finished else "interrupted")
    return finished

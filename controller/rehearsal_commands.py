"""`biasloop dryrun --rig …`: from the command's words to a rehearsal."""

import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

from controller.paths import protocol_path, rig_path
from controller.session.session import Ending

Protocol = tuple[str, list[str] | None, int | None]


def rehearse(
    protocol: Protocol,
    rig: str,
    *,
    out: Path | None,
    control: bool,
    behaviour: Sequence[str],
    sessions: int,
) -> tuple[bool, Path]:
    """Run an experiment with a simulated animal, or go on with it.

    Args:
        protocol: document, overrides and seed.
        rig: a rig document, or the name of a ready one.
        out: folder of the experiment.
        control: whether the paired search without a learner runs in the end.
        behaviour: NAME=NUMBER of the simulated animal.
        sessions: most sessions; 0 for as many as it takes.

    Returns:
        Whether the experiment is over, and its folder.
    """
    from hardware.rig_settings import EMULATED
    from protocols.rig_document import load_rig

    name, overrides, seed = protocol
    path = protocol_path(name)
    given = (*(overrides or ()), *(() if seed is None else (f"seed={seed}",)))
    document, settings = load_rig(rig_path(rig))
    values = _behaviour(behaviour)
    folder = out or Path("runs") / f"{path.stem}-{settings.name}-seed{seed or 0}"
    if settings.port == EMULATED:
        return _emulated(path, given, document, settings, folder, control, values, sessions), folder
    return _on_board(path, given, rig_path(rig), folder, control, values, sessions), folder


def _emulated(
    path: Path,
    overrides: tuple[str, ...],
    document: Any,
    settings: Any,
    folder: Path,
    control: bool,
    behaviour: dict[str, float],
    sessions: int,
) -> bool:
    from controller import jax_cache
    from controller.document import load_experiment
    from controller.rehearsal import Rehearsal
    from controller.rehearsal import rehearse as run
    from controller.session.controls import TerminalControls
    from learners.simulated_subject import Behaviour

    jax_cache.enable()
    experiment = load_experiment(path, overrides)
    mapping = document.value.mapping
    rehearsal = Rehearsal(
        folder=folder,
        settings=settings,
        mapping=None if mapping is None else mapping.build(),
        rig_document=document.text,
        behaviour=Behaviour(**behaviour),
        begin_utc_ns=time.time_ns(),
        control=control,
        say=_say,
    )
    with TerminalControls(_say).listening() as controls:
        return run(
            rehearsal,
            experiment,
            controls=controls,
            on_session=_tell(folder),
            sessions=sessions or None,
        )


def _on_board(
    path: Path,
    overrides: tuple[str, ...],
    rig: Path,
    folder: Path,
    control: bool,
    behaviour: dict[str, float],
    sessions: int,
) -> bool:
    from controller.session.on_rig import Request, run_on_rig
    from controller.session.unlimited import unlimited

    request = Request(
        protocol=path,
        overrides=overrides,
        rig=rig,
        lab=folder / "lab",
        folder=folder,
        limits=unlimited("simulated"),
        weight_g=None,
        check=True,
        say=_say,
        animal=behaviour,
        control=control,
        sessions=sessions,
    )
    _, ending = run_on_rig(request)
    return ending.status == "finished"


def _behaviour(words: Sequence[str]) -> dict[str, float]:
    from learners.simulated_subject import Behaviour

    known = [field.name for field in fields(Behaviour)]
    values = {}
    for word in words:
        name, _, number = word.partition("=")
        try:
            values[name] = float(number)
        except ValueError:
            raise typer.BadParameter(f"expected NAME=NUMBER, got {word!r}") from None
        if name not in known:
            raise typer.BadParameter(f"no behaviour {name!r}; there are {', '.join(known)}")
    return values


def _tell(folder: Path):
    begun_s = time.monotonic()

    def tell(ending: Ending) -> None:
        from controller.session.on_rig import sessions_of

        number = len(sessions_of(folder))
        _say(f"session {number} over after {time.monotonic() - begun_s:.0f} s: {ending.reason}")

    return tell


def _say(message: str) -> None:
    typer.echo(message, err=True)

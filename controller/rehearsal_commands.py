"""`biasloop dryrun --rig …`: from the command's words to a rehearsal."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

import typer

from controller.paths import protocol_path, rig_path
from controller.session.parts import Ending
from hardware.rig_settings import EMULATED, RigSettings
from protocols.documents import Document
from protocols.rig_document import Rig, load_rig

Protocol = tuple[str, list[str] | None, int | None]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was asked for."""

    protocol: Path
    overrides: tuple[str, ...]
    rig: Path
    folder: Path
    control: bool
    behaviour: dict[str, float]
    sessions: int


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
    name, overrides, seed = protocol
    path = protocol_path(name)
    document, settings = load_rig(rig_path(rig))
    wanted = _Wanted(
        protocol=path,
        overrides=(*(overrides or ()), *(() if seed is None else (f"seed={seed}",))),
        rig=rig_path(rig),
        folder=out or Path("runs") / f"{path.stem}-{settings.name}-seed{seed or 0}",
        control=control,
        behaviour=_behaviour(behaviour),
        sessions=sessions,
    )
    if settings.port == EMULATED:
        return _emulated(wanted, document, settings), wanted.folder
    return _on_board(wanted), wanted.folder


def _emulated(wanted: _Wanted, document: Document[Rig], settings: RigSettings) -> bool:
    from controller import jax_cache
    from controller.cost_warning import cost_warning
    from controller.document import load_experiment
    from controller.rehearsal import Rehearsal
    from controller.rehearsal import rehearse as run
    from controller.session.controls import TerminalControls
    from learners.simulated_subject import Behaviour

    jax_cache.enable()
    experiment = load_experiment(wanted.protocol, wanted.overrides)
    if warning := cost_warning(experiment.value):
        _say(warning)
    mapping = document.value.mapping
    rehearsal = Rehearsal(
        folder=wanted.folder,
        settings=settings,
        mapping=None if mapping is None else mapping.build(),
        rig_document=document.text,
        behaviour=Behaviour(**wanted.behaviour),
        begin_utc_ns=time.time_ns(),
        control=wanted.control,
        say=_say,
    )
    with TerminalControls(_say).listening() as controls:
        return run(
            rehearsal,
            experiment,
            controls=controls,
            on_session=_tell(wanted.folder),
            sessions=wanted.sessions or None,
        )


def _on_board(wanted: _Wanted) -> bool:
    from controller.session.on_rig import Request, run_on_rig
    from controller.session.unlimited import unlimited

    request = Request(
        protocol=wanted.protocol,
        overrides=wanted.overrides,
        rig=wanted.rig,
        lab=wanted.folder / "lab",
        folder=wanted.folder,
        limits=unlimited("simulated"),
        weight_g=None,
        check=False,  # an emulated board passes it; it would only take half a minute
        say=_say,
        animal=wanted.behaviour,
        control=wanted.control,
        sessions=wanted.sessions,
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


def _tell(folder: Path) -> Callable[[Ending], None]:
    begun_s = time.monotonic()

    def tell(ending: Ending) -> None:
        from controller.session.on_rig import sessions_of

        number = len(sessions_of(folder))
        _say(f"session {number} over after {time.monotonic() - begun_s:.0f} s: {ending.reason}")

    return tell


def _say(message: str) -> None:
    with suppress(OSError):  # a terminal that was closed
        typer.echo(message, err=True)

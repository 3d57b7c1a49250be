"""`biasloop run`, `subject`, `sessions`, `abandon` and `bundle`: what a session needs at the rig.

Nothing here imports JAX: it would run in the process that runs the trials.
"""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from controller.session.on_rig import Request
    from controller.session.parts import Ending
    from controller.session.subjects import Subject

DONE, FAILED, INTERRUPTED = 0, 1, 130
CODES: Mapping[str, int] = {"aborted": INTERRUPTED, "stopped": INTERRUPTED}
BAD = frozenset(["fault", "failed", "emergency", "held"])
Lab = Annotated[Path, typer.Option(help="Folder of the laboratory: subjects, rewards, alerts.")]
Folder = Annotated[Path, typer.Argument(help="Folder of an experiment.", metavar="DIR")]
subject_app = typer.Typer(help="Animals and their limits.", no_args_is_help=True)


def run(
    protocol: Annotated[
        str, typer.Argument(help="A protocol document (TOML), or the name of a ready one.")
    ],
    *,
    rig: Annotated[
        str,
        typer.Option(
            help="A rig document (TOML), or the name of a ready one; with --scheduler, the name of "
            "a rig that serves there, or ANY."
        ),
    ],
    subject: Annotated[str, typer.Option(help="Which animal; its limits are in LAB/subjects.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Override a field; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the experiment; one that is there is continued."),
    ] = None,
    lab: Lab = Path("lab"),
    weight_g: Annotated[
        float | None, typer.Option(help="What the animal weighs now; asked for by default.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Don't ask whether it is that animal.")
    ] = False,
    check: Annotated[bool, typer.Option(help="Look at the rig first.")] = True,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Run it on a rig that `biasloop rig serve` connects to this Dask scheduler; the "
            "same command brings a session home that is out.",
        ),
    ] = None,
) -> None:
    """Run a session with an animal, or go on with its experiment."""
    from controller.paths import protocol_path, rig_path
    from controller.session.on_rig import Request

    request = Request(
        protocol=protocol_path(protocol),
        overrides=tuple(overrides or ()),
        rig=Path() if scheduler else rig_path(rig),
        lab=lab,
        folder=out,
        limits=_subject(lab, subject).limits,
        weight_g=weight_g,
        check=check,
        say=_say,
    )
    far = None if scheduler is None else (rig, scheduler)
    while True:
        ending = _one_subject(request, confirmed=yes, far=far)
        following = _next_subject(ending)
        if following is None:
            raise typer.Exit(_code(ending))
        request = replace(request, limits=_subject(lab, following).limits, weight_g=None)


@subject_app.command("new")
def new_subject(
    name: Annotated[str, typer.Argument(help="Letters, digits, dot, dash, underscore.")],
    weight_g: Annotated[float, typer.Option(help="Weight before water restriction.")],
    lab: Lab = Path("lab"),
) -> None:
    """Write an animal's limits, to be looked through before its first session."""
    from controller.session.subjects import add

    typer.echo(f"{add(lab, name, weight_g)}: look through its limits before the first session")


@subject_app.command("today")
def today(
    name: Annotated[str, typer.Argument(help="Which animal.")],
    lab: Lab = Path("lab"),
) -> None:
    """Say what an animal has had today, over all rigs."""
    from controller.session.clock import day_began_ns
    from controller.session.day import given_since

    limits, now_ns = _subject(lab, name).limits, time.time_ns()
    given = given_since(lab / "rewards", name, day_began_ns(now_ns), now_ns)
    missing = max(0.0, limits.water_min_ul - given.water_ul)
    typer.echo(
        f"{name}: {given.water_ul:.0f} µl of water (least {limits.water_min_ul:g}, most "
        f"{limits.water_max_ul:g}), {given.puffs} air puffs (most {limits.puffs_max})"
        + (f"; give {missing:.0f} µl by hand" if missing else "")
    )


def sessions(folder: Folder) -> None:
    """List an experiment's sessions, and who has which slots."""
    from controller.session.on_rig import sessions_of
    from controller.session.queue import Queue
    from controller.statuses import Status
    from controller.store import History, status

    for path in sessions_of(folder):
        state = status(path)
        with History(path) as history:
            rows = state["rows"]
            typer.echo(
                f"{path.name}  {history.header['rig']}  {state['origin']}  "
                f"{rows['trials']} trials  {state['exit_status']}"
            )
    if not (folder / "queue.sqlite").is_file():  # looking makes none
        return
    with Queue(folder) as queue:
        slots = queue.slots()
    for status_ in (Status.DONE, Status.LEASED, Status.PROPOSED):
        here = [slot for slot in slots if slot.status == status_]
        who = ", ".join(f"{slot.slot + 1} by {slot.subject}" for slot in here if slot.subject)
        shown = f": {who}" if status_ == Status.LEASED and who else ""
        typer.echo(f"{len(here)} slots {status_.name.lower()}{shown}")


def abandon(
    folder: Folder, subject: Annotated[str, typer.Option(help="Who has dropped out.")]
) -> None:
    """Free the slots of an animal that has dropped out, for the others."""
    from controller.session.queue import Queue
    from controller.session.subjects import check_name

    with Queue(folder) as queue:
        typer.echo(f"{queue.abandon(check_name(subject))} slots freed")


def bundle(
    folder: Annotated[Path, typer.Argument(help="Folder of a session or an experiment.")],
    out: Annotated[Path, typer.Option(help="The file that is written.")] = Path("bundle.zip"),
    theta: Annotated[bool, typer.Option(help="Also put in what the strategy proposed.")] = False,
) -> None:
    """Pack what somebody needs to understand a fault: versions, self-test, the last trials."""
    from controller.session.bundle import pack

    typer.echo(f"{pack(folder, out, theta=theta)}: look through it before you send it")


def _one_subject(request: "Request", *, confirmed: bool, far: tuple[str, str] | None) -> "Ending":
    """Run one animal's session; why it wasn't run is written down beside its limits.

    `far`: the rig and the scheduler, where it isn't run here.
    """
    from controller.session.errors import SessionError
    from controller.session.on_rig import run_on_rig
    from hardware.interface import RigError

    subject = _subject(request.lab, request.limits.name)
    lock = subject.hold()
    try:
        is_out = _is_out(request, far)
        grams = request.weight_g
        if not is_out:
            _confirm(subject.name, confirmed=confirmed)
            grams = _weighed(request.weight_g)
        if grams is not None:
            subject.weigh(grams, time.time_ns())
        request = replace(request, weight_g=grams)
        if far is None:
            folder, ending = run_on_rig(request)
        else:
            from controller.rigs.run import run_far

            folder, ending = run_far(request, *far)
    except (SessionError, RigError) as error:
        subject.refuse(str(error), time.time_ns())
        raise
    finally:
        lock.release()
    typer.echo(f"{ending.status}: {ending.reason}")
    typer.echo(f"experiment  {folder}")
    return ending


def _is_out(request: "Request", far: tuple[str, str] | None) -> bool:
    """Whether this animal's last session is on a rig elsewhere, not home yet.

    Raises:
        NotReady: it is, and this one is to run here.
    """
    from controller.rigs.loan import outstanding
    from controller.session.errors import NotReady
    from controller.session.on_rig import experiment_name

    folder = request.folder or Path("runs") / experiment_name(request.protocol)
    out = [one for one in outstanding(folder) if one.subject == request.limits.name]
    if out and far is None:
        raise NotReady(
            f"{request.limits.name}'s session {out[0].session} is out at the rig {out[0].rig}: "
            "bring it home first, with the same command and --scheduler"
        )
    return bool(out)


def _confirm(name: str, *, confirmed: bool) -> None:
    from controller.session.errors import NotReady

    if confirmed or not sys.stdin.isatty():
        return
    typed = typer.prompt("which animal is in the rig? its name")
    if typed.strip() != name:
        raise NotReady(f"the session is {name}'s, the animal in the rig is {typed.strip()!r}")


def _weighed(grams: float | None) -> float | None:
    if grams is None and sys.stdin.isatty():
        return typer.prompt("its weight now, g", type=float)
    if grams is None:
        from controller.session.errors import NotReady

        raise NotReady("its weight is missing: give --weight-g")
    return grams


def _next_subject(ending: "Ending") -> str | None:
    """Ask for the next naive animal, by its id, twice."""
    if ending.status != "episode" or not sys.stdin.isatty():
        return None
    name = typer.prompt("next naive animal (empty: none)", default="", show_default=False)
    return name.strip() or None


def _subject(lab: Path, name: str) -> "Subject":
    from controller.session.subjects import find

    return find(lab, name)


def _code(ending: "Ending") -> int:
    return FAILED if ending.status in BAD else CODES.get(ending.status, DONE)


def _say(message: str) -> None:
    now = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
    with suppress(OSError):  # a terminal that was closed
        typer.echo(f"{now}  {message}", err=True)

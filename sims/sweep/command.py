"""`biasloop sweep`: many runs of one plan, on all cores or on a cluster."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from distributed import Client
    from rich.console import Console

    from controller.claims import Claim
    from sims.sweep.document import Sweep
    from sims.sweep.plan import Run
    from sims.sweep.row import Row

FAILED, INTERRUPTED = 1, 130


def sweep(
    document: Annotated[
        Path | None, typer.Argument(help="The sweep's document (TOML).", metavar="SWEEP.toml")
    ] = None,
    *,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A Dask scheduler, tls://HOST:PORT; `local` or nothing: what [cluster] says, "
            "else processes on this computer.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many are started; one for each core.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the sweep, runs/NAME if not given; the same one goes on."),
    ] = None,
    example: Annotated[
        Path | None, typer.Option(help="Write a commented document there, and nothing else.")
    ] = None,
) -> None:
    """Run protocols × learners × variants × seeds into one table; the same command goes on."""
    if example is not None:
        _write_example(example)
        return
    if document is None:
        raise typer.BadParameter("name a sweep's document, or write one with --example PATH")
    from controller.claims import ClaimError
    from controller.schedulers import SchedulerError, require_dask
    from sims.sweep.folder import SweepError

    try:
        require_dask()
        _sweep(document, scheduler, workers, out)
    except (ClaimError, SchedulerError, SweepError) as error:
        typer.echo(f"biasloop: {error}", err=True)
        raise typer.Exit(FAILED) from error


def _write_example(path: Path) -> None:
    if path.exists():
        raise typer.BadParameter(f"{path} exists; give another path or remove it")
    text = files("sims.sweep").joinpath("example.toml").read_text("utf-8")
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    typer.echo(f"{path}: edit it, then `biasloop sweep {path}`")


def _sweep(path: Path, scheduler: str | None, workers: int | None, out: Path | None) -> None:
    from controller import jax_cache
    from sims.sweep.document import load_sweep
    from sims.sweep.folder import prepare
    from sims.sweep.plan import runs_of
    from sims.sweep.row import read_row
    from sims.sweep.table import write

    jax_cache.enable()
    document = load_sweep(path)
    runs = runs_of(document)
    folder = (out or Path("runs") / document.value.name).absolute()
    prepare(folder, document, runs)
    source = partial(_source, document.value, scheduler, folder, workers)
    try:
        stopped = _conduct(folder, runs, source, control=document.value.control)
    finally:  # also where the scheduler was lost
        pairs = [(run, read_row(folder, run.name)) for run in runs]
        paths = write(folder, pairs)
    _conclude(document.value.name, pairs, paths, stopped=stopped)


def _source(
    value: "Sweep", scheduler: str | None, folder: Path, workers: int | None
) -> "AbstractContextManager[Client]":
    from controller.schedulers import LOCAL, connect

    if scheduler is None or scheduler == LOCAL:
        return value.workers_from().connect(folder, workers)
    return connect(scheduler, workers=workers or 1)


def _conduct(
    folder: Path,
    runs: "tuple[Run, ...]",
    source: "Callable[[], AbstractContextManager[Client]]",
    *,
    control: bool,
) -> bool:
    """Have the runs done that are left; return whether somebody stopped it before."""
    from rich.console import Console

    from controller.claims import beating, claim
    from sims.sweep.conduct import Conductor
    from sims.sweep.folder import check_room
    from sims.sweep.row import read_row
    from sims.sweep.work import Task

    left = [run for run in runs if not read_row(folder, run.name).final]
    if not left:
        return False
    check_room(folder)
    console = Console(stderr=True, highlight=False)
    owner = claim(folder, "sweep", take_over=True)
    try:
        with (
            beating(owner),
            _stoppable(owner, console) as should_stop,
            _progress(console, len(runs), len(runs) - len(left)) as done,
            source() as client,
        ):
            tasks = [Task(run.name, folder, run.document, control, owner) for run in left]
            Conductor(client, on_done=done, on_note=console.print).conduct(tasks, should_stop)
        return should_stop()
    finally:
        owner.release()


def _conclude(
    name: str, pairs: "list[tuple[Run, Row]]", paths: tuple[Path, ...], *, stopped: bool
) -> None:
    """Show the table, and say what is left."""
    from rich.console import Console

    from sims.sweep.table import shown

    Console(highlight=False).print(shown(name, pairs))
    for path in paths:
        typer.echo(f"wrote     {path}")
    unfinished = sum(not row.final for _, row in pairs)
    failed = sum(row.state == "failed" for _, row in pairs)
    if failed:
        typer.echo(f"{failed} of {len(pairs)} runs failed, see the table", err=True)
    if unfinished:
        typer.echo(
            f"{unfinished} of {len(pairs)} runs aren't finished; the same command goes on", err=True
        )
    if stopped:
        raise typer.Exit(INTERRUPTED)
    if failed or unfinished:
        raise typer.Exit(FAILED)


@contextmanager
def _stoppable(owner: "Claim", console: "Console") -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a wish to stop, which workers hear by the claim that is gone."""
    stopping = False

    def stop(number: int, frame: object) -> None:
        del number, frame
        nonlocal stopping
        if stopping:
            raise KeyboardInterrupt
        stopping = True
        owner.release()
        console.print("finishing the generations under way; Ctrl-C again stops at once")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(console: "Console", total: int, done: int) -> Iterator[Callable[[object], None]]:
    """Yield a function that counts a run; it shows nothing where there is no terminal."""
    if not console.is_terminal:
        yield lambda _: None
        return
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=20),
        bars.TextColumn("{task.completed}/{task.total} runs"),
        bars.TimeElapsedColumn(),
        bars.TimeRemainingColumn(compact=True),
    )
    with bars.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("sweep", total=total, completed=done)
        yield lambda _: bar.advance(task)

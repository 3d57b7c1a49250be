"""The command line. Nothing heavy is imported before a command runs."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller import (
    analyse_command,
    export_command,
    fit_command,
    import_command,
    report_command,
    rig_commands,
    serve_command,
    session_commands,
    status_command,
)
from controller.paths import protocol_path

if TYPE_CHECKING:
    from rich.console import Console

    from controller.document import Experiment
    from controller.loop import Progress
    from protocols.documents import Document

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="biasloop",
    help="Find what a learner finds easy to generalise: its inductive bias.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain lines: they can be searched and end up in logs
    add_completion=False,
)
app.add_typer(rig_commands.app, name="rig")
app.add_typer(session_commands.subject_app, name="subject")
for command in (
    session_commands.run,
    session_commands.sessions,
    session_commands.abandon,
    session_commands.bundle,
    analyse_command.analyse,
    report_command.report,
    status_command.status,
    serve_command.serve,
    fit_command.fit,
    export_command.export,
):
    app.command()(command)
app.command("import")(import_command.import_)

Protocol = Annotated[
    str,
    typer.Argument(help="A protocol document (TOML), or the name of a ready one."),
]
Folder = Annotated[Path, typer.Argument(help="Folder of a store.", metavar="DIR")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override a field; may be repeated."),
]
Seed = Annotated[int | None, typer.Option(help="Short for --set seed=N.")]
Out = Annotated[Path | None, typer.Option(help="Folder for the store; must not hold anything yet.")]


@app.command()
def dryrun(
    protocol: Protocol = "default",
    *,
    overrides: Overrides = None,
    seed: Seed = None,
    out: Out = None,
    control: Annotated[
        bool, typer.Option(help="Also run the paired search without a learner.")
    ] = True,
    rig: Annotated[
        str | None,
        typer.Option(
            help="Rehearse the whole rig with a simulated animal: `emulated`, `simavr_screen` or "
            "a rig document whose port is one of these; --out DIR goes on with an experiment."
        ),
    ] = None,
    behaviour: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="With --rig: lapses=0.1, bias, carry_over, …"),
    ] = None,
    rehearsed: Annotated[
        int, typer.Option("--sessions", min=0, help="With --rig: most sessions; 0: all it takes.")
    ] = 0,
) -> None:
    """Run a closed loop on a simulated learner, then say what it found."""
    if rig is not None:
        from controller.rehearsal_commands import rehearse

        finished, folder = rehearse(
            (protocol, overrides, seed),
            rig,
            out=out,
            control=control,
            behaviour=behaviour or [],
            sessions=rehearsed,
        )
        again = f"biasloop dryrun {protocol} --rig {rig} --out {folder}"
        _conclude(folder, finished=finished, go_on=again)
        return
    from controller.runs import begin

    document = _load(protocol, overrides, seed)
    experiment = document.value
    _warn_of_cost(experiment)
    folder = out or _free_folder(f"{experiment.name}-seed{experiment.seed}")
    with _running(experiment) as (report, should_stop):
        finished = begin(
            document, folder, control=control, on_progress=report, should_stop=should_stop
        )
    _conclude(folder, finished=finished)


@app.command()
def resume(folder: Folder) -> None:
    """Go on with a run that was interrupted or killed."""
    from controller.runs import frozen_document, go_on
    from controller.store import NotAStore, status

    path = folder / "experiment.toml"
    if not path.is_file():
        raise NotAStore(f"{folder} holds no store (no experiment.toml); expected a run's folder")
    status(folder)
    experiment = frozen_document(path.read_text("utf-8"), folder).value
    with _running(experiment) as (report, should_stop):
        finished = go_on(folder, on_progress=report, should_stop=should_stop)
    _conclude(folder, finished=finished)


@app.command()
def validate(protocol: Protocol, overrides: Overrides = None, seed: Seed = None) -> None:
    """Check a protocol document; print it with every default written out."""
    document = _load(protocol, overrides, seed)
    _warn_of_cost(document.value)
    design = document.value.design()
    stages = document.value.stages
    trials = design.trials_per_generation * stages.generations * stages.count
    typer.echo(document.text)
    typer.echo(
        f"# valid: {design.theta_size} parameters, {trials:,} trials in {stages.count} stage(s) "
        f"of {stages.generations} generation(s); sha256 {document.sha256[:16]}…"
    )


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="Where the document is written.")] = Path(
        "protocol.toml"
    ),
    source: Annotated[
        str, typer.Option("--from", help="Name of the ready document to begin with.")
    ] = "default",
) -> None:
    """Write a commented protocol document to begin with."""
    from protocols.library import ready

    if path.exists():
        raise typer.BadParameter(f"{path} exists; give another path or remove it")
    documents = ready()
    if source not in documents:
        raise typer.BadParameter(f"no ready document {source!r}; there are {', '.join(documents)}")
    with path.open("x", encoding="utf-8") as file:
        file.write(documents[source].read_text("utf-8"))
    typer.echo(f"{path}: edit it, then `biasloop validate {path}` and `biasloop dryrun {path}`")


@app.command()
def replay(
    folder: Folder,
    verify: Annotated[
        bool, typer.Option("--verify", help="Derive every proposal again and compare.")
    ] = False,
) -> None:
    """Show a run's history, or derive every proposal again and compare it with the store."""
    if verify:
        _verify(folder)
        return
    from controller.store import read

    table = read(folder)["generations"]
    typer.echo("arm      stage  generation  trials  fitness mean   fitness min")
    columns = ("arm", "stage", "generation", "trials", "fitness_mean", "fitness_min")
    for row in zip(*(table[name].values for name in columns), strict=True):
        arm, stage, generation, trials, mean, low = row
        name = "control" if arm else "learner"
        typer.echo(
            f"{name:7}  {stage + 1:5}  {generation + 1:10}  {trials:6}  {mean:12.6g}  {low:12.6g}"
        )


@app.command()
def repair(folder: Folder) -> None:
    """Rebuild the zarr store of a run from its journal."""
    from controller.store import repair as rebuild

    typer.echo(str(rebuild(folder)))


def offer_others() -> None:
    """Add the commands that distributions offer, also this one's own of `sims`."""
    for point in entry_points(group="biasloop.commands"):
        app.command(point.name)(point.load())


def main() -> None:
    """Run the command line; every expected error is a message and an exit code."""
    offer_others()
    try:
        app()
    except Exception as error:  # the last place where an error can get its message and code
        code = _exit_code(error)
        if code is None:
            raise
        typer.echo(f"biasloop: {error}", err=True)
        sys.exit(code)


def _exit_code(error: Exception) -> int | None:
    """Return the exit code of an expected error, None for a fault of the program."""
    from controller.store import StoreError, StoreExists
    from protocols.documents import DocumentError

    if isinstance(error, DocumentError | StoreExists):
        return WRONG_USAGE
    if isinstance(error, StoreError):
        return FAILED
    from controller.export.errors import ExportError
    from controller.importing.errors import ImportTrialsError
    from controller.scheduler_address import SchedulerError
    from controller.session.errors import SessionError
    from controller.session.planner_link import WrongDocument
    from hardware.firmware.build import BuildError
    from hardware.interface import RigError

    if isinstance(error, WrongDocument):
        return WRONG_USAGE
    if isinstance(error, RigError | BuildError | SessionError | SchedulerError):
        return FAILED
    if isinstance(error, ExportError | ImportTrialsError):
        return FAILED
    from controller.analysis.summary import AnalysisError
    from controller.loop import LoopError

    return FAILED if isinstance(error, LoopError | AnalysisError) else None


def _load(protocol: str, overrides: list[str] | None, seed: int | None) -> "Document[Experiment]":
    from controller import jax_cache
    from controller.document import load_experiment

    jax_cache.enable()
    return load_experiment(protocol_path(protocol), all_overrides(overrides, seed))


def _warn_of_cost(experiment: "Experiment") -> None:
    from controller.cost_warning import cost_warning

    if warning := cost_warning(experiment):
        typer.echo(warning, err=True)


def all_overrides(overrides: list[str] | None, seed: int | None) -> tuple[str, ...]:
    """Return what `--set` and `--seed` ask for."""
    return (*(overrides or ()), *(() if seed is None else (f"seed={seed}",)))


def _free_folder(name: str) -> Path:
    base = Path("runs") / name
    if not base.exists():
        return base
    number = 2
    while (numbered := base.with_name(f"{name}-{number}")).exists():
        number += 1
    return numbered


@contextmanager
def _running(
    experiment: "Experiment",
) -> Iterator[tuple[Callable[["Progress"], None], Callable[[], bool]]]:
    """Show progress on a terminal, and turn the first Ctrl-C into a wish to stop."""
    from rich.console import Console

    stopping = False
    console = Console(stderr=True)

    def stop(number: int, frame: object) -> None:
        del number, frame
        nonlocal stopping
        if stopping:
            console.print("stopped at once; what was stored stays, `biasloop resume` goes on")
            raise KeyboardInterrupt
        stopping = True
        console.print("finishing the generations under way; Ctrl-C again stops at once")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with _progress_bar(experiment, console) as report:
            yield report, lambda: stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress_bar(
    experiment: "Experiment", console: "Console"
) -> Iterator[Callable[["Progress"], None]]:
    """Yield a function that shows progress; it does nothing where there is no terminal."""
    if not console.is_terminal:
        yield lambda _: None
        return
    from rich import progress as bars

    stages = experiment.stages
    total = stages.count * stages.generations
    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=10),
        bars.TextColumn("{task.completed}/{task.total}"),
        bars.TextColumn("{task.fields[trials]:,} trials  {task.fields[fitness]}"),
        bars.TimeRemainingColumn(compact=True),
    )
    with bars.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("compiling", total=total, trials=0, fitness="")

        def report(now: "Progress") -> None:
            arm = "control" if now.arm else "learner"
            bar.update(
                task,
                description=f"{arm} stage {now.stage + 1}/{stages.count}",
                completed=now.stage * stages.generations + now.generation,
                trials=now.trials,
                fitness=f"fitness {now.fitness:.3g}",
            )

        yield report


def _conclude(folder: Path, *, finished: bool, go_on: str = "") -> None:
    """Say what was found, or how to go on: with `resume` by default."""
    if finished:
        analyse_command.show_functions(folder)
        typer.echo(f"store    {folder}")
        return
    command = go_on or f"biasloop resume {folder}"
    typer.echo(f"stopped; the store is whole: `{command}` goes on", err=True)
    raise typer.Exit(INTERRUPTED)


def _verify(folder: Path) -> None:
    from controller import jax_cache
    from controller.replay import verify

    jax_cache.enable()
    result = verify(folder)
    for package in result.other_software:
        typer.echo(f"note: the run used {package}; last bits may differ", err=True)
    how = "re-running the learner" if result.asked_learner else "from the stored answers"
    if result.difference is None:
        typer.echo(f"equal: {result.generations} generations derived again {how}, bit for bit")
        return
    where = result.difference
    typer.echo(
        f"differs: {'control' if where.arm else 'learner'}, stage {where.stage + 1}, generation "
        f"{where.generation + 1}, {where.column} (by up to {where.largest:.3g}); "
        f"{result.generations} generations before it are equal",
        err=True,
    )
    raise typer.Exit(FAILED)


if __name__ == "__main__":
    main()

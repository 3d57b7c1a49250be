"""`biasloop plan`: what an experiment will cost, before the first animal."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from sims.budget.budget import Budget, Wish
    from sims.budget.crew import Crew

FAILED, INTERRUPTED = 1, 130
JOBS = max(1, os.cpu_count() or 1)


def plan(
    protocol: Annotated[
        str, typer.Argument(help="A protocol document (TOML), or the name of a ready one.")
    ] = "default",
    *,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Override a field; may be repeated."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Short for --set seed=N.")] = None,
    precision: Annotated[
        float,
        typer.Option(min=0.5, max=0.999, help="Share of the learner's own easiest functions."),
    ] = 0.95,
    learners: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only these plausible learners, the first for the headline; may be repeated.",
        ),
    ] = None,
    trials_a_day: Annotated[
        int | None,
        typer.Option(min=1, help="If not given: what [session] allows, else 300."),
    ] = None,
    days_per_animal: Annotated[int, typer.Option(min=1, help="For how long one takes part.")] = 20,
    runs: Annotated[
        int, typer.Option(min=2, help="Simulated experiments of the first learner.")
    ] = 29,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Plan it though one evaluation says too little.")
    ] = False,
    changes: Annotated[
        bool,
        typer.Option(help="Also try other strategies and other episodes; takes twice as long."),
    ] = True,
    thorough: Annotated[
        bool,
        typer.Option("--thorough", help="Try other strategies on every learner; takes longer."),
    ] = False,
    json_only: Annotated[
        bool, typer.Option("--json", help="Print the budget as JSON, write nothing.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for budget.json and the figure; must be new.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = JOBS,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A Dask scheduler that does the work, tls://HOST:PORT, or `local`.",
        ),
    ] = None,
) -> None:
    """Simulate a protocol on plausible learners: reliability, trials, days, animals, power."""
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise typer.BadParameter(f"{out} exists; name a new folder with --out")
    started = time.monotonic()
    try:
        from controller.cli import all_overrides
        from controller.paths import protocol_path
        from sims.budget.budget import Wish
        from sims.budget.plausible import Source

        wish = Wish(
            source=Source(protocol_path(protocol).resolve(), all_overrides(overrides, seed)),
            learners=_known(learners or []),
            precision=precision,
            trials_a_day=trials_a_day,
            days_per_animal=days_per_animal,
            runs=runs,
            anyway=anyway,
            changes=changes,
            thorough=thorough,
        )
        made = _make(wish, jobs, scheduler)
        if json_only:
            typer.echo(json.dumps(made.record, indent=2, allow_nan=False))
        else:
            _show(made, out, time.monotonic() - started)
    except KeyboardInterrupt:
        typer.echo("stopped; nothing was written", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _known(names: list[str]) -> tuple[str, ...]:
    from sims.budget.plausible import LEARNERS

    known = [one.name for one in LEARNERS]
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"no learner {name!r}; there are {', '.join(known)}")
    return tuple(dict.fromkeys(names))


def _make(wish: "Wish", jobs: int, scheduler: str | None) -> "Budget":
    from rich.console import Console

    from controller.schedulers import SchedulerError
    from sims.budget.budget import budget
    from sims.budget.errors import BudgetError

    try:
        with _progress(Console(stderr=True)) as say, _crew(jobs, scheduler) as workers:
            return budget(wish, workers, say)
    except (BudgetError, SchedulerError) as error:
        typer.echo(f"biasloop: {error}", err=True)
        raise typer.Exit(FAILED) from error


@contextmanager
def _crew(jobs: int, scheduler: str | None) -> "Iterator[Crew]":
    from sims.budget.crew import Crew, crew

    if scheduler is None:
        with crew(jobs) as workers:
            yield workers
        return
    from sims.sweep.crew import pool

    with pool(scheduler, jobs) as executor:
        yield Crew(executor)


def _show(made: "Budget", out: Path | None, seconds: float) -> None:
    from rich.console import Console

    from sims.budget.table import shown

    Console(highlight=False).print(shown(made.record))
    folder = _write(made, out or _free(f"{made.record['name']}-budget"))
    for name in ("budget.json", "budget.png"):
        typer.echo(f"wrote     {folder / name}")
    typer.echo(f"simulated in {seconds:.0f} s")


def _write(made: "Budget", folder: Path) -> Path:
    """Write a folder whole, or not at all."""
    from sims.budget.figure import draw

    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        text = json.dumps(made.record, indent=2, allow_nan=False)
        (partial / "budget.json").write_text(f"{text}\n", encoding="utf-8")
        draw(made, partial / "budget.png")
        partial.replace(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return folder


def _free(name: str) -> Path:
    base, number = Path("runs") / name, 1
    folder = base
    while folder.exists():
        number += 1
        folder = base.with_name(f"{name}-{number}")
    return folder


@contextmanager
def _progress(console: "Console") -> Iterator[Callable[[str, int], None]]:
    """Yield a function that shows what was finished; it does nothing without a terminal."""
    if not console.is_terminal:
        yield lambda *_: None
        return
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=20),
        bars.TextColumn("{task.completed}/{task.total}"),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        finished = 0

        def say(what: str, left: int) -> None:
            nonlocal finished
            finished += 1
            bar.update(task, description=what, completed=finished, total=finished + left)

        yield say

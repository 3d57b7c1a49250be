"""`biasloop reproduce`: make figures anew, each with its control, its numbers and its row."""

import importlib
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer

import sims.figures

ALL = "all"
OFFERED = re.compile(r"^REPRODUCTION = ", re.MULTILINE)
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"
JOBS = max(1, os.cpu_count() or 1)


def reproduce(
    figures: Annotated[
        list[str], typer.Argument(help="Figures, such as 2C or fig2c; `all` for every one.")
    ],
    *,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Number of seeds; as reported if not given.")
    ] = None,
    first_seed: Annotated[int | None, typer.Option(min=0, help="The first of them.")] = None,
    out: Annotated[Path, typer.Option(help="Folder below which each figure has its own.")] = Path(
        "reproductions"
    ),
    quick: Annotated[
        bool, typer.Option("--quick", help="One seed, a few generations: only shows that it runs.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Keep the rows for the project's RESULTS.md.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Figures that are made at a time.")] = JOBS,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A Dask scheduler that makes them, tls://HOST:PORT, or `local`.",
        ),
    ] = None,
) -> None:
    """Make figures of the paper anew: pictures, numbers as JSON, a table of results."""
    if quick and record:
        raise typer.BadParameter("--quick runs prove nothing; leave out --record or --quick")
    names = _chosen(figures)
    taken = [name for name in names if (out / name / "stores").exists()]
    if taken:
        raise typer.BadParameter(
            f"{out / taken[0]} already holds stores; name another folder with --out"
        )
    place = out.absolute()  # workers may be elsewhere
    work = [(name, seeds, first_seed, place / name, quick, record) for name in names]
    made = _made(work, jobs) if scheduler is None else _made_at(work, jobs, scheduler)
    failed = [name for name, text in made if not _say(name, text)]
    if len(failed) < len(names):
        _write_table(out)
    if failed:
        typer.echo(f"failed: {', '.join(failed)}", err=True)
        raise typer.Exit(1)


def found() -> dict[str, str]:
    """Return the names of all figures, with their modules; cheap, imports no figure."""
    names = [info.name for info in pkgutil.iter_modules(sims.figures.__path__)]
    offers = {
        name: Path(sims.figures.__path__[0], f"{name}.py").read_text("utf-8") for name in names
    }
    own = [name for name, text in offers.items() if OFFERED.search(text)]
    return {name: f"{sims.figures.__name__}.{name}" for name in sorted(own, key=by_number)}


def by_number(name: str) -> tuple[int, str]:
    """Sort key: figures by their number, others after them."""
    number = re.match(r"fig(\d+)", name)
    return (int(number[1]) if number else 10**6, name)


def _chosen(asked: list[str]) -> list[str]:
    known = found()
    if ALL in asked:
        return list(known)
    names = []
    for text in asked:
        wanted = [text.lower(), f"fig{text.lower()}"]
        name = next((candidate for candidate in wanted if candidate in known), None)
        if name is None:
            raise typer.BadParameter(
                f"no figure {text!r}; there are {', '.join(known)}, and `all`", param_hint="FIGURES"
            )
        names.append(name)
    return list(dict.fromkeys(names))


Work = tuple[str, int | None, int | None, Path, bool, bool]


def _made(work: list[Work], jobs: int) -> Iterator[tuple[str, str]]:
    """Yield each figure with its rows as text, empty where it failed; a process for each."""
    if jobs == 1 or len(work) == 1:
        yield from ((one[0], _make(one)) for one in work)
        return
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {ONE_THREAD}".strip()
    with ProcessPoolExecutor(min(jobs, len(work)), mp_context=get_context("spawn")) as pool:
        yield from zip((one[0] for one in work), pool.map(_make, work), strict=True)


def _made_at(work: list[Work], jobs: int, scheduler: str) -> Iterator[tuple[str, str]]:
    """Yield the same, made by a scheduler's workers."""
    from controller.schedulers import SchedulerError
    from sims.sweep.crew import pool

    try:
        with pool(scheduler, jobs) as workers:
            yield from zip((one[0] for one in work), workers.map(_make, work), strict=True)
    except SchedulerError as error:
        typer.echo(f"biasloop: {error}", err=True)
        raise typer.Exit(1) from error


def _make(work: Work) -> str:
    name, seeds, first_seed, out, quick, keep = work
    from sims.figures.evidence import make, shown

    figure = importlib.import_module(found()[name]).REPRODUCTION
    first = figure.seeds[0] if first_seed is None else first_seed
    count = 1 if quick else len(figure.seeds) if seeds is None else seeds
    try:
        evidence = make(figure, tuple(range(first, first + count)), out, quick=quick, keep=keep)
    except Exception:  # noqa: BLE001  one figure's failure must not lose the others
        traceback.print_exc(file=sys.stderr)
        return ""
    return "\n".join(shown(row) for row in evidence.rows)


def _say(name: str, text: str) -> bool:
    typer.echo(text or f"{name}: failed, see above")
    return bool(text)


def _write_table(out: Path) -> None:
    from sims.figures.results import table

    path = out / "RESULTS.md"
    path.write_text(table(out.glob("*/*.json")), encoding="utf-8")
    typer.echo(f"wrote {path}")

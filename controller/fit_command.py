"""`biasloop fit`: which model of a learner explains the answers in a finished store best."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from controller.fit.explanation import Explanation

STEPS_AFTER = 3  # parameters, easy functions, residuals


def fit(
    folder: Annotated[Path, typer.Argument(help="Folder of a store.", metavar="DIR")],
    *,
    twins: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,…",
            help="Models beside the baseline: spectrum, low_rank, delta, and any learner "
            "(relu_net, mushroom_body, …). By default the three, and the circuit that answered "
            "where it was one.",
        ),
    ] = None,
    learner_index: Annotated[
        int, typer.Option(help="Whose answers, where a document has several learners.")
    ] = 0,
    episodes: Annotated[int, typer.Option(min=1, help="Most episodes; the first ones.")] = 400,
    json_only: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, write nothing.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for fit.json and the figure; DIR/fit by default.")
    ] = None,
) -> None:
    """Say which model explains a store's answers best: a table, a figure and fit.json.

    Models are compared by the log likelihood of answers that they weren't fitted to, in blocks of
    episodes. Named is the one with the fewest parameters of those within one standard error of the
    best (of the difference to it, paired over episodes).
    """
    from rich.console import Console

    from controller import jax_cache
    from controller.fit.answers import read_answers
    from controller.fit.explanation import explain
    from controller.fit.models import chosen, default_names
    from controller.fit.record import record

    jax_cache.enable()
    answers = read_answers(folder, learner=learner_index, most=episodes)
    names = _listed(twins) if twins is not None else default_names(answers, learner_index)
    models = chosen(answers, names, learner_index)
    with _progress(Console(stderr=True), len(models) + STEPS_AFTER) as say:
        explanation = explain(answers, models, say=say)
    found = record(explanation)
    if json_only:
        typer.echo(json.dumps(found, indent=2, allow_nan=False))
        return
    _show(explanation, found, out or folder / "fit")


def _listed(names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))


def _show(explanation: "Explanation", found: dict, folder: Path) -> None:
    from rich.console import Console

    from controller.fit.table import shown

    Console(highlight=False).print(shown(found))
    for path in _write(explanation, found, folder):
        typer.echo(f"wrote  {path}")


def _write(explanation: "Explanation", found: dict, folder: Path) -> list[Path]:
    """Write `fit.json` and the figure; each file is whole or not there.

    Raises:
        FitError: the folder can't be made or written.
    """
    from controller.analysis.plots.style import style
    from controller.analysis.whole_file import whole_file
    from controller.fit.answers import FitError
    from controller.fit.figure import draw

    text = json.dumps(found, indent=2, allow_nan=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [whole_file(folder / "fit.json", lambda path: path.write_text(text, "utf-8"))]
        with style():
            figure = draw(explanation, found)
            paths.append(
                whole_file(folder / "fit.png", lambda path: figure.savefig(path, format="png"))
            )
    except OSError as error:
        raise FitError(
            f"{folder} can't be written: {error}; name another folder with `--out DIR`"
        ) from error
    return paths


@contextmanager
def _progress(console: "Console", steps: int) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows what is done next; it does nothing without a terminal."""
    if not console.is_terminal:
        yield lambda _: None
        return
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=20),
        bars.TextColumn("{task.completed}/{task.total}"),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=steps)
        begun = 0

        def say(what: str) -> None:
            nonlocal begun
            bar.update(task, description=what, completed=begun)
            begun += 1

        yield say

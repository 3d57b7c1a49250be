"""`biasloop analyse`: numbers, tables and figures of a store."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from controller.analysis.source import Source

NUMBERS = "numbers.json"
Folder = Annotated[
    Path, typer.Argument(help="Folder of an experiment or of a session.", metavar="DIR")
]
Out = Annotated[Path | None, typer.Option(help="Folder for the figures and the numbers.")]


def analyse(
    folder: Folder,
    json_only: Annotated[
        bool, typer.Option("--json", help="Print the numbers as JSON, write nothing.")
    ] = False,
    out: Out = None,
) -> None:
    """Say what a store shows: tables, figures and every number as JSON."""
    from controller import jax_cache
    from controller.analysis.record import describe
    from controller.analysis.source import open_source

    jax_cache.enable()
    source = open_source(folder)
    record = describe(source)
    if json_only:
        typer.echo(json.dumps(record, indent=2, allow_nan=False))
        return
    _print(record)
    for path in _write(source, record, folder / "analysis" if out is None else out):
        if path.suffix != ".svg":
            typer.echo(f"wrote    {path}")


def show_functions(folder: Path) -> None:
    """Say what a run has found, and leave its figures; the rest is for `analyse`."""
    from rich.console import Console

    from controller.analysis.report import write
    from controller.analysis.summary import analyse as read_store
    from controller.analysis.summary import summary
    from controller.analysis.table import table

    analysis = read_store(folder)
    Console().print(table(summary(analysis)))
    for path in write(analysis):
        if path.suffix != ".svg":
            typer.echo(f"wrote    {path}")


def _print(record: dict[str, Any]) -> None:
    from rich.console import Console

    from controller.analysis.table import table
    from controller.analysis.terminal import number_tables, rich_table

    console, title = Console(), ""
    for heading, numbers in number_tables(record):
        if heading != title:
            console.rule(heading, align="left", style="dim")
            title = heading
        shown = table(record["functions"]) if numbers.title == "functions" else rich_table(numbers)
        console.print(shown)


def _write(source: "Source", record: dict[str, Any], folder: Path) -> list[Path]:
    """Write numbers and figures, each file whole or not at all.

    Raises:
        controller.analysis.report.ReportError: the folder can't be made or written.
    """
    from controller.analysis.figure_files import write_pictures
    from controller.analysis.report import ReportError, write
    from controller.analysis.sections.functions import analysed
    from controller.analysis.whole_file import whole_file

    text = json.dumps(record, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [whole_file(folder / NUMBERS, lambda path: path.write_text(text, "utf-8"))]
        if (analysis := analysed(source)) is not None:
            paths += write(analysis, folder)
        paths += write_pictures(record, folder)
    except OSError as error:
        raise ReportError(
            f"{folder} can't be written: {error}; name another folder with `--out DIR`"
        ) from error
    return paths

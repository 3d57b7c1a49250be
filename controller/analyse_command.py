"""`biasloop analyse`: numbers, tables and figures of a store, or of several side by side."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from controller.analysis.side_by_side.stores import Described, Unreadable
    from controller.analysis.source import Source
    from controller.drawing_beside import Draw

FAILED = 1
NUMBERS = "numbers.json"
SIDE_BY_SIDE = Path("side_by_side")
Folders = Annotated[
    list[Path],
    typer.Argument(
        help="Folder of an experiment or of a session; several are compared.", metavar="DIR…"
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Folder for the figures and the numbers; DIR/analysis by default, "
        f"{SIDE_BY_SIDE}/ here for several."
    ),
]


def analyse(
    folders: Folders,
    json_only: Annotated[
        bool, typer.Option("--json", help="Print the numbers as JSON, write nothing.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Print every table whole.")] = False,
    out: Out = None,
) -> None:
    """Say what stores show: what was not learner-driven first, tables, figures and numbers."""
    if len(folders) > 1:
        _import_all()
        _several(folders, out or SIDE_BY_SIDE, json_only=json_only)
    elif json_only:
        _import_all()
        _print_json(folders[0])
    else:
        _one(folders[0], out, everything=everything)


def _import_all() -> None:
    from controller.quick_imports import quick_imports

    with quick_imports():
        import controller.analysis.record
        import controller.analysis.report
        import controller.analysis.summary  # noqa: F401
        from controller import jax_cache
    jax_cache.enable()


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


def _print_json(folder: Path) -> None:
    from controller.analysis.record import describe
    from controller.analysis.source import open_source

    typer.echo(_json(describe(open_source(folder))), nl=False)


def _one(folder: Path, out: Path | None, *, everything: bool) -> None:
    from rich.console import Console

    from controller.drawing_beside import drawing_beside

    with drawing_beside() as draw:
        _import_all()
        from controller.analysis.overview import show
        from controller.analysis.record import describe
        from controller.analysis.source import open_source

        source = open_source(folder)
        record = describe(source)
        show(Console(), record, everything=everything)
        out = folder / "analysis" if out is None else out
        _count(_write(source, record, out, draw), out)


def _several(folders: Sequence[Path], out: Path, *, json_only: bool) -> None:
    """Compare stores; those that can't be read are named, and the others go on."""
    from rich.console import Console

    from controller.analysis.overview import show_side_by_side
    from controller.analysis.side_by_side.compare import side_by_side
    from controller.analysis.side_by_side.stores import read_stores

    stores, unreadable = read_stores(folders)
    for one in unreadable:
        typer.echo(f"biasloop: {one.reason}", err=True)
    records = {store.label: store.record for store in stores}
    compared = side_by_side(records)
    text = _json(_all(stores, unreadable, compared))
    if json_only:
        typer.echo(text, nl=False)
    elif stores:
        show_side_by_side(Console(), records, compared)
        _count(_write_compared(records, text, out), out)
    if unreadable:
        raise typer.Exit(FAILED)


def _all(
    stores: Sequence["Described"], unreadable: Sequence["Unreadable"], compared: dict[str, Any]
) -> dict[str, Any]:
    """Return what JSON says of several stores."""
    return {
        "labels": [store.label for store in stores],
        "stores": [store.record for store in stores],
        "side_by_side": compared,
        "unreadable": [{"folder": str(one.folder), "reason": one.reason} for one in unreadable],
    }


def _json(numbers: Any) -> str:
    return json.dumps(numbers, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _count(paths: Sequence[Path], folder: Path) -> None:
    """Say what was written, in one line."""
    numbers = [path.name for path in paths if path.suffix == ".json"]
    figures = sum(path.suffix == ".svg" for path in paths)
    drawn = [f"{figures} figure{'s' * (figures > 1)} (PNG, SVG)"] if figures else []
    typer.echo(f"wrote    {folder}: {', '.join(numbers + drawn)}")


def _write(source: "Source", record: dict[str, Any], folder: Path, draw: "Draw") -> list[Path]:
    """Write numbers and figures, each file whole or not at all.

    Raises:
        controller.analysis.report.ReportError: the folder can't be made or written.
    """
    from controller.analysis.report import ReportError, write
    from controller.analysis.sections.functions import analysed

    try:
        paths = [_write_numbers(folder, _json(record))]
        drawn = draw(record, folder)
        if (analysis := analysed(source)) is not None:
            paths += write(analysis, folder)
        paths += drawn()
    except OSError as error:
        raise ReportError(_unwritable(folder, error)) from error
    return paths


def _write_compared(records: dict[str, Any], text: str, folder: Path) -> list[Path]:
    """Write the numbers of several stores and the picture of all, as `_write` does."""
    from controller.analysis.figure_files import figure, save
    from controller.analysis.plots.style import style
    from controller.analysis.report import ReportError
    from controller.analysis.side_by_side.picture import PICTURE

    try:
        paths = [_write_numbers(folder, text)]
        if PICTURE.panels(records):
            with style():
                paths += save(figure(PICTURE, records), folder, PICTURE.name)
    except OSError as error:
        raise ReportError(_unwritable(folder, error)) from error
    return paths


def _write_numbers(folder: Path, text: str) -> Path:
    from controller.analysis.whole_file import whole_file

    folder.mkdir(parents=True, exist_ok=True)
    return whole_file(folder / NUMBERS, lambda path: path.write_text(text, "utf-8"))


def _unwritable(folder: Path, error: OSError) -> str:
    return f"{folder} can't be written: {error}; name another folder with `--out DIR`"

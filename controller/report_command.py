"""`biasloop report`: a store, or several, as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

FAILED = 1
Folders = Annotated[
    list[Path],
    typer.Argument(help="Folders of experiments or of sessions.", metavar="DIR…"),
]


def report(
    folders: Folders,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file; DIR/analysis/report.html by default, report.html for several."
        ),
    ] = None,
) -> None:
    """Write one HTML file: what was not learner-driven first, then every figure and number."""
    from controller.quick_imports import quick_imports

    with quick_imports():
        from controller import jax_cache
        from controller.analysis.side_by_side.stores import read_stores
        from controller.report.build import page
    jax_cache.enable()
    stores, unreadable = read_stores(folders)
    for one in unreadable:
        typer.echo(f"biasloop: {one.reason}", err=True)
    if stores:
        path = write(page(stores, unreadable), out or default_path(folders))
        typer.echo(f"wrote    {path}")
    if unreadable:
        raise typer.Exit(FAILED)


def default_path(folders: list[Path]) -> Path:
    """Return where a report goes that was given no place: in its store, or here for several."""
    return folders[0] / "analysis" / "report.html" if len(folders) == 1 else Path("report.html")


def write(text: str, path: Path) -> Path:
    """Write the page, whole or not at all.

    Raises:
        controller.analysis.report.ReportError: it can't be written there.
    """
    from controller.analysis.report import ReportError
    from controller.analysis.whole_file import whole_file

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return whole_file(path, lambda partial: partial.write_text(text, "utf-8"))
    except OSError as error:
        raise ReportError(
            f"{path} can't be written: {error}; name another file with `--out FILE.html`"
        ) from error

"""`biasloop export`: a store's tables as NWB, CSV or Parquet."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path, typer.Argument(help="Folder of an experiment or of a session.", metavar="DIR")
]


class To(StrEnum):
    """The formats."""

    NWB = "nwb"
    CSV = "csv"
    PARQUET = "parquet"


def export(
    folder: Folder,
    *,
    to: Annotated[To, typer.Option(help="The format.")],
    out: Annotated[
        Path | None, typer.Option(help="The new folder; DIR/export_FORMAT by default.")
    ] = None,
    session: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this session; all by default.")
    ] = None,
    species: Annotated[
        str | None, typer.Option(help="Of the subject, for NWB: 'Rattus norvegicus'.")
    ] = None,
    sex: Annotated[
        str, typer.Option(help="Of the subject, for NWB: M, F, O or U (unknown).")
    ] = "U",
    age: Annotated[
        str | None,
        typer.Option(help="Of the subject, for NWB: P90D (90 days), P8W/P10W; unknown by default."),
    ] = None,
) -> None:
    """Write a store's tables as NWB (a file a session), CSV or Parquet; all of it or nothing."""
    from controller.analysis.source import open_source
    from controller.export.formats import export as write
    from controller.export.formats import writer_of
    from controller.export.subject import SubjectFacts

    facts = SubjectFacts(species, sex, age)
    writer_of(to)  # a missing package is said before anything is read
    made = write(
        open_source(folder), to, out or folder / f"export_{to}", session=session, facts=facts
    )
    files = sum(path.is_file() for path in made.rglob("*"))
    typer.echo(f"wrote    {made} ({files} file{'' if files == 1 else 's'})")

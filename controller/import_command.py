"""`biasloop import`: a store of somebody else's trials."""

from pathlib import Path
from typing import Annotated

import typer


def import_(
    table: Annotated[
        str, typer.Argument(help="A table (.csv, .tsv, perhaps .gz), or a ready source: rat.")
    ],
    *,
    mapping: Annotated[
        Path | None,
        typer.Option("--map", metavar="MAP.toml", help="Which column is what; for a table."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The new folder; runs/NAME by default.")] = None,
) -> None:
    """Make a store of trials that somebody else recorded; every row is checked before."""
    from controller.importing.sources import trials_from
    from controller.importing.stores import write_stores

    trials = trials_from(table, mapping)
    folder = write_stores(trials, out or Path("runs") / trials.name.replace("/", "-"))
    typer.echo(f"{trials.count:,} trials in {len(trials.sessions)} sessions")
    typer.echo(f"store    {folder}; next: `biasloop analyse {folder}`")

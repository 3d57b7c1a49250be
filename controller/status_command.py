"""`biasloop status`: one screen that says how an experiment stands."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path, typer.Argument(help="Folder of an experiment or of a session.", metavar="DIR")
]


def status(folder: Folder) -> None:
    """Say on one screen how far an experiment is, who had what, and what to do next."""
    from rich.console import Console

    from controller.analysis.record import describe
    from controller.analysis.source import open_source
    from controller.analysis.standing import SHOWN, standing

    record = describe(open_source(folder, live=True), SHOWN)
    Console().print(standing(record))

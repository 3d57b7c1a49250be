"""`biasloop serve`: the live page of experiments, for a browser."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

FAILED = 1
NICE = 10


def serve(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of an experiment, of a session, or of several experiments.", metavar="DIR"
        ),
    ],
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen at; other than this computer's needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="BIASLOOP_TOKEN", help="Only who has it may read; made where it is needed."
        ),
    ] = None,
) -> None:
    """Show experiments in a browser while they run; nothing is written, Ctrl-C ends it."""
    if not folder.is_dir():
        _fail(
            f"{folder} is no folder: give that of an experiment, of a session, or of several "
            "experiments, such as runs"
        )
    with suppress(OSError, AttributeError):
        os.nice(NICE)  # before any thread begins: trials on this computer come first
    try:
        from controller.page.server import PageError, bind, run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"starlette", "uvicorn", "jinja2"}:
            raise
        _fail(f"the live page needs {error.name}: pip install 'biasloop[page]'")
    try:
        address = bind(host, port, token)
    except PageError as error:
        _fail(str(error))

    def ready() -> None:
        typer.echo(f"{address.url}  (Ctrl-C ends it)")
        if not address.loopback:
            typer.echo(
                "whoever has this address can read along, and what is sent isn't encrypted; over "
                "a network, `ssh -L` to the page on 127.0.0.1 is safer",
                err=True,
            )

    run(folder, address, ready)
    sys.stdout.flush()
    os._exit(0)  # nothing is written: a long computation under way isn't waited for


def _fail(words: str) -> NoReturn:
    typer.echo(f"biasloop: {words}", err=True)
    raise typer.Exit(FAILED)

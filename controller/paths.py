"""Documents by their path, or by the name of a ready one."""

from collections.abc import Mapping
from pathlib import Path

import typer


def protocol_path(name: str) -> Path:
    """Return a protocol document's file."""
    from protocols.library import ready

    return _path(name, ready(), "document")


def rig_path(name: str) -> Path:
    """Return a rig document's file."""
    from protocols.rigs import ready

    return _path(name, ready(), "rig")


def _path(name: str, documents: Mapping[str, Path], what: str) -> Path:
    path = Path(name)
    if path.exists() or path.suffix:
        return path
    if name in documents:
        return documents[name]
    raise typer.BadParameter(
        f"no file {name!r} and no ready {what} of that name; ready ones are {', '.join(documents)}"
    )

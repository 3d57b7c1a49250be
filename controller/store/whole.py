"""Are all the files there that a store's metadata count on?

zarr takes a chunk that is missing for one that was never written and reads zeros, or NaN: numbers
that nobody measured. So a copy that isn't complete, or a lost file, is looked for before reading.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xarray as xr

from controller.store.errors import StoreCorrupt
from controller.store.fold import MARKER, ZARR_NAME


def check_whole(folder: Path) -> None:
    """Compare what the root's metadata count on with the files that are there.

    Raises:
        StoreCorrupt: the first file that is missing, or lengths that disagree.
    """
    root = folder / ZARR_NAME
    try:
        document = json.loads((root / "zarr.json").read_bytes())
        rows = document["attributes"][MARKER]["rows"]
        members = document["consolidated_metadata"]["metadata"]
        arrays = {path: text for path, text in members.items() if text["node_type"] == "array"}
        for path, text in arrays.items():
            table = path.partition("/")[0]
            if text["shape"][0] != rows[table]:
                raise _incomplete(folder, f"{path} has {text['shape'][0]} rows, not {rows[table]}")
            for chunk in _chunks(text):
                if not os.path.exists(f"{root}/{path}/c/{chunk}"):  # noqa: PTH110  many, and often
                    raise _incomplete(folder, f"{path}/c/{chunk} is missing")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _incomplete(folder, f"zarr.json is missing or unreadable ({error})") from error


def open_whole(folder: Path) -> xr.DataTree:
    """All tables of a store at its last published moment, loaded when they are used.

    Raises:
        StoreCorrupt: a file is missing, or the tables can't be opened.
    """
    check_whole(folder)
    try:
        return xr.open_datatree(folder / ZARR_NAME, engine="zarr", chunks=None)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise _incomplete(folder, f"it can't be read ({error})") from error


def _chunks(array: dict[str, Any]) -> Iterator[str]:
    """Yield the names of an array's chunks; only the first dimension has more than one."""
    length = array["chunk_grid"]["configuration"]["chunk_shape"][0]
    inner = "/0" * (len(array["shape"]) - 1)
    for number in range(-(-array["shape"][0] // length)):
        yield f"{number}{inner}"


def _incomplete(folder: Path, what: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{folder / ZARR_NAME} is incomplete or damaged: {what}. Copy the whole folder again or, "
        f"where journal.sqlite is in it, run `biasloop repair {folder}`"
    )

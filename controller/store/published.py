"""What a store shows to everybody: its zarr tables alone, whoever writes to it meanwhile.

No lock is taken, no journal is opened and nothing is written. All tables are of one moment, because
the root's metadata, which is replaced by one rename, says how long each of them is.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from controller.store.ending import ending
from controller.store.errors import NotAStore
from controller.store.fold import ZARR_NAME, exit_status, read_marker
from controller.store.whole import open_whole


@dataclass(frozen=True, slots=True)
class Published:
    """One published moment of a store."""

    tree: xr.DataTree = field(repr=False)
    """Its tables, loaded when they are used."""
    kind: str
    """experiment, session"""
    header: Mapping[str, Any] = field(repr=False)
    origin: str
    exit_status: str
    """As the writer left it; "killed" where it says that it runs and nobody writes."""
    seq: int
    """Number of the last journal frame that is in the tables."""
    rows: Mapping[str, int]

    def with_state(self, tree: xr.DataTree, exit_status: str) -> "Published":
        """Return it with tables, and an ending, that are known better."""
        return dataclasses.replace(self, tree=tree, exit_status=exit_status)


def published(folder: Path) -> Published:
    """Read what a store has published.

    Raises:
        NotAStore: there are no tables in the folder.
        StoreTooNew: a later version wrote them.
        StoreCorrupt: they can't be read.
    """
    folder = Path(folder)
    if not (folder / ZARR_NAME).is_dir():
        raise NotAStore(
            f"{folder} is no store: expected {ZARR_NAME} in it. Give the folder that a run or a "
            f"session made; where journal.sqlite is in it, `biasloop repair {folder}` makes the "
            "tables anew"
        )
    marker = read_marker(folder)
    tree = open_whole(folder)
    return Published(
        tree=tree,
        kind=str(marker["layout"].get("kind", "experiment")),
        header=marker.get("header", {}),
        origin=str(marker.get("origin", "simulated")),
        exit_status=ending(folder, lambda: exit_status(read_marker(folder))),
        seq=int(marker["seq"]),
        rows=marker["rows"],
    )

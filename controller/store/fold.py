"""The fold: frames in, a zarr store out that is whole at every moment.

    1. chunk files beyond (or with the same prefix as) the published rows: temporary, rename
    2. the root `zarr.json`, by one rename: shapes of all arrays and a marker
       `biasloop = {schema, seq, rows, …}`. This publishes all tables at once
    3. each group's own `zarr.json`, for readers that open one table

A live store also syncs the chunks before and the folders between the steps. A kill at any point
leaves the last published moment; the frames after the marker are pushed again, which writes the
same bytes to the same places.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from controller.store.columns import ColumnWriter
from controller.store.errors import StoreCorrupt, StoreTooNew
from controller.store.files import remove_partials, sync_folders, write_atomic
from controller.store.frames import Frame, Tables
from controller.store.metadata import group_text
from controller.store.schema import SCHEMA_VERSION, Layout, columns, tables_of
from controller.store.seal import FIELD, is_whole, sealed

ZARR_NAME = "experiment.zarr"
WAITING_ROWS = 4096
"""Rows of small frames that are put together before they go to their columns."""
MARKER = "biasloop"
SEALED_SINCE = 3
"""Schema from which on the root has a checksum."""
_METADATA = "zarr.json"


def read_marker(folder: Path) -> dict[str, Any]:
    """What the published store says about itself.

    Args:
        folder: the store's folder.

    Raises:
        StoreCorrupt: the root metadata is missing or unreadable.
        StoreTooNew: a later version wrote it.
    """
    path = folder / ZARR_NAME / _METADATA
    try:
        text = path.read_bytes()
        marker = json.loads(text)["attributes"][MARKER]
        # first, because nothing else can be relied on in a later one
        if marker["schema"] > SCHEMA_VERSION:
            raise StoreTooNew(
                f"the store {folder} has schema {marker['schema']}, this program knows up to "
                f"{SCHEMA_VERSION}: update biasloop"
            )
        _, rows = int(marker["seq"]), set(marker["rows"])
        complete = rows == {table.name for table in tables_of(Layout(**marker["layout"]))}
        whole = is_whole(text) or marker["schema"] < SEALED_SINCE
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreCorrupt(_damaged(folder, f"{path.name} is missing or unreadable")) from error
    if not whole:
        raise StoreCorrupt(_damaged(folder, f"the checksum of {path.name} doesn't match"))
    if not complete:
        raise StoreCorrupt(_damaged(folder, f"{path.name} lists other tables than expected"))
    return marker


def exit_status(marker: Mapping[str, Any]) -> str:
    """How its writer left a store, by the marker; "running" while it is written."""
    return str(marker.get("exit_status", "running"))


def _damaged(folder: Path, what: str) -> str:
    return (
        f"{folder / ZARR_NAME} is damaged: {what}. The journal still holds everything: "
        f"run `biasloop repair {folder}`"
    )


class Fold:
    """The writer of a zarr store; `resume` or `start` comes first."""

    def __init__(self, root: Path, layout: Layout, attributes: dict[str, Any]) -> None:
        """Prepare.

        Args:
            root: the zarr store's folder.
            layout: widths and care.
            attributes: what the marker holds besides schema, seq and rows; may change later.
        """
        self.root = root
        self.attributes = attributes
        self.seq = 0
        self.rows = {table.name: 0 for table in tables_of(layout)}
        self._layout = layout
        self._published: dict[str, int] = {}
        self._waiting: list[Tables] = []
        self._waiting_rows = 0
        self._writers = {
            table.name: [ColumnWriter(root, table, c, layout) for c in columns(table, layout)]
            for table in tables_of(layout)
        }

    def start(self) -> None:
        """Make an empty store."""
        for writers in self._writers.values():
            for writer in writers:
                Path(writer.folder, "c").mkdir(parents=True)
        self.publish_arrays()
        self.publish()

    def resume(self, marker: dict[str, Any]) -> None:
        """Go on from a published moment.

        Raises:
            DamagedChunkError: a chunk that is needed can't be read; rebuild instead.
        """
        remove_partials(self.root)
        self._waiting, self._waiting_rows = [], 0
        self.seq, self.rows = marker["seq"], dict(marker["rows"])
        for table, writers in self._writers.items():
            for writer in writers:
                writer.resume(self.rows[table])
        # A kill may have come between the root and the groups.
        self._published = {}

    def push(self, seq: int, frame: Frame) -> None:
        """Add a frame's rows; nobody sees them before `publish`."""
        tables = frame.expand(self._layout, self.rows)
        for table, values in tables.items():
            added = len(values[self._writers[table][0].name])
            self.rows[table] += added
            self._waiting_rows += added
        self._waiting.append(tables)
        self.seq = seq
        if self._waiting_rows >= WAITING_ROWS:
            self._settle()

    def _settle(self) -> None:
        """Give the columns what was pushed, that of many frames at once."""
        for table, writers in self._writers.items():
            parts = [tables[table] for tables in self._waiting if table in tables]
            for writer in writers if parts else ():
                pieces = [part[writer.name] for part in parts]
                writer.extend(pieces[0] if len(pieces) == 1 else np.concatenate(pieces))
        self._waiting, self._waiting_rows = [], 0

    def publish(self) -> None:
        """Show all that was pushed, in one moment."""
        self._settle()
        self._flush()
        texts = {
            table: [(w.name, w.text.render(w.rows)) for w in writers]
            for table, writers in self._writers.items()
        }
        members = [
            member
            for table, arrays in texts.items()
            for member in (
                (table, group_text({}, [])),
                *((f"{table}/{name}", text) for name, text in arrays),
            )
        ]
        place = {"schema": SCHEMA_VERSION, "seq": self.seq, "rows": self.rows}
        root = group_text({MARKER: {**FIELD, **place, **self.attributes}}, members)
        self._write("", sealed(root.encode()))
        self._sync_folders({str(self.root)})
        for table, arrays in texts.items():
            if self._published.get(table) != self.rows[table]:
                self._publish_group(table, group_text({}, arrays).encode())
        self._published = dict(self.rows)

    def _publish_group(self, table: str, text: bytes) -> None:
        path = self.root / table / _METADATA
        # After resuming, most are as they should be, and a synced write is dear.
        if table in self._published or not path.exists() or path.read_bytes() != text:
            self._write(table, text)

    def publish_arrays(self) -> None:
        """Write each array's own metadata, for readers that ignore the consolidated ones."""
        for table, writers in self._writers.items():
            for writer in writers:
                self._write(f"{table}/{writer.name}", writer.text.render(writer.rows).encode())

    def _flush(self) -> None:
        dirty: set[str] = set()
        for writers in self._writers.values():
            for writer in writers:
                writer.flush()
                dirty |= writer.dirty_folders
                writer.dirty_folders.clear()
        self._sync_folders(dirty)

    def _sync_folders(self, folders: set[str]) -> None:
        if self._layout.live:
            sync_folders(sorted(folders))

    def _write(self, path: str, text: bytes) -> None:
        write_atomic(self.root / path / _METADATA, text, sync=self._layout.live)

"""Zarr v3 metadata of a store, as JSON text.

Written by hand because zarr has no way to publish several arrays at once: the root's inline
consolidated metadata holds the shapes of all arrays, so that one rename of one file does.
https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from controller.store.schema import Column, Layout, Table, row_shape

ZSTD_LEVEL = -20
CHUNK_BYTES = 2**21
"""Upper bound of a chunk, except that it holds at least one row."""
_ROWS_LIVE = 4096
_ROWS_DRY = {"trials": 524288, "stimuli": 524288}
_ROWS_DRY_OTHER = 65536
_DTYPES = {
    "u1": "uint8",
    "i1": "int8",
    "i2": "int16",
    "i4": "int32",
    "i8": "int64",
    "f4": "float32",
    "f8": "float64",
}


def chunk_shape(table: Table, column: Column, layout: Layout) -> tuple[int, ...]:
    """Rows (and width) of a column's chunks: few files in a dry-run, small rewrites when live."""
    rows = _ROWS_LIVE if layout.live else _ROWS_DRY.get(table.name, _ROWS_DRY_OTHER)
    rest = row_shape(column, layout)
    row_bytes = int(column.dtype[1:]) * (rest[0] if rest else 1)
    return (max(1, min(rows, CHUNK_BYTES // row_bytes)), *rest)


def fill_value(column: Column) -> float:
    """What the rows past the end of the last chunk hold."""
    return math.nan if column.dtype[0] == "f" else 0.0


def _attributes(column: Column) -> dict[str, Any]:
    attributes: dict[str, Any] = {"long_name": column.long_name}
    if column.flags:
        attributes["flag_values"] = list(range(len(column.flags)))
        attributes["flag_meanings"] = " ".join(column.flags)
    else:
        attributes["units"] = column.units
    return attributes


class ArrayText:
    """The metadata of one array; only the number of rows changes from fold to fold."""

    def __init__(self, table: Table, column: Column, layout: Layout) -> None:
        rest = row_shape(column, layout)
        wide = int(column.dtype[1:]) > 1
        document = {
            "zarr_format": 3,
            "node_type": "array",
            "data_type": _DTYPES[column.dtype],
            "chunk_grid": {
                "name": "regular",
                "configuration": {"chunk_shape": chunk_shape(table, column, layout)},
            },
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": "NaN" if column.dtype[0] == "f" else 0,
            "codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}}
                if wide
                else {"name": "bytes"},
                {"name": "zstd", "configuration": {"level": ZSTD_LEVEL, "checksum": True}},
            ],
            "attributes": _attributes(column),
            "dimension_names": [table.row, *([column.width] if column.width else [])],
            "storage_transformers": [],
        }
        self._tail = json.dumps(document)[1:]
        self._rest = "".join(f", {n}" for n in rest)

    def render(self, rows: int) -> str:
        """The JSON text for an array of so many rows."""
        return f'{{"shape": [{rows}{self._rest}], {self._tail}'


def group_text(attributes: Mapping[str, Any], members: Iterable[tuple[str, str]]) -> str:
    """A group's JSON with the metadata of all below it.

    Args:
        attributes: of the group itself.
        members: paths relative to the group, with their JSON texts.
    """
    inner = ", ".join(f'"{path}": {text}' for path, text in members)
    return (
        f'{{"zarr_format": 3, "node_type": "group", "attributes": {json.dumps(attributes)}, '
        '"consolidated_metadata": {"kind": "inline", "must_understand": false, '
        f'"metadata": {{{inner}}}}}}}'
    )

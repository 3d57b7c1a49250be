"""Columns of a table of NWB: written piece by piece, compressed, described with unit and codes."""

# hdmf makes its classes at run time, where no type checker sees them
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportAttributeAccessIssue=false

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from hdmf.common import DynamicTable, ElementIdentifiers, MeaningsTable, VectorData
from hdmf.data_utils import GenericDataChunkIterator
from pynwb import H5DataIO

from controller.export.content import PIECE_ROWS, ExportColumn, ExportTable

CHUNK_BYTES = 2**18
RENAMED: Mapping[tuple[str, str], str] = {("pulses", "id"): "pulse_id"}
"""Names that a table of NWB has for itself."""
Read = Callable[[int, int], np.ndarray]
"""From the first row and the row after the last to the values."""


class Slices(GenericDataChunkIterator):
    """Rows that are read when they are written."""

    def __init__(self, read: Read, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self._read, self._shape, self._type = read, shape, dtype
        chunk = chunk_shape(shape, dtype)
        per_piece = max(1, PIECE_ROWS // chunk[0])
        rows = min(shape[0], chunk[0] * per_piece)
        super().__init__(chunk_shape=chunk, buffer_shape=(rows, *shape[1:]))

    def _get_data(self, selection: tuple[slice, ...]) -> np.ndarray:
        rows = selection[0]
        return self._read(rows.start, rows.stop)[(slice(None), *selection[1:])]

    def _get_maxshape(self) -> tuple[int, ...]:
        return self._shape

    def _get_dtype(self) -> np.dtype:
        return self._type


def chunk_shape(shape: tuple[int, ...], dtype: np.dtype) -> tuple[int, ...]:
    """Return the rows (and width) that are compressed together."""
    row_bytes = dtype.itemsize * math.prod(shape[1:])
    return (max(1, min(shape[0], CHUNK_BYTES // row_bytes)), *shape[1:])


def packed(read: Read, shape: tuple[int, ...], dtype: np.dtype) -> H5DataIO:
    """Return what is written in compressed chunks."""
    slices = Slices(read, shape, np.dtype(dtype))
    return H5DataIO(slices, compression="gzip", compression_opts=1, shuffle=True)


def packed_array(values: np.ndarray) -> H5DataIO:
    """Return an array in compressed chunks."""
    return H5DataIO(
        values,
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        chunks=chunk_shape(values.shape, values.dtype),
    )


def described(column: ExportColumn) -> str:
    """Return one line that says what a column holds, with its unit or the meanings of its codes."""
    if column.flags:
        codes = ", ".join(f"{code} {word}" for code, word in enumerate(column.flags))
        return f"{column.long_name}; codes: {codes}"
    return f"{column.long_name}; unit: {column.units or '1'}"


def vector(table: ExportTable, column: ExportColumn) -> VectorData:
    """Return a stored column, every value as it is."""
    return VectorData(
        name=RENAMED.get((table.name, column.name), column.name),
        description=described(column),
        data=packed(column.read, column.shape, column.dtype),
    )


def vectors(table: ExportTable) -> list[VectorData]:
    """Return all stored columns of a table."""
    return [vector(table, column) for column in table.columns]


def filled(
    kind: type[DynamicTable],
    table: ExportTable,
    before: Sequence[VectorData] = (),
    **about: Any,
) -> DynamicTable:
    """Return a table of NWB with the stored columns behind those of NWB's own.

    Args:
        kind: its class.
        table: the stored one.
        before: the columns that come first.
        about: what else the class takes.
    """
    columns = [*before, *vectors(table)]
    rows = np.arange(table.rows, dtype=np.int32)
    return kind(
        columns=columns,
        colnames=[column.name for column in columns],
        id=ElementIdentifiers(name="id", data=packed_array(rows)),
        meanings_tables=_meanings(table, columns),
        **about,
    )


def _meanings(table: ExportTable, columns: Sequence[VectorData]) -> list[MeaningsTable]:
    """Return what the codes of a table mean, as tables of NWB."""
    by_name = {column.name: column for column in columns}
    found = []
    for column in table.columns:
        if column.flags:
            meanings = MeaningsTable(target=by_name[column.name])
            for code, word in enumerate(column.flags):
                meanings.add_row(value=code, meaning=word)
            found.append(meanings)
    return found

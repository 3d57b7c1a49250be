"""What is exported: an experiment and each of its sessions, as tables whose columns are read late.

A column is read in pieces, so that a dry-run of ten million trials passes through little memory.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from controller.analysis.source import SessionSource, Source
from controller.export.errors import ExportError
from controller.store import StoreCorrupt
from controller.store.published import published

PIECE_ROWS = 2**19
"""Rows that are read at once; a multiple of what a store's chunks hold."""


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column of a table."""

    name: str
    long_name: str
    """One line for people."""
    units: str
    """Empty for a column of codes."""
    flags: tuple[str, ...]
    """Meanings of the codes 0, 1, …"""
    variable: xr.Variable = field(repr=False)

    @property
    def dtype(self) -> np.dtype:
        """Type of a value."""
        return np.dtype(self.variable.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows,) or (rows, width)."""
        return tuple(int(length) for length in self.variable.shape)

    def read(self, first: int = 0, end: int | None = None) -> np.ndarray:
        """Return rows of the column; all by default.

        Raises:
            StoreCorrupt: they can't be read.
        """
        try:
            return np.asarray(self.variable[first:end].values)
        except (OSError, ValueError, RuntimeError) as error:
            raise StoreCorrupt(
                f"the column {self.name} can't be read: {error}; run `biasloop repair` on its "
                "folder, then export it again"
            ) from error


@dataclass(frozen=True, slots=True)
class ExportTable:
    """One table of a store."""

    name: str
    rows: int
    columns: tuple[ExportColumn, ...]

    def column(self, name: str) -> ExportColumn:
        """Return one column."""
        return next(column for column in self.columns if column.name == name)

    def pieces(self) -> Iterator[tuple[int, int]]:
        """Yield the first row, and the row after the last, of each piece."""
        for first in range(0, self.rows, PIECE_ROWS):
            yield first, min(first + PIECE_ROWS, self.rows)


@dataclass(frozen=True, slots=True)
class Part:
    """An experiment's own tables, or those of one session."""

    name: str
    kind: str
    """experiment, session"""
    folder: Path
    header: Mapping[str, Any] = field(repr=False)
    origin: str
    """simulated, emulated, simavr, animal, imported"""
    exit_status: str
    document: str = field(repr=False)
    """Text of the protocol document, as it was frozen."""
    tables: Mapping[str, ExportTable] = field(repr=False)


def parts_of(source: Source, session: str | None = None) -> list[Part]:
    """Return what there is to export.

    Args:
        source: the store, read.
        session: the name of the only session that is wanted; None: everything.

    Raises:
        ExportError: there is nothing, or no session of that name.
    """
    if session is not None:
        return [_of_session(_named(source, session), source)]
    parts = [_of_session(one, source) for one in source.sessions]
    if source.kind == "experiment":
        about = (source.header, source.origin, source.exit_status)
        own = _part(source.name, source.kind, source.folder, about)
        if any(table.rows for name, table in own.tables.items() if name != "events") or not parts:
            parts.insert(0, own)
    if not any(table.rows for part in parts for table in part.tables.values()):
        raise ExportError(
            f"{source.folder} holds no rows yet, so there is nothing to export; run it first"
        )
    return parts


def _named(source: Source, session: str) -> SessionSource:
    found = next((one for one in source.sessions if one.name == session), None)
    if found is None:
        names = "\n".join(f"  {one.name}" for one in source.sessions)
        there = f"there are\n{names}" if names else "it has none: leave --session out"
        raise ExportError(f"{source.folder} has no session {session!r}; {there}")
    return found


def _of_session(one: SessionSource, source: Source) -> Part:
    origin = str(one.header.get("origin", source.origin))
    return _part(one.name, "session", one.folder, (one.header, origin, one.exit_status))


def _part(name: str, kind: str, folder: Path, about: tuple[Mapping[str, Any], str, str]) -> Part:
    tree = published(folder).tree
    tables = {str(key): _table(str(key), node.to_dataset()) for key, node in tree.children.items()}
    return Part(name, kind, folder, *about, _document(folder), tables)


def _table(name: str, data: xr.Dataset) -> ExportTable:
    columns = tuple(_column(str(key), one) for key, one in data.variables.items())
    return ExportTable(name, columns[0].shape[0], columns)


def _column(name: str, variable: xr.Variable) -> ExportColumn:
    attributes = variable.attrs
    return ExportColumn(
        name=name,
        long_name=str(attributes.get("long_name", name)),
        units=str(attributes.get("units", "")),
        flags=tuple(str(attributes.get("flag_meanings", "")).split()),
        variable=variable,
    )


def _document(folder: Path) -> str:
    try:
        return (folder / "experiment.toml").read_text("utf-8")
    except (OSError, ValueError):
        return ""

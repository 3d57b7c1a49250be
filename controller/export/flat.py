"""Tables as flat ones: a vector becomes one column for each of its values, x_0, x_1 and so on."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from controller.export.content import ExportColumn, ExportTable, Part
from controller.export.words import word_array, words_of

WORDS = "words"
"""Column of a session's events that only the journal has."""


def flat_names(column: ExportColumn) -> list[str]:
    """Return the names of the flat columns that hold a column."""
    if len(column.shape) == 1:
        return [column.name]
    return [f"{column.name}_{place}" for place in range(column.shape[1])]


def flat_piece(
    table: ExportTable, first: int, end: int, words: list[str] | None
) -> dict[str, np.ndarray]:
    """Return rows of a table, column by column.

    Args:
        table: which.
        first: row.
        end: the row after the last.
        words: of all its rows, for the events of a session.
    """
    flat: dict[str, np.ndarray] = {}
    for column in table.columns:
        values = column.read(first, end)
        for place, name in enumerate(flat_names(column)):
            flat[name] = values if values.ndim == 1 else values[:, place]
    if words is not None:
        flat[WORDS] = word_array(words[first:end])
    return flat


def words_in(part: Part, table: ExportTable) -> list[str] | None:
    """Return the words of a table's rows; None for a table that has none."""
    return words_of(part) if part.kind == "session" and table.name == "events" else None


def meanings(part: Part) -> dict[str, Any]:
    """Return what every column means, for a file beside the tables."""
    return {table.name: _meanings(part, table) for table in part.tables.values()}


def _meanings(part: Part, table: ExportTable) -> dict[str, Any]:
    found = {name: meaning(one) for one in table.columns for name in flat_names(one)}
    if part.kind == "session" and table.name == "events":
        found[WORDS] = {"long_name": "words that belong to it", "dtype": "text"}
    return found


def meaning(column: ExportColumn) -> Mapping[str, Any]:
    """Return what one column means."""
    said: dict[str, Any] = {"long_name": column.long_name, "dtype": column.dtype.name}
    if column.units:
        said["units"] = column.units
    if column.flags:
        said["flags"] = {str(code): word for code, word in enumerate(column.flags)}
    return said


def provenance(part: Part) -> dict[str, Any]:
    """Return what a reader must know of where the rows come from."""
    from controller.analysis.sections.origin import WORDS as ORIGINS

    return {
        "name": part.name,
        "kind": part.kind,
        "origin": part.origin,
        "answers_are_from": ORIGINS.get(part.origin, part.origin),
        "exit_status": part.exit_status,
        "header": dict(part.header),
    }

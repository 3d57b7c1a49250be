"""Columns of a table, found by the mapping and read cell by cell; every bad cell is remembered."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np

from controller.importing import cells
from controller.importing.mapping import MappingDocument
from controller.importing.table import Table
from protocols.documents import Document, DocumentError, Problem
from protocols.documents.explain import suggest
from protocols.documents.problems import Where, dotted
from protocols.documents.reading import data_of, read

NAN = float("nan")
_T = TypeVar("_T", int, float)


def check_columns(document: Document[MappingDocument], table: Table) -> None:
    """Refuse a mapping that names columns which the table hasn't.

    Raises:
        DocumentError: names each with its line, and the nearest column.
    """
    name, lines = "<mapping>", {}
    if document.path is not None:
        name = str(document.path)
        _, lines = data_of(read(document.path), name)
    wrong = [
        Problem(
            name,
            lines.get(where, 1),
            dotted(where),
            f"{column!r} is no column of {table.path.name}{_near(column, table.header)}",
        )
        for where, column in _named(document.value)
        if column not in table.header
    ]
    if wrong:
        raise DocumentError(wrong)


def _near(name: str, header: Sequence[str]) -> str:
    """Return a suggestion, and all columns; letters that are only of another size are the same."""
    same = [one for one in header if one.casefold() == name.casefold()]
    if same:
        return f"; did you mean '{same[0]}'? allowed: {', '.join(header)}"
    return suggest(name, header)


def _named(mapping: MappingDocument) -> Iterator[tuple[Where, str]]:
    for place, column in enumerate(mapping.columns.stimulus):
        yield ("columns", "stimulus", place), column
    for name, column in mapping.columns.model_dump(exclude={"stimulus"}, exclude_none=True).items():
        yield ("columns", name), column


@dataclass(slots=True)
class Reader:
    """Reads columns of one table; what is wrong is in `problems`, in the order of the lines."""

    table: Table
    missing: Collection[str]
    """Text that stands for no value."""
    _found: list[tuple[int, str]] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """One line for each bad cell."""
        return [words for _, words in sorted(self._found)]

    def complain(self, row: int, words: str) -> None:
        """Remember what is wrong with a row."""
        line = self.table.lines[row]
        self._found.append((line, f"line {line}: {words}"))

    def texts(self, column: str) -> list[str]:
        """Return a column's cells."""
        place = self.table.header.index(column)
        return [row[place] for row in self.table.rows]

    def values(
        self, column: str, parse: Callable[[str], _T], missing: _T | None = None
    ) -> list[_T]:
        """Return what a column's cells say.

        Args:
            column: its name.
            parse: from a cell to its value; raises `CellError`.
            missing: what a cell without a value says; None: each must have one.
        """
        values, known = [], {}  # cells repeat
        for row, cell in enumerate(self.texts(column)):
            if cell in self.missing and missing is not None:
                values.append(missing)
                continue
            if cell not in known:
                try:
                    known[cell] = parse(cell)
                except cells.CellError as error:
                    self.complain(row, f"{column}: {error}")
                    values.append(cast("_T", 0) if missing is None else missing)
                    continue
            values.append(known[cell])
        return values

    def numbers(
        self, column: str | None, parse: cells.Parse, *, required: bool = False
    ) -> np.ndarray:
        """Return a column's numbers; NaN where there is none.

        Returns:
            f8[trial]
        """
        if column is None:
            return np.full(len(self.table.rows), NAN)
        return np.array(self.values(column, parse, None if required else NAN), np.float64)

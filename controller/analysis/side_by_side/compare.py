"""Many records as one: each quantity with its value in every store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from controller.analysis.record import Record, plain
from controller.analysis.sections.base import Cell, NumberTable
from controller.analysis.side_by_side.at_rig import OVERHEAD, WATER
from controller.analysis.side_by_side.base import Quantity
from controller.analysis.side_by_side.behaviour import PSYCHOMETRIC
from controller.analysis.side_by_side.functions import (
    ERROR,
    FIRST_DEGREE,
    FOUND,
    TRIALS,
    VERDICT,
)
from controller.analysis.side_by_side.origin import STORES

QUANTITIES: tuple[Quantity, ...] = (
    *(STORES, FOUND, FIRST_DEGREE, VERDICT, ERROR, TRIALS),
    *(PSYCHOMETRIC, WATER, OVERHEAD),
)


def side_by_side(
    records: Mapping[str, Record], quantities: Iterable[Quantity] = QUANTITIES
) -> dict[str, Any]:
    """Return what JSON holds of a comparison.

    Args:
        records: label of a store to its record.
        quantities: which are compared; all by default.

    Returns:
        Quantity to its title, note, columns and, by label, its values in each column. A quantity
        that no store has is left out; a store that lacks one has no values.
    """
    found = {one.name: _compared(one, records) for one in quantities}
    return {name: plain(one) for name, one in found.items() if one["columns"]}


def _compared(quantity: Quantity, records: Mapping[str, Record]) -> dict[str, Any]:
    cells: dict[str, Mapping[str, Cell]] = {
        label: quantity.cells(record[quantity.section]) if quantity.section in record else {}
        for label, record in records.items()
    }
    columns = dict.fromkeys(column for values in cells.values() for column in values)
    return {
        "title": quantity.title,
        "note": quantity.note,
        "columns": list(columns),
        "stores": cells,
    }


def tables(compared: Mapping[str, Any]) -> Iterator[NumberTable]:
    """Yield one table for each quantity, a row for each store."""
    for one in compared.values():
        columns: Sequence[str] = one["columns"]
        rows = [
            [label, *(values.get(column) for column in columns)]
            for label, values in one["stores"].items()
        ]
        yield NumberTable(one["title"], ("store", *columns), rows, one["note"])

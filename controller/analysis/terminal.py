"""A record on a terminal: every section's tables, as wide as the terminal is."""

from collections.abc import Iterator

from rich import box
from rich.table import Table

from controller.analysis.record import Record
from controller.analysis.sections import SECTIONS
from controller.analysis.sections.base import Cell, NumberTable

UNKNOWN = "–"


def number_tables(record: Record) -> Iterator[tuple[str, NumberTable]]:
    """Yield the tables of a record, each with its section's title."""
    for section in SECTIONS:
        if (numbers := record.get(section.name)) is not None:
            for table in section.tables(numbers):
                yield section.title, table


def text(cell: Cell) -> str:
    """Write a cell: four significant digits, thousands apart."""
    match cell:
        case None:
            return UNKNOWN
        case bool():
            return "yes" if cell else "no"
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:,.0f}" if abs(cell) >= 1e4 else f"{cell:.4g}"
        case _:
            return cell


def is_number(cell: Cell) -> bool:
    """Say whether a cell is written at its column's right end."""
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def rich_table(table: NumberTable) -> Table:
    """Return a table for a terminal; text that looks like markup is shown as it is."""
    from rich.text import Text

    shown = Table(
        title=table.title,
        title_justify="left",
        title_style="bold",
        caption=table.note or None,
        caption_justify="left",
        caption_style="dim",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for place, name in enumerate(table.columns):
        cells = [row[place] for row in table.rows]
        right = all(cell is None or is_number(cell) for cell in cells)
        shown.add_column(Text(name), justify="right" if right else "left", overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text(text(cell)) for cell in row))
    return shown

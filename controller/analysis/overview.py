"""What a terminal shows of a store: findings, functions, and a short table of everything else.

It is read at the rig, early in the morning, at 80 columns. Whatever doesn't fit is counted, so that
nobody takes it for all there is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, groupby
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from controller.analysis.findings import findings, headline
from controller.analysis.record import Record
from controller.analysis.sections.base import Cell, NumberTable
from controller.analysis.side_by_side.compare import tables as compared_tables
from controller.analysis.terminal import number_tables, rich_table, text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

MOST_ROWS, SHOWN_ROWS = 7, 5
"""A table with more rows than the first shows so many as the second."""
IN_TIME = frozenset(["session", "day", "time"])
"""First words of headings of tables whose last rows matter most: what happened of late."""
SENTENCE = 30
"""A cell that is longer is broken into lines, a shorter one isn't."""
GAP = 2
FUNCTIONS = "functions"


def show(console: "Console", record: Record, *, everything: bool = False) -> None:
    """Print what one store says, what was not learner-driven first.

    Args:
        console: where to.
        record: the store's numbers.
        everything: print every table whole.
    """
    from controller.analysis.table import table

    _print_all(console, _findings(record))
    left_out = 0
    for title, pairs in groupby(number_tables(record), key=lambda pair: pair[0]):
        console.rule(Text(title, "bold"), align="left", style="dim")
        for place, (_, numbers) in enumerate(pairs):
            if numbers.title == FUNCTIONS:
                console.print(table(record[FUNCTIONS]))
            elif everything:
                console.print(rich_table(numbers))
            elif place == 0:
                _print_all(console, compact(numbers, console.width))
            else:
                left_out += 1
    if left_out:
        console.print(Text(f"{left_out} more tables: `--all`, or `biasloop report`", "dim"))
    console.print(_headline(record))


def show_side_by_side(
    console: "Console", records: Mapping[str, Record], compared: Mapping[str, Record]
) -> None:
    """Print what several stores say: the findings of each, then one table a quantity."""
    for label, record in records.items():
        console.print(Text(label, "bold underline"))
        _print_all(console, _findings(record))
    for numbers in compared_tables(compared):
        console.print()
        console.print(Text(numbers.title, "bold"))
        _print_all(console, compact(numbers, console.width, most_rows=len(numbers.rows)))


def compact(
    numbers: NumberTable, width: int, *, most_rows: int = MOST_ROWS
) -> Iterator["RenderableType"]:
    """Yield a table that fits: a line a row, without its last columns or its oldest rows.

    Args:
        numbers: the table.
        width: of the terminal.
        most_rows: a table with more is shortened.
    """
    widths = _widths(numbers)
    ends = accumulate(one + GAP for one in widths)
    columns = max(2, sum(end - GAP <= width for end in ends))
    shown = replace(
        numbers,
        title="",
        note="",
        columns=numbers.columns[:columns],
        rows=[row[:columns] for row in _some(numbers, most_rows)],
    )
    table = rich_table(shown)
    table.box, table.padding, table.header_style = None, (0, GAP, 0, 0), "dim"
    for column, fixed in zip(table.columns, widths, strict=False):
        column.width = fixed if fixed < SENTENCE else None
    yield table
    if hidden := _hidden(len(numbers.rows) - len(shown.rows), numbers.columns[columns:]):
        yield Text(hidden, "dim")


def _widths(numbers: NumberTable) -> list[int]:
    """Return how wide each column must be: its longest cell, or a word of its heading."""
    cells = [
        [len(text(row[place])) for row in numbers.rows] for place in range(len(numbers.columns))
    ]
    words = [max(map(len, name.split()), default=0) for name in numbers.columns]
    return [
        max(word, min(SENTENCE, max(own, default=0)))
        for word, own in zip(words, cells, strict=True)
    ]


def _some(numbers: NumberTable, most_rows: int) -> Sequence[Sequence[Cell]]:
    """Return the rows that are shown: the last ones of what goes in time, else the first.

    Where the first column has no heading, rows are different things, and all are shown.
    """
    about_one_thing = not numbers.columns[0]
    if about_one_thing or len(numbers.rows) <= most_rows:
        return numbers.rows
    first_words = {name.split()[0] for name in numbers.columns[:2] if name}
    return numbers.rows[-SHOWN_ROWS:] if first_words & IN_TIME else numbers.rows[:SHOWN_ROWS]


def _hidden(rows: int, columns: Iterable[str]) -> str:
    """Say what isn't shown of a table."""
    parts = [f"{rows} more rows"] if rows else []
    if names := ", ".join(columns):
        parts.append(f"columns {names}")
    return f"not shown: {'; '.join(parts)}" if parts else ""


def _headline(record: Record) -> Text:
    return Text(headline(record), "bold" if findings(record) else "bold green")


def _findings(record: Record) -> Iterator["RenderableType"]:
    """Yield the sentence on all stages, then one line for each finding."""
    yield _headline(record)
    for finding in findings(record):
        mark, style = ("! ", "yellow") if finding.grave else ("- ", "")
        yield Padding(Text(mark + finding.words, style), (0, 0, 0, 2))


def _print_all(console: "Console", shown: Iterable["RenderableType"]) -> None:
    for one in shown:
        console.print(one)

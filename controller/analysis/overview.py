"""What a terminal shows of a store: findings, functions, and a short table of everything else.

It is read at the rig, early in the morning, at 80 columns. Whatever doesn't fit is counted, so that
nobody takes it for all there is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from typing import TYPE_CHECKING

from rich.table import Table
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
                _print_all(console, whole(numbers, console.width))
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
    columns = next(_blocks(numbers, width))
    rows = _some(numbers, most_rows)
    yield _plain(numbers, columns, rows)
    left_out = [name for at, name in enumerate(numbers.columns) if at not in columns]
    if hidden := _hidden(len(numbers.rows) - len(rows), left_out):
        yield Text(hidden, "dim")


def whole(numbers: NumberTable, width: int) -> Iterator["RenderableType"]:
    """Yield all of a table: what doesn't fit beside the rest follows below it."""
    yield Text(numbers.title, "bold")
    for columns in _blocks(numbers, width):
        yield _plain(numbers, columns, numbers.rows)
    if numbers.note:
        yield Text(numbers.note, "dim")
    yield Text("")


def _blocks(numbers: NumberTable, width: int) -> Iterator[list[int]]:
    """Yield the places of columns that fit beside each other, each block with the first column."""
    widths = _widths(numbers)
    places = list(range(1, len(widths)))
    while True:
        ends = accumulate((widths[place] for place in places), lambda end, one: end + GAP + one)
        fit = max(1, sum(widths[0] + GAP + end <= width for end in ends))
        yield [0, *places[:fit]]
        places = places[fit:]
        if not places:
            return


def _plain(
    numbers: NumberTable, columns: Sequence[int], rows: Sequence[Sequence[Cell]]
) -> "RenderableType":
    """Return some of a table without lines, title and note."""
    shown = NumberTable(
        "",
        [numbers.columns[place] for place in columns],
        [[row[place] for place in columns] for row in rows],
    )
    table, widths = rich_table(shown), _widths(numbers)
    table.title, table.box, table.padding, table.header_style = None, None, (0, GAP, 0, 0), "dim"
    for column, place in zip(table.columns, columns, strict=True):
        column.width = widths[place] if widths[place] < SENTENCE else None
    return table


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
    lines = Table.grid(padding=(0, 1, 0, 0))
    for finding in findings(record):
        mark, style = ("  !", "yellow") if finding.grave else ("  -", "")
        lines.add_row(Text(mark, style), Text(finding.words, style))
    if lines.rows:
        yield lines


def _print_all(console: "Console", shown: Iterable["RenderableType"]) -> None:
    for one in shown:
        console.print(one)

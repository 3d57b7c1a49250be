"""The stored tables and their columns, written into the analysts' page from their declarations.

python -m sims.columns            write them
python -m sims.columns --check    say whether they are up to date
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from controller.store.schema import SESSION_TABLES, TABLES, Column, Table

PAGE = Path(__file__).parents[1] / "docs" / "analysts.md"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"


def text() -> str:
    """Return every table as Markdown."""
    experiment = "\n".join(_table(table) for table in TABLES)
    session = "\n".join(_table(table) for table in SESSION_TABLES)
    return f"{experiment}\n## The tables of a session\n{session}"


def page(before: str) -> str:
    """Return the page with its tables written anew."""
    head, _, rest = before.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}{text()}{END}{tail}"


def _table(table: Table) -> str:
    lines = [f"### `{table.name}`", "| column | type | is |", "|---|---|---|"]
    return "\n".join([*lines, *_rows(table)]) + "\n"


def _rows(table: Table) -> Iterator[str]:
    for column in table.columns:
        yield f"| `{column.name}` | {column.dtype}{_shape(column)} | {_words(column)} |"


def _shape(column: Column) -> str:
    return f" × {column.width}" if column.width else ""


def _words(column: Column) -> str:
    words = column.long_name
    if column.flags:
        codes = ", ".join(f"{code} {name}" for code, name in enumerate(column.flags))
        return f"{words}: {codes}"
    return words if column.units == "1" else f"{words} ({column.units})"


def main() -> None:
    """Write the tables, or say that they are old."""
    before = PAGE.read_text("utf-8")
    after = page(before)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(after, "utf-8")
    elif after != before:
        sys.exit(f"{PAGE} is old: python -m sims.columns")


if __name__ == "__main__":
    main()

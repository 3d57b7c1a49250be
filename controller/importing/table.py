"""Rows of text from CSV and TSV files, plain or gzipped, each with its line in the file."""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from controller.importing.errors import ImportTrialsError

SEPARATORS = (",", "\t", ";", "|")
SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text."""

    path: Path
    sha256: str
    """Of the file as it is."""
    header: tuple[str, ...]
    lines: Sequence[int] = field(repr=False)
    """Of each row: where it begins in the file, from 1."""
    rows: Sequence[Sequence[str]] = field(repr=False)
    """Cells without blanks around them."""


def read_table(path: Path, separator: str | None = None) -> Table:
    """Read a whole table.

    Args:
        path: CSV or TSV in UTF-8, perhaps gzipped.
        separator: between cells; None: a tab in .tsv files, else a comma.

    Raises:
        ImportTrialsError: it can't be read, or a row has more or fewer cells than the header.
    """
    data = _bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportTrialsError(
            f"{path}: expected text in UTF-8, got the byte {data[error.start]:#04x} at place "
            f"{error.start}; save the table as CSV in UTF-8"
        ) from error
    if separator is None:
        separator = "\t" if ".tsv" in "".join(path.suffixes).lower() else ","
    rows = _rows(path, text, separator)
    _, header = next(rows, (0, []))
    _check_header(path, header, separator)
    lines, cells = [], []
    for line, row in rows:
        lines.append(line)
        cells.append(row)
    _check_widths(path, header, lines, cells)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Table(path, sha256, tuple(header), lines, cells)


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix.lower() == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        kinds = ", ".join(SUFFIXES)
        raise ImportTrialsError(
            f"{path} can't be read: {error}; expected a table ({kinds})"
        ) from error


def _rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield rows that aren't empty, with the line in which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield begins, [cell.strip() for cell in row]
            begins = reader.line_num + 1
    except csv.Error as error:
        raise ImportTrialsError(
            f"{path}, line {begins}: {error}; a quoted cell that isn't closed?"
        ) from error


def _check_header(path: Path, header: Sequence[str], separator: str) -> None:
    if not header:
        raise ImportTrialsError(f"{path} is empty; expected a header and a row for each trial")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise ImportTrialsError(
            f"{path}, line 1: columns of the same name: {', '.join(map(repr, twice))}; rename them"
        )
    other = [one for one in SEPARATORS if one != separator and one in header[0]]
    if len(header) == 1 and other:
        raise ImportTrialsError(
            f"{path}, line 1: only one column, {header[0]!r}, with {separator!r} between cells; "
            f"give `separator = {_toml(other[0])}` in the mapping"
        )


def _toml(separator: str) -> str:
    return '"\\t"' if separator == "\t" else f'"{separator}"'


def _check_widths(
    path: Path, header: Sequence[str], lines: Sequence[int], rows: Sequence[Sequence[str]]
) -> None:
    if not rows:
        raise ImportTrialsError(f"{path} has a header and no trials; expected a row for each")
    wrong = [
        f"line {line}: expected {len(header)} cells, as in the header, got {len(row)}"
        for line, row in zip(lines, rows, strict=True)
        if len(row) != len(header)
    ]
    if wrong:
        raise ImportTrialsError(listed(f"{path}", wrong))


def listed(what: str, problems: Sequence[str], most: int = 20) -> str:
    """Return a message with the first problems, and how many more there are."""
    more = [f"… and {len(problems) - most} more"] if len(problems) > most else []
    shown = "\n".join(f"  - {problem}" for problem in (*problems[:most], *more))
    return f"{what}: nothing was imported\n{shown}"

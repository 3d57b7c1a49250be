"""Some rows of a column: a table of ten million trials is never loaded for its last sixty."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from controller.analysis.source import Columns


def rows(table: Columns, name: str, begin: int, end: int) -> np.ndarray:
    """Return the rows of a column from `begin` up to, and without, `end`."""
    # the columns that a table gives out are whole ones
    return np.asarray(table._variables[name][begin:end].values)  # noqa: SLF001


def last(table: Columns, name: str, count: int) -> np.ndarray:
    """Return the last rows of a column, at most `count`."""
    return rows(table, name, max(0, table.rows - count), table.rows)


def name_of(names: Sequence[str], code: int) -> str:
    """Return what a code means, also one that a later version wrote."""
    return names[code].replace("_", " ") if 0 <= code < len(names) else f"code {code}"


def rounded(value: float, digits: int = 4) -> float:
    """Return a number without the noise of single precision."""
    return round(float(value), digits)


def day_and_time(ns: int) -> str | None:
    """Write a moment, ns since 1970; None where nobody knows it."""
    if ns <= 0:
        return None
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M UTC")

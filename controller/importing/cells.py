"""What one cell says; whatever is wrong is said with what was expected."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

Parse = Callable[[str], float]
LARGEST_F4 = 3.4028234663852886e38
LARGEST_NS = 2**62
NS: Mapping[str, int] = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
}
"""Nanoseconds in a unit of time."""
TRUE = frozenset(["1", "1.0", "true", "yes", "t", "y"])
FALSE = frozenset(["0", "0.0", "false", "no", "f", "n"])


class CellError(ValueError):
    """A cell says something else than expected."""


def number(cell: str) -> float:
    """Return a finite number that a store can hold.

    Raises:
        CellError: it is something else.
    """
    try:
        value = float(cell) if "_" not in cell else math.nan
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST_F4:
        raise CellError(f"expected a finite number (at most 3.4e38 in size), got {cell!r}")
    return value


def truth(cell: str) -> float:
    """Return 1 or 0.

    Raises:
        CellError: it is something else.
    """
    word = cell.lower()
    if word in TRUE:
        return 1.0
    if word in FALSE:
        return 0.0
    raise CellError(f"expected 1 or 0, true or false, got {cell!r}")


def answers(coded: Mapping[str, float]) -> Parse:
    """Return what reads answers in [-1, 1].

    Args:
        coded: text to value; empty where cells hold the values themselves.
    """
    numbers = {float(text): value for text, value in coded.items() if _is_number(text)}
    expected = ", ".join(map(repr, coded)) if coded else "a number from -1 to 1"

    def parse(cell: str) -> float:
        if cell in coded:
            return coded[cell]
        value = float(cell) if _is_number(cell) else math.nan
        value = numbers.get(value, math.nan) if coded else value
        if not -1 <= value <= 1:
            raise CellError(
                f"expected {expected}, got {cell!r}; list it in [answers], or in `missing` if it "
                "is none"
            )
        return value

    return parse


def not_negative(factor: float) -> Parse:
    """Return what reads a number that isn't negative, and multiplies it."""

    def parse(cell: str) -> float:
        value = number(cell)
        if value < 0:
            raise CellError(f"expected a number that isn't negative, got {cell!r}")
        return value * factor

    return parse


def nanoseconds(unit: str) -> Callable[[str], int]:
    """Return what reads a time as whole ns, without the rounding of floating point."""
    if unit == "iso":
        return _iso

    def parse(cell: str) -> int:
        try:
            value = Decimal(cell) * NS[unit]
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or not 0 <= value < LARGEST_NS:
            raise CellError(
                f"expected a time in {unit}, not negative and within 146 years, got {cell!r}"
            )
        return int(value.to_integral_value())

    return parse


def _iso(cell: str) -> int:
    try:
        when = datetime.fromisoformat(cell)
    except ValueError:
        raise CellError(
            f"expected a date and time such as 2026-03-02T14:05:00.25Z, got {cell!r}"
        ) from None
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    ns = (since.days * 86400 + since.seconds) * 10**9 + since.microseconds * 1000
    if ns <= 0:
        raise CellError(f"expected a date after 1970-01-01, got {cell!r}")
    return ns


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False

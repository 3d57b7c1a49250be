"""How the numbers of a summary are written, in tables as in figures."""

import math
from collections.abc import Mapping
from typing import Any

SMALLEST_SHARE = 0.005
"""A second degree with less than this is not worth a word."""
UNDEFINED = "–"

Shares = Mapping[Any, float | None]
"""Degree (its text, in JSON) to its part of the squared norm; None or NaN where undefined."""


def ranked(share: Shares) -> list[tuple[int, float]]:
    """Return the degrees with their shares, largest first; undefined ones are left out."""
    known = [(int(degree), value) for degree, value in share.items() if value is not None]
    return sorted((pair for pair in known if math.isfinite(pair[1])), key=lambda pair: -pair[1])


def finds(share: Shares, word: str, *, separator: str = ", ") -> str:
    """Write the dominant degree and the second, such as "degree 1: 98 %, 2: 2 %".

    Args:
        share: part of the squared norm in each degree.
        word: what a degree is called.
        separator: between the two.
    """
    best = ranked(share)
    if not best:
        return "zero everywhere"
    second = [pair for pair in best[1:2] if pair[1] >= SMALLEST_SHARE]
    parts = [f"{degree}: {percent(value)}" for degree, value in best[:1] + second]
    return f"{word} {separator.join(parts)}"


def percent(share: float) -> str:
    """Write a share between 0 and 1."""
    return f"{100 * share:.0f} %"


def ratio(value: float | None) -> str:
    """Write g/Var with two significant digits."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    return f"{value:#.2g}".rstrip(".") if value < 10 else f"{value:.3g}"

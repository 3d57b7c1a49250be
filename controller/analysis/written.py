"""A number and what is known of its error in one cell, as narrow as a terminal is."""


def plus_minus(value: float | None, error: float | None) -> str | None:
    """Write a value with its standard error, as far as they are known: "0.68 ± 0.02"."""
    if value is None:
        return None
    return f"{value:.3g}" if error is None else f"{value:.3g} ± {error:.2g}"


def between(value: float | None, low: float | None, high: float | None) -> str | None:
    """Write a value with its interval, as far as they are known: "88 (71–96)"."""
    if value is None:
        return None
    if low is None or high is None:
        return f"{value:.3g}"
    return f"{value:.3g} ({low:.3g}–{high:.3g})"


def percent(part: float | None) -> float | None:
    """Return a part in per cent."""
    return None if part is None else 100 * part


def then(first: float | None, last: float | None) -> str:
    """Write how something begins and ends: "50 → 86"."""
    return " → ".join("–" if one is None else f"{one:.3g}" for one in (first, last))

"""How the numbers of a summary are written, in tables as in figures."""

from collections.abc import Hashable, Mapping

SMALLEST_SHARE = 0.005
"""A second degree with less than this is not worth a word."""
EXPONENT_BELOW, EXPONENT_ABOVE = 1e-4, 1e5
"""Outside these a number is written with an exponent."""
UNDEFINED = "–"


def ranked[Degree: Hashable](share: Mapping[Degree, float | None]) -> list[tuple[Degree, float]]:
    """Return the degrees with their shares, largest first; without those that have no share."""
    known = [(degree, value) for degree, value in share.items() if value is not None]
    finite = [(degree, value) for degree, value in known if value == value]  # noqa: PLR0124
    return sorted(finite, key=lambda pair: -pair[1])

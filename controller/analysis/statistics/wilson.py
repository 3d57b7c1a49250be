"""Wilson's interval of a part (Wilson 1927, J. Am. Stat. Assoc. 22: 209-212)."""

import math
from statistics import NormalDist

LEVEL = 0.95


def wilson(right: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the interval of a part.

    Args:
        right: how many were; an answer that is neither right nor wrong counts half.
        n: of how many; without any, nothing is known: (NaN, NaN).
        level: part of the experiments whose interval holds the truth.
    """
    if n == 0:
        return math.nan, math.nan
    z = NormalDist().inv_cdf((1 + level) / 2)
    part, spread = right / n, z**2 / n
    middle = (part + spread / 2) / (1 + spread)
    half = math.sqrt(part * (1 - part) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, min(part, middle - half)), min(1.0, max(part, middle + half))

"""Does something grow? The slope of a line through samples, with an honest standard error.

What a process takes of memory comes in steps and stays: neighbouring samples tell nearly the same.
So the standard error counts only as many samples as there are independent ones,
n (1 - ρ) / (1 + ρ) with the residuals' correlation ρ from one sample to the next (the effective
number of samples of an autoregressive series of first order).
"""

from dataclasses import dataclass

import numpy as np

FLAT_MB_H = 3.0
SURE = 2.0
"""Standard errors within which a slope may be 0."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth of a series."""

    mb_h: float
    se_mb_h: float
    hours: float
    """From the first sample to the last."""
    samples: int

    @property
    def flat(self) -> bool:
        """Whether it is small, or may be none."""
        return abs(self.mb_h) < max(FLAT_MB_H, SURE * self.se_mb_h)

    def __str__(self) -> str:
        """Return it for a table."""
        return f"{self.mb_h:+.1f} ± {self.se_mb_h:.1f} MB/h"


def slope(t_s: np.ndarray, values_bytes: np.ndarray) -> Slope:
    """Fit a line.

    Args:
        t_s: f8[sample]: when; at least three, not all at once.
        values_bytes: f8[sample].
    """
    hours = (t_s - t_s[0]) / 3600
    centred = hours - hours.mean()
    spread = float(centred @ centred)
    mb = values_bytes / 1e6
    rate = float(centred @ mb) / spread
    rest = mb - mb.mean() - rate * centred
    independent = len(rest) * _independent(rest)
    variance = float(rest @ rest) / max(1, len(rest) - 2)
    se = np.sqrt(variance / spread * len(rest) / max(1.0, independent - 2))
    return Slope(rate, float(se), float(hours[-1]), len(rest))


def _independent(rest: np.ndarray) -> float:
    """Return the share of samples that tell something of their own."""
    total = float(rest @ rest)
    if total == 0:
        return 1.0
    again = min(0.99, max(0.0, float(rest[1:] @ rest[:-1]) / total))
    return (1 - again) / (1 + again)

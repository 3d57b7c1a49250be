"""Frames of a screen: how long one is, whether the screen waits for it, how many were missed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

IMMEDIATE_S = 0.002
"""Flips that return sooner than any screen's frame: nothing waits for a vertical blank."""
TOLERANCE = 0.05
"""Part by which the frames of a screen may differ from the rate that it is set to."""


@dataclass(frozen=True, slots=True)
class Frames:
    """How a screen shows frames."""

    period_s: float
    has_vblank: bool
    """Whether flips wait for the screen; if not they are paced by the clock and may tear."""


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """What many frames in a row showed."""

    frames: int
    dropped: int
    median_s: float
    worst_s: float


def recognise(intervals_s: Sequence[float], refresh_hz: float) -> Frames:
    """Tell from the times between flips whether they wait for the screen.

    Raises:
        ValueError: the screen runs at another rate than it is said to.
    """
    typical = median(intervals_s)
    near = sum(abs(interval - typical) <= TOLERANCE * typical for interval in intervals_s)
    quick = sum(interval < IMMEDIATE_S for interval in intervals_s)
    if quick > len(intervals_s) / 5 or near < 0.7 * len(intervals_s):
        return Frames(1 / refresh_hz, has_vblank=False)
    if abs(typical * refresh_hz - 1) > TOLERANCE:
        raise ValueError(
            f"refresh_hz: expected {refresh_hz:g} frames a second, the screen shows "
            f"{1 / typical:.1f}; correct the number or the screen's mode"
        )
    return Frames(typical, has_vblank=True)


def dropped(interval_s: float, period_s: float) -> int:
    """Return how many frames were missed between two flips that should be one frame apart."""
    return max(0, round(interval_s / period_s) - 1)


def next_frame(last_s: float, now_s: float, period_s: float) -> float:
    """Return when the next frame is due, on a grid through the last one."""
    return last_s + period_s * max(1, math.ceil((now_s - last_s) / period_s))


def summarise(stamps_ns: Sequence[int], period_s: float) -> FrameTimes:
    """Describe flips that followed each other, from their times; at least two."""
    intervals = [(after - before) / 1e9 for before, after in pairwise(stamps_ns)]
    return FrameTimes(
        frames=len(intervals),
        dropped=sum(dropped(interval, period_s) for interval in intervals),
        median_s=median(intervals),
        worst_s=max(intervals),
    )

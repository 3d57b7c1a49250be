"""When a device's events were, by the clock of the session.

A board counts µs since its boot, the session ns since its start; neither is set by the other. What
is known is one-sided: a trial is stored after its last event on the device, by an unknown delay
that is short in some trials. So the board's clock is the line that lies below all pairs (device
time of a trial's last event, session time at which the trial was stored), and closest to them on
average: the edge of their lower convex hull below their mean. Moon, Skelly & Towsley 1999,
Estimation and removal of clock skew from network delay measurements, INFOCOM.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float64, Int64

from controller.export.content import Part

FURTHEST = 0.02
"""Most by which the rates of two clocks may differ; a ceramic resonator is within 0.005."""


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """A straight line from device time to session time."""

    rate: float
    """Seconds of the session in one second of the device."""
    offset_s: float
    """Session time at which the device counted 0."""

    def seconds(self, t_device_us: np.ndarray) -> Float64[np.ndarray, " event"]:
        """Return session times; NaN where nothing happened."""
        times = self.offset_s + self.rate * (np.asarray(t_device_us, np.float64) / 1e6)
        return np.where(np.asarray(t_device_us) < 0, np.nan, times)

    @property
    def words(self) -> str:
        """How device times became session times."""
        return (
            "Times of the device (µs since its boot, kept in the column t_device_us) are converted "
            f"to seconds of the session by {self.offset_s!r} + {self.rate!r} × device seconds: the "
            "line closest below all pairs of a trial's last device event and the moment at which "
            "the trial was stored. So they are right up to a constant delay of the link, of some "
            "milliseconds; differences between them are the device's own."
        )


def device_clock(part: Part) -> DeviceClock | None:
    """Return the clock of a session's device; None where it can't be told."""
    trials = part.tables["trials"]
    last_us = _last_events(part)
    known = last_us >= 0
    device_s = last_us[known] / 1e6
    stored_s = trials.column("t_ns").read()[known] / 1e9
    if not len(device_s) or (np.diff(device_s) < 0).any():
        return None
    rate = _rate(device_s, stored_s)
    return DeviceClock(rate, float(np.min(stored_s - rate * device_s)))


def _last_events(part: Part) -> Int64[np.ndarray, " trial"]:
    """Return the device time of the last event of each trial, µs; -1: it had none."""
    trials, edges, pulses = (part.tables[name] for name in ("trials", "edges", "pulses"))
    last = trials.column("t_device_us").read().astype(np.int64)
    for table in (edges, pulses):
        trial, at = table.column("trial").read(), table.column("t_device_us").read()
        if table is pulses:
            at = at + table.column("width_us").read()
        inside = (trial >= 0) & (at >= 0)
        np.maximum.at(last, trial[inside], at[inside])
    return last


def _rate(device_s: np.ndarray, stored_s: np.ndarray) -> float:
    """Return the slope of the lower hull's edge below the mean; 1 where it can't be told."""
    hull = _lower_hull(device_s, stored_s)
    middle = float(np.mean(device_s))
    for (x0, y0), (x1, y1) in pairwise(hull):
        if x0 <= middle <= x1 and x1 > x0:
            slope = (y1 - y0) / (x1 - x0)
            return slope if abs(slope - 1) <= FURTHEST else 1.0
    return 1.0


def _lower_hull(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    """Return the corners from left to right; x never falls."""
    hull: list[tuple[float, float]] = []
    for point in sorted(zip(x.tolist(), y.tolist(), strict=True)):
        while len(hull) > 1 and _turns_right(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _turns_right(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) <= 0

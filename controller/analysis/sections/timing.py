"""How well a rig kept time: the screen, its two clocks, the program's own time, the trials' pace.

A flip is known by the computer's clock, its edge under the photodiode by the device's. The line
through all pairs of a session is how the two clocks go against each other; what is left of each
pair is how much earlier or later the light came than usual. A delay that is always the same can't
be seen in it.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.sections.events import short
from controller.analysis.source import Columns, SessionSource, Source

FEWEST_PAIRS = 3
FAR = 10.0
"""A pair that is off by so many median deviations (and a frame) is no measure of the clocks."""
FRAME_MS = 1000 / 60
BINS = 40
STEP = 1e-6
QUANTILES = (0.5, 0.95, 0.99)
NAMES = {"overhead_ms": "overhead (ms)", "interval_s": "interval (s)", "light_ms": "light (ms)"}


def compute(source: Source) -> Numbers | None:
    """Return the numbers of each session, and histograms over all."""
    if not source.sessions:
        return None
    measured = [_Measured(session) for session in source.sessions]
    return {
        "sessions": [one.numbers() for one in measured],
        "histograms": {
            name: _histogram(np.concatenate([getattr(one, name) for one in measured]))
            for name in NAMES
        },
    }


class _Measured:
    """What one session's trials say about time."""

    def __init__(self, session: SessionSource) -> None:
        self._session, trials = session, session.tables["trials"]
        self._trials = trials
        overhead = trials["overhead_us"].astype(np.float64) / 1e3
        # before the first trial the rig was looked at and the first stimulus was made
        self.overhead_ms, self._first_ms = overhead[1:], overhead[:1]
        self.interval_s = np.diff(trials["t_ns"].astype(np.int64)) / 1e9
        self._flip_ns = trials["flip_ns"].astype(np.int64)
        self._seen_us = trials["photodiode_us"].astype(np.int64)
        self.light_ms, self._clocks = _light(self._flip_ns, self._seen_us)

    def numbers(self) -> dict[str, Any]:
        """Return what is told of it."""
        flips, seen = self._flip_ns >= 0, self._seen_us >= 0
        return {
            "name": self._session.name,
            "rig": self._session.header.get("rig"),
            "trials": self._trials.rows,
            "flips": int(flips.sum()),
            "flips_without_edge": int((flips & ~seen).sum()),
            "light": {**_quantiles(np.abs(self.light_ms), "ms"), **self._clocks},
            "dropped_frames": _counted(self._trials, "dropped_frames"),
            "missing_events": _counted(self._trials, "missing_events"),
            "overhead": {
                **_quantiles(self.overhead_ms, "ms"),
                "before_first_ms": float(self._first_ms[0]) if len(self._first_ms) else None,
            },
            "interval": _quantiles(self.interval_s, "s"),
        }


def _light(
    flip_ns: Int64[np.ndarray, " trial"], seen_us: Int64[np.ndarray, " trial"]
) -> tuple[Float64[np.ndarray, " pair"], dict[str, Any]]:
    """Return how late each flip's light came against the clocks' line, ms, and that line.

    Pairs before the device's clock began anew are left out, those that are far off the line don't
    decide where it lies.
    """
    pairs = np.flatnonzero((flip_ns >= 0) & (seen_us >= 0))
    host, device = flip_ns[pairs], seen_us[pairs]
    anew = np.flatnonzero(np.diff(device) < 0) + 1
    begin = int(anew[-1]) if len(anew) else 0
    host_s, device_s = _since_first(host[begin:], 1e9), _since_first(device[begin:], 1e6)
    if len(host_s) < FEWEST_PAIRS or host_s[-1] <= 0:
        return np.full(0, np.nan), {"pairs": len(host_s), "drift_ppm": None, "far": 0}
    # device time over host time is 1 but for some ppm, so the difference keeps all digits
    ahead_ms = (device_s - host_s) * 1e3
    slope, level = _line(host_s, ahead_ms)
    off = np.abs(ahead_ms - level - slope * host_s)
    near = off <= max(FAR * float(np.median(off)), FRAME_MS)
    if FEWEST_PAIRS <= near.sum() < len(near):
        slope, level = _line(host_s[near], ahead_ms[near])
    return ahead_ms - level - slope * host_s, {
        "pairs": len(host_s),
        "drift_ppm": slope * 1e3,
        "far": int((~near).sum()),
    }


def _since_first(times: Int64[np.ndarray, " pair"], per_s: float) -> Float64[np.ndarray, " pair"]:
    return (times - times[:1]) / per_s


def _line(x: Float64[np.ndarray, " pair"], y: Float64[np.ndarray, " pair"]) -> tuple[float, float]:
    """Return slope and level of the least-squares line."""
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ y) / spread if spread > 0 else 0.0
    return slope, float(y.mean() - slope * x.mean())


def _quantiles(values: Float64[np.ndarray, " value"], unit: str) -> dict[str, Any]:
    """Return n, quantiles and the largest of the values that are known."""
    known = values[np.isfinite(values)]
    names = [f"p{100 * quantile:.0f}_{unit}" for quantile in QUANTILES]
    if not len(known):
        return {"n": 0, **dict.fromkeys(names), f"max_{unit}": None}
    found = np.quantile(known, QUANTILES).tolist()
    return {
        "n": len(known),
        **dict(zip(names, found, strict=True)),
        f"max_{unit}": float(known.max()),
    }


def _counted(trials: Columns, name: str) -> dict[str, int]:
    values = np.maximum(trials[name].astype(np.int64), 0)
    return {
        "sum": int(values.sum()),
        "trials": int((values > 0).sum()),
        "most": int(values.max(initial=0)),
    }


def _histogram(values: Float64[np.ndarray, " value"]) -> dict[str, Any]:
    """Return counts between edges, which are equally far apart in the logarithm where all are > 0.

    The outermost per mille isn't spread over the bins but counted in the last of them.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return {"n": 0, "log": False, "edges": [], "counts": []}
    low, high = (float(end) for end in np.quantile(known, (0.001, 0.999)))
    log = low > 0
    if high - low <= STEP * max(abs(low), abs(high), STEP):
        low, high = (low * 0.9, high * 1.1) if log else (low - 1.0, high + 1.0)
    edges = np.geomspace(low, high, BINS + 1) if log else np.linspace(low, high, BINS + 1)
    counts, _ = np.histogram(np.clip(known, edges[0], edges[-1]), edges)
    return {"n": len(known), "log": log, "edges": edges.tolist(), "counts": counts.tolist()}


SHOWN = 20
"""So many sessions, the latest ones, have a row of a table."""


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show the screen and the device of each session, and its pace."""
    sessions = numbers["sessions"][-SHOWN:]
    left = len(numbers["sessions"]) - len(sessions)
    also = f" The latest {SHOWN} sessions; {left} more are in the numbers." if left else ""
    yield NumberTable(
        "screen and device",
        *_screen(sessions),
        "Light: how far a flip's edge under the photodiode lies from the line through all pairs of "
        "the two clocks, whose slope is the drift; a constant delay can't be seen in it. Numbers "
        "of dropped frames and missing events are sums." + also,
    )
    yield NumberTable(
        "pace",
        *_pace(sessions),
        "Overhead: the program's own time between two trials; the time before the first trial "
        "isn't among it. Interval: from one trial's end to the next one's, pauses too." + also,
    )


def _screen(sessions: Iterable[Numbers]) -> tuple[tuple[str, ...], list[list[Any]]]:
    headings = ("session (UTC)", "trials", "flips", "without edge", "light p50 (ms)", "p99 (ms)")
    return (*headings, "drift (ppm)", "dropped frames", "missing events"), [
        [
            short(one["name"]),
            *(one[key] for key in ("trials", "flips", "flips_without_edge")),
            *(one["light"][key] for key in ("p50_ms", "p99_ms", "drift_ppm")),
            *(one[key]["sum"] for key in ("dropped_frames", "missing_events")),
        ]
        for one in sessions
    ]


def _pace(sessions: Iterable[Numbers]) -> tuple[tuple[str, ...], list[list[Any]]]:
    headings = ("session (UTC)", "overhead p50 (ms)", "p95 (ms)", "p99 (ms)", "max (ms)")
    return (*headings, "interval p50 (s)", "p99 (s)"), [
        [
            short(one["name"]),
            *(one["overhead"][key] for key in ("p50_ms", "p95_ms", "p99_ms", "max_ms")),
            *(one["interval"][key] for key in ("p50_s", "p99_s")),
        ]
        for one in sessions
    ]


def _panels(numbers: Numbers) -> list[dict[str, Any]]:
    """Return a panel for each quantity that was measured, and one of the overhead by session."""
    sessions = numbers["sessions"]
    panels: list[dict[str, Any]] = [
        {"name": name, **histogram}
        for name, histogram in numbers["histograms"].items()
        if histogram["n"]
    ]
    if len(sessions) > 1 and numbers["histograms"]["overhead_ms"]["n"]:
        by_session = {
            key: [one["overhead"][key] for one in sessions] for key in ("p50_ms", "p99_ms")
        }
        panels.append({"name": "overhead_by_session", **by_session})
    return panels


TIMING = Section(
    "timing",
    "How well the rig kept time",
    compute,
    tables,
    (
        Picture(
            "times",
            "The program's own time between trials, the pace of the trials and, where a photodiode "
            "saw the flips, how far its edges lie from the clocks' line; all sessions together.",
            "controller.analysis.plots.timing:times",
            _panels,
            across=2,
        ),
    ),
)

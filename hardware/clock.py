"""Device time, µs since the board's boot, on this computer's monotonic clock.

A request brackets the device's stamp between two of the host's. What delays a message only ever
adds to the round trip, so of every window the quickest one is kept, and a line is put through
those by the median of all slopes between two of them (Sen 1968, J. Am. Stat. Assoc. 63:1379).
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

BIN_NS = 50_000_000  # of requests closer together than this the quickest is kept
SPAN_NS = 60_000_000_000  # a ceramic resonator's rate wanders: what is older doesn't count
WINDOWS = 60  # into which the span is cut for the fit
REFIT_NS = 250_000_000
SETTLED_US = 500_000  # over less than this, a delay says more than the clock's own error
STALE_NS = 5_000_000_000
WRAP_US = 1 << 32


class ClockError(RuntimeError):
    """No host time can be given: nothing was measured yet."""


class Unwrapper:
    """Device times modulo 2³² µs (71.6 min) to times that never wrap.

    The host's clock says how many wraps have passed, so pauses may be of any length; stamps may
    come late and out of order by up to half an hour. Counts from the first stamp's own wrap.
    """

    def __init__(self) -> None:
        self._t_us: int | None = None
        self._t_host_ns = 0

    def __call__(self, t_us: int, t_host_ns: int) -> int:
        """Return the time, µs, of a stamp that came at a monotonic host time."""
        if self._t_us is None:
            self._t_us, self._t_host_ns = t_us, t_host_ns
            return t_us
        expected = self._t_us + (t_host_ns - self._t_host_ns) // 1000
        behind = (expected - t_us + WRAP_US // 2) % WRAP_US - WRAP_US // 2
        time_us = expected - behind
        if time_us > self._t_us:
            self._t_us, self._t_host_ns = time_us, t_host_ns
        return time_us


@dataclass(frozen=True, slots=True)
class Sample:
    """One request's stamp, seen from both sides."""

    t_us: int
    """Device time, unwrapped."""
    t_host_ns: int
    """Monotonic host time at which the device took it, by halving the round trip."""
    delay_ns: int
    """Round trip beyond what the bytes take on the wire."""


@dataclass(frozen=True, slots=True)
class ClockFit:
    """A line from device time to host time."""

    t_us: int
    t_host_ns: int
    """A point on the line, in the middle of what was fitted."""
    ns_per_us: float
    """Host nanoseconds for each microsecond of the device; 1000 for equal clocks."""
    residual_us: float
    """95th percentile of the distance between the quickest requests and the line."""
    span_s: float
    """Host time between the first request and the last."""
    samples: int
    """Requests that were fitted."""

    @property
    def drift_ppm(self) -> float:
        """How much too fast the device's clock runs, in parts per million of the host's."""
        return (1000 / self.ns_per_us - 1) * 1e6

    def host_ns(self, t_us: int) -> int:
        """Return the monotonic host time of an unwrapped device time."""
        return self.t_host_ns + round((t_us - self.t_us) * self.ns_per_us)

    def device_us(self, t_host_ns: int) -> int:
        """Return the unwrapped device time of a monotonic host time."""
        return self.t_us + round((t_host_ns - self.t_host_ns) / self.ns_per_us)


class DeviceClock:
    """Keeps the line up to date while requests come in; extrapolates between them."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()
        self._fit: ClockFit | None = None
        self._fitted_ns = 0

    def add(self, sample: Sample) -> None:
        """Take one request's stamp; in the order of host time."""
        last = self._samples[-1] if self._samples else None
        if last is not None and last.t_host_ns // BIN_NS == sample.t_host_ns // BIN_NS:
            if sample.delay_ns >= last.delay_ns:
                return
            self._samples.pop()
        self._samples.append(sample)
        while self._samples[0].t_host_ns < sample.t_host_ns - SPAN_NS:
            self._samples.popleft()
        if len(self._samples) < 16 or sample.t_host_ns - self._fitted_ns > REFIT_NS:
            self._fit = None

    @property
    def fit(self) -> ClockFit:
        """The line through what was measured in the last minute.

        Raises:
            ClockError: when nothing was measured yet.
        """
        if not self._samples:
            raise ClockError("the device's clock was never measured: call ping() first")
        if self._fit is None:
            self._fit = fit(tuple(self._samples))
            self._fitted_ns = self._samples[-1].t_host_ns
        return self._fit

    def host_ns(self, t_us: int) -> int:
        """Return the monotonic host time of an unwrapped device time.

        Raises:
            ClockError: when nothing was measured yet.
        """
        return self.fit.host_ns(t_us)

    def is_stale(self, now_ns: int) -> bool:
        """Whether the last measurement is so old that the line shouldn't be relied upon."""
        return not self._samples or now_ns - self._samples[-1].t_host_ns > STALE_NS


def fit(samples: tuple[Sample, ...]) -> ClockFit:
    """Return the robust line through the quickest sample of each window.

    Raises:
        ValueError: without samples.
    """
    if not samples:
        raise ValueError("expected at least one sample, got none")
    span_ns = samples[-1].t_host_ns - samples[0].t_host_ns
    quick = _quickest(samples, max(span_ns // WINDOWS, 1))
    origin = quick[len(quick) // 2]
    device = np.array([sample.t_us - origin.t_us for sample in quick], dtype=np.float64)
    host = np.array([sample.t_host_ns - origin.t_host_ns for sample in quick], dtype=np.float64)
    slope = _slope(device, host)
    offsets = host - slope * device
    offset = float(np.median(offsets))
    return ClockFit(
        t_us=origin.t_us,
        t_host_ns=origin.t_host_ns + round(offset),
        ns_per_us=slope,
        residual_us=float(np.percentile(np.abs(offsets - offset), 95)) / 1000,
        span_s=span_ns / 1e9,
        samples=len(quick),
    )


def _quickest(samples: tuple[Sample, ...], window_ns: int) -> list[Sample]:
    first = samples[0].t_host_ns
    best: dict[int, Sample] = {}
    for sample in samples:
        window = min((sample.t_host_ns - first) // window_ns, WINDOWS - 1)
        if window not in best or sample.delay_ns < best[window].delay_ns:
            best[window] = sample
    return list(best.values())


def _slope(device: np.ndarray, host: np.ndarray) -> float:
    """Median of the slopes between pairs that are far apart; nominal while nothing is."""
    first, second = np.triu_indices(len(device), 1)
    run = device[second] - device[first]
    if run.max(initial=0) < SETTLED_US:
        return 1000.0
    apart = run > run.max() / 3
    return float(np.median((host[second] - host[first])[apart] / run[apart]))

"""Valve volumes from pulse widths, and back: a line fitted through weighings, dated and ranged.

Over the widths that matter a solenoid valve delivers `volume = rate · width + offset`; the offset
is what opening costs and closing adds, and may have either sign. Only what was weighed is trusted:
no volume outside the weighed range, none from a poor fit, none from an old calibration.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import combinations, pairwise
from math import isfinite
from statistics import fmean, median

from hardware.interface import CalibrationError

MIN_WIDTHS = 3
MIN_R2 = 0.98
UL_PER_GRAM = 1000.0  # water at room temperature, within 0.3 %
SLACK_US = 0.5  # a volume at the range's end may not fall outside it by rounding


@dataclass(frozen=True, slots=True)
class Weighing:
    """What one valve delivered at one pulse width."""

    width_us: int
    pulses: int
    grams: float
    """Of all pulses' drops together."""

    @classmethod
    def of_volume(cls, width_us: int, ul_per_pulse: float) -> "Weighing":
        """Return a weighing that was already divided by its pulses."""
        return cls(width_us, 1, ul_per_pulse / UL_PER_GRAM)

    @property
    def ul_per_pulse(self) -> float:
        """Mean volume of one pulse, µl."""
        return self.grams * UL_PER_GRAM / self.pulses


@dataclass(frozen=True)
class ValveCalibration:
    """One valve's weighings and the line through them."""

    line: str
    weighed_on: date
    expires_after_days: int
    weighings: tuple[Weighing, ...]

    def __post_init__(self) -> None:
        """Refuse weighings from which no volume can be trusted.

        Raises:
            CalibrationError: which names the valve, what is wrong and what to weigh again.
        """
        if self.expires_after_days < 1:
            self._refuse(f"expires_after_days is {self.expires_after_days}; give at least 1")
        for one in self.weighings:
            if one.width_us < 1 or one.pulses < 1 or not (isfinite(one.grams) and one.grams > 0):
                self._refuse(
                    f"{one.grams} g of {one.pulses} pulses of {one.width_us / 1000:g} ms is no "
                    "weighing; all three must be above 0"
                )
        _check_fit(self)

    @cached_property
    def rate_ul_per_ms(self) -> float:
        """Slope: the median over all pairs (Theil, Sen), which one bad weighing can't tilt."""
        pairs = combinations(self.weighings, 2)
        return median(
            1000 * (b.ul_per_pulse - a.ul_per_pulse) / (b.width_us - a.width_us)
            for a, b in pairs
            if a.width_us != b.width_us
        )

    @cached_property
    def offset_ul(self) -> float:
        """Volume at width 0 by the line; negative where opening takes long."""
        rate = self.rate_ul_per_ms
        return median(one.ul_per_pulse - rate * one.width_us / 1000 for one in self.weighings)

    @property
    def residuals_ul(self) -> tuple[float, ...]:
        """What each weighing has more than the line says, µl."""
        return tuple(one.ul_per_pulse - self._line(one.width_us) for one in self.weighings)

    @property
    def r2(self) -> float:
        """Share of the weighed volumes' variance that the line explains."""
        mean = fmean(one.ul_per_pulse for one in self.weighings)
        total = sum((one.ul_per_pulse - mean) ** 2 for one in self.weighings)
        return 1 - sum(residual**2 for residual in self.residuals_ul) / total if total else 0.0

    @cached_property
    def range_us(self) -> tuple[int, int]:
        """Shortest and longest width that was weighed."""
        widths = [one.width_us for one in self.weighings]
        return min(widths), max(widths)

    @property
    def range_ul(self) -> tuple[float, float]:
        """Volumes at the ends of the range."""
        low, high = self.range_us
        return self._line(low), self._line(high)

    @property
    def expires(self) -> date:
        """First day on which it can't be used any more."""
        return self.weighed_on + timedelta(days=self.expires_after_days)

    def width_us(self, volume_ul: float, today: date) -> int:
        """Return how long the valve must be open.

        Raises:
            CalibrationError: for a volume outside the weighed range, or on a day outside the
                calibration's time.
        """
        self.check_date(today)
        width = 1000 * (volume_ul - self.offset_ul) / self.rate_ul_per_ms
        self._check_range(width, f"{volume_ul:g} µl")
        return round(width)

    def volume_ul(self, width_us: int) -> float:
        """Return what a pulse delivers; of any age, since it tells what was delivered.

        Raises:
            CalibrationError: for a width outside the weighed range.
        """
        self._check_range(width_us, f"{width_us / 1000:g} ms")
        return self._line(width_us)

    def check_date(self, today: date) -> None:
        """Refuse to be used too late, or before it was made.

        Raises:
            CalibrationError: which names the dates.
        """
        if today >= self.expires:
            self._refuse(
                f"made on {self.weighed_on}, expired on {self.expires}; weigh the valve again "
                f"(biasloop rig calibrate)"
            )
        if today < self.weighed_on:
            self._refuse(f"dated {self.weighed_on}, but today is {today}; set the computer's clock")

    def _line(self, width_us: float) -> float:
        return self.rate_ul_per_ms * width_us / 1000 + self.offset_ul

    def _check_range(self, width_us: float, asked: str) -> None:
        low, high = self.range_us
        if not low - SLACK_US <= width_us <= high + SLACK_US:
            volumes = " to ".join(f"{volume:.3g}" for volume in self.range_ul)
            self._refuse(
                f"{asked} is outside the weighed range of {volumes} µl "
                f"({low / 1000:g} to {high / 1000:g} ms); ask for a volume inside it, or weigh "
                "the valve at widths that reach it (biasloop rig calibrate)"
            )

    def _refuse(self, reason: str) -> None:
        raise CalibrationError(f"calibration of {self.line}: {reason}")


def _check_fit(calibration: ValveCalibration) -> None:
    """Refuse too few widths, volumes that don't grow with the width, and a poor line."""
    name, weighings = calibration.line, calibration.weighings
    means = _mean_volumes(weighings)
    if len(means) < MIN_WIDTHS:
        raise CalibrationError(
            f"calibration of {name}: expected weighings at {MIN_WIDTHS} widths or more, got "
            f"{len(means)}; weigh at further widths over the range that you need"
        )
    for (width, volume), (wider, larger) in pairwise(means):
        if larger <= volume:
            raise CalibrationError(
                f"calibration of {name}: {wider / 1000:g} ms gave no more than {width / 1000:g} ms "
                f"({larger:.3g} and {volume:.3g} µl a pulse); look for air or a clogged tube, then "
                "weigh these widths again"
            )
    if calibration.r2 < MIN_R2:
        worst = max(range(len(weighings)), key=lambda i: abs(calibration.residuals_ul[i]))
        raise CalibrationError(
            f"calibration of {name}: R² is {calibration.r2:.3f}, expected {MIN_R2} or more; weigh "
            f"{weighings[worst].width_us / 1000:g} ms again, it is "
            f"{calibration.residuals_ul[worst]:+.3g} µl off the line"
        )
    if calibration.range_ul[0] <= 0:
        raise CalibrationError(
            f"calibration of {name}: the line says {calibration.range_ul[0]:.3g} µl at its "
            "shortest width; leave that width out, the valve hardly opens in it"
        )


def _mean_volumes(weighings: Sequence[Weighing]) -> list[tuple[int, float]]:
    widths = sorted({one.width_us for one in weighings})
    return [
        (width, fmean(one.ul_per_pulse for one in weighings if one.width_us == width))
        for width in widths
    ]

"""A tone for each ear, the same but for its phase: the sound seems to come from a side.

It needs the computer's sound device. Tones that a board makes itself are lines of the device.
"""

import math
from dataclasses import dataclass

import numpy as np

SAMPLE_RATE_HZ = 48_000
RAMP_S = 0.005  # rise and fall as a cosine, so that neither clicks
CHANNELS = 2


@dataclass(frozen=True, slots=True)
class Binaural:
    """A stereo tone with an interaural phase difference."""

    frequency_hz: float = 500.0
    """Up to half the sample rate; animals use the phase only of low ones."""
    phase_deg: float = 0.0
    """Of the right ear's tone ahead of the left one's."""
    duration_s: float = 0.5
    level: float = 0.1
    """Amplitude, 0 to 1 of what the device can play; its pressure has to be measured."""

    def __post_init__(self) -> None:
        """Refuse what can't be played.

        Raises:
            ValueError: says which number, and what is allowed.
        """
        if not 0 < self.frequency_hz < SAMPLE_RATE_HZ / 2:
            raise ValueError(f"frequency_hz: expected 0 to 24 000, got {self.frequency_hz}")
        if not math.isfinite(self.phase_deg):
            raise ValueError(f"phase_deg: expected a finite number, got {self.phase_deg}")
        if not 2 * RAMP_S <= self.duration_s <= 60:
            raise ValueError(f"duration_s: expected 0.01 to 60, got {self.duration_s}")
        if not 0 <= self.level <= 1:
            raise ValueError(f"level: expected 0 to 1, got {self.level}")

    def samples(self) -> np.ndarray:
        """Return the tone, samples × (left, right), float32."""
        t = np.arange(round(self.duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        ahead = np.radians([0.0, self.phase_deg])
        wave = np.sin(2 * np.pi * self.frequency_hz * t[:, None] + ahead)
        to_edge = np.minimum(t, t[-1] - t) / RAMP_S
        ramp = 0.5 - 0.5 * np.cos(np.pi * np.minimum(to_edge, 1.0))
        return (self.level * ramp[:, None] * wave).astype(np.float32)

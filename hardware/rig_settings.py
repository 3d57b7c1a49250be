"""What one rig is, as its document says: port, lines with their limits, screen, calibrations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from hardware.calibration import ValveCalibration
from hardware.interface import CalibrationError, Limits, Pulse
from hardware.screen import Screen

OutputKind = Literal["valve", "puff", "led", "tone", "odour", "sync"]
Role = Literal["response", "photodiode", "go", "other"]
SIMAVR, EMULATED = "simavr", "emulated"


@dataclass(frozen=True, slots=True)
class Output:
    """One output, with what this rig allows it; the firmware's own ceilings stay above that."""

    kind: OutputKind
    limits: Limits
    frequency_hz: int = 0
    """Of a tone; 0 is steady."""


@dataclass(frozen=True, slots=True)
class RigSettings:
    """One rig."""

    name: str
    port: str
    """A serial port; `simavr` starts the firmware in a simulator, `emulated` is this program."""
    lease_ms: int
    """Without a heartbeat for so long the device switches everything off."""
    outputs: Mapping[str, Output]
    inputs: Mapping[str, Role]
    device_id: str | None = None
    """The only board that is accepted, 16 hexadecimal digits; None accepts any."""
    build: str | None = None
    """The only firmware that is accepted, 8 hexadecimal digits; None accepts any."""
    screen: Screen | None = None
    calibrations: Mapping[str, ValveCalibration] = field(default_factory=dict)
    """By valve."""
    calibration_path: Path | None = None
    """Where they came from, and where new ones go."""

    @property
    def photodiode(self) -> str | None:
        """The input on which the photodiode is."""
        return next((name for name, role in self.inputs.items() if role == "photodiode"), None)

    @property
    def responses(self) -> tuple[str, ...]:
        """The inputs on which the animal responds."""
        return tuple(name for name, role in self.inputs.items() if role == "response")

    @property
    def valves(self) -> tuple[str, ...]:
        """The outputs that need a calibration."""
        return tuple(name for name, output in self.outputs.items() if output.kind == "valve")

    def calibration(self, line: str) -> ValveCalibration:
        """Return a valve's calibration.

        Raises:
            CalibrationError: when it has none.
        """
        if line in self.calibrations:
            return self.calibrations[line]
        if line not in self.valves:
            valves = ", ".join(self.valves) or "none"
            raise CalibrationError(
                f"{line} is no valve of the rig {self.name} (valves: {valves}); give its pulses a "
                "width instead of a volume"
            )
        raise CalibrationError(
            f"the valve {line} of the rig {self.name} has no calibration in "
            f"{self.calibration_path or 'any file'}; weigh it: biasloop rig calibrate"
        )

    def width_us(self, pulse: Pulse, today: date) -> int:
        """Return how long a pulse's output has to be on.

        Raises:
            CalibrationError: for a volume that can't be trusted.
            ValueError: for a pulse with both a volume and a width, or neither.
        """
        if (pulse.volume_ul is None) == (pulse.width_us is None):
            raise ValueError(f"expected a volume or a width of the pulse, got {pulse}")
        if pulse.volume_ul is None:
            return pulse.width_us or 0
        return self.calibration(pulse.line).width_us(pulse.volume_ul, today)

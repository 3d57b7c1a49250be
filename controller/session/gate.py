"""The last look before something is switched on: what a session may do to an animal.

The firmware bounds every single pulse. This bounds the day: water, air puffs, and nothing but the
lines and sizes that were checked before the session began.
"""

from collections.abc import Iterator
from datetime import date

from controller.session.errors import Refusal
from controller.session.rewards import Given
from controller.session.subjects import SubjectDocument
from hardware.interface import (
    CalibrationError,
    Deliver,
    Instruction,
    Present,
    Pulse,
    Trial,
)
from hardware.rig_settings import RigSettings


class SafetyGate:
    """Looks at every instruction of one session; raises for what may not be."""

    def __init__(
        self, settings: RigSettings, limits: SubjectDocument, given: Given, today: date
    ) -> None:
        """`given` grows with every confirmed pulse."""
        self._settings, self._limits = settings, limits
        self._given, self._today = given, today

    def check(self, instruction: Instruction) -> None:
        """Refuse an instruction whose worst case would be too much.

        Raises:
            Refusal: says what and how much; nothing was switched on.
        """
        water_ul, puffs = self._worst(instruction)
        if self._given.water_ul + water_ul > self._limits.water_max_ul:
            raise Refusal(
                f"{self._limits.name} has had {self._given.water_ul:.0f} of "
                f"{self._limits.water_max_ul:g} µl today; {water_ul:.3g} µl more are too much"
            )
        if self._given.puffs + puffs > self._limits.puffs_max:
            raise Refusal(
                f"{self._limits.name} has had {self._given.puffs} of {self._limits.puffs_max} air "
                "puffs today"
            )

    @property
    def room_ul(self) -> float:
        """Water that may still be given today."""
        return self._limits.water_max_ul - self._given.water_ul

    def check_pulse(self, pulse: Pulse) -> None:
        """Refuse a pulse that this rig can't give within its limits.

        Raises:
            Refusal: says what is wrong.
        """
        output = self._settings.outputs.get(pulse.line)
        if output is None:
            lines = ", ".join(self._settings.outputs) or "none"
            raise Refusal(
                f"{pulse.line!r} is no output of the rig {self._settings.name} (outputs: {lines})"
            )
        try:
            width_us = self._settings.width_us(pulse, self._today)
        except (CalibrationError, ValueError) as error:
            raise Refusal(str(error)) from error
        if width_us > output.limits.max_us:
            raise Refusal(
                f"a pulse of {width_us / 1000:g} ms on {pulse.line} is longer than the rig's "
                f"{output.limits.max_us / 1000:g} ms"
            )

    def _worst(self, instruction: Instruction) -> tuple[float, int]:
        """Return the most water and air puffs that an instruction can bring."""
        match instruction:
            case Present(trial=trial):
                first = [trial.go] if isinstance(trial.go, Pulse) else []
                sizes = [self._size(pulse) for pulse in _outcomes(trial)] or [(0.0, 0)]
                base = [self._size(pulse) for pulse in first] or [(0.0, 0)]
                water = base[0][0] + max(size[0] for size in sizes)
                return water, base[0][1] + max(size[1] for size in sizes)
            case Deliver(pulse=pulse):
                return self._size(pulse)
            case _:
                return 0.0, 0

    def _size(self, pulse: Pulse) -> tuple[float, int]:
        self.check_pulse(pulse)
        kind = self._settings.outputs[pulse.line].kind
        if kind == "puff":
            return 0.0, 1
        if kind != "valve":
            return 0.0, 0
        if pulse.volume_ul is not None:
            return pulse.volume_ul, 0
        # only calibrations give widths to valves: then what it is has to be known
        calibration = self._settings.calibration(pulse.line)
        return calibration.volume_ul(pulse.width_us or 0), 0


def _outcomes(trial: Trial) -> Iterator[Pulse]:
    for pulse in (*trial.responses.values(), trial.otherwise):
        if pulse is not None:
            yield pulse

"""The last look before something is switched on: what a session may do to an animal.

The firmware bounds every single pulse. This bounds the day: water, air puffs, and nothing but the
lines and sizes that were checked before the session began.
"""

from collections.abc import Iterator
from datetime import date

from controller.session.day import Given
from controller.session.errors import Refusal
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

ROUNDING_UL = 1e-6  # what a day's sum may be off by


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
        day_ul = self._given.water_ul + water_ul
        # what gives nothing may go on; and no number at all (NaN) is too much
        if water_ul and not day_ul <= self._limits.water_max_ul + ROUNDING_UL:
            raise Refusal(
                f"{self._limits.name} has had {self._given.water_ul:.0f} of "
                f"{self._limits.water_max_ul:g} µl today; {water_ul:.3g} µl more are too much"
            )
        if puffs and self._given.puffs + puffs > self._limits.puffs_max:
            raise Refusal(
                f"{self._limits.name} has had {self._given.puffs} of {self._limits.puffs_max} air "
                "puffs today"
            )

    def check_pulse(self, pulse: Pulse) -> None:
        """Refuse a pulse that this rig can't give within its limits.

        Raises:
            Refusal: says what is wrong.
        """
        self._size(pulse)

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
        """Return the water and the air puffs of a pulse.

        Raises:
            Refusal: this rig can't give it.
        """
        output = self._settings.outputs.get(pulse.line)
        if output is None:
            lines = ", ".join(self._settings.outputs) or "none"
            raise Refusal(
                f"{pulse.line!r} is no output of the rig {self._settings.name} (outputs: {lines})"
            )
        try:
            width_us = self._settings.width_us(pulse, self._today)
            water_ul = self._water_ul(pulse, width_us) if output.kind == "valve" else 0.0
        except (CalibrationError, ValueError) as error:
            raise Refusal(str(error)) from error
        if not 1 <= width_us <= output.limits.max_us:
            raise Refusal(
                f"a pulse of {width_us / 1000:g} ms on {pulse.line}: expected at least 0.001 ms "
                f"and at most the rig's {output.limits.max_us / 1000:g} ms; correct the protocol, "
                "or the line's max_ms in the rig's document"
            )
        return water_ul, int(output.kind == "puff")

    def _water_ul(self, pulse: Pulse, width_us: int) -> float:
        """Return what a valve gives, as it will be counted; a width has to be a weighed one."""
        calibration = self._settings.calibration(pulse.line)
        calibration.check_date(self._today)
        return max(calibration.volume_ul(width_us), pulse.volume_ul or 0.0)


def _outcomes(trial: Trial) -> Iterator[Pulse]:
    for pulse in (*trial.responses.values(), trial.otherwise):
        if pulse is not None:
            yield pulse

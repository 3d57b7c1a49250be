"""Weigh what a valve delivers, width by width, and keep the calibration that follows from it."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from hardware.calibration import ValveCalibration, Weighing
from hardware.calibration_file import load, save
from hardware.interface import CalibrationError, Deliver, Pulse, Wait
from hardware.rig import NativeRig

MARGIN_S = 0.005  # beyond the line's minimum gap


def weigh(
    rig: NativeRig,
    line: str,
    widths_us: Sequence[int],
    pulses: int,
    grams: Callable[[int], float],
) -> tuple[Weighing, ...]:
    """Deliver so many pulses of each width, and ask for their weight.

    Args:
        rig: open; it is armed for the pulses and disarmed while somebody weighs.
        line: the valve.
        widths_us: one weighing each.
        pulses: in each weighing.
        grams: asks for the weight of all drops of a width, g.

    Raises:
        RigError.
    """
    pause = Wait(rig.settings.outputs[line].limits.gap_us / 1e6 + MARGIN_S)
    weighings = []
    for width_us in widths_us:
        rig.arm()
        for _ in range(pulses):
            rig.perform(Deliver(Pulse(line, width_us=width_us)))
            rig.perform(pause)
        rig.make_safe()
        weighings.append(Weighing(width_us, pulses, grams(width_us)))
    return tuple(weighings)


def keep(path: Path, line: str, weighings: tuple[Weighing, ...], days: int) -> ValveCalibration:
    """Fit a valve's calibration and write it beside those of the others.

    Raises:
        CalibrationError: when no volume can be trusted; nothing is written then.
    """
    today = date.today()  # noqa: DTZ011  the lab's own calendar
    calibration = ValveCalibration(line, today, days, weighings)
    others = load(path) if path.exists() else {}
    save(path, {**others, line: calibration})
    return calibration


def file_of(calibration: str | None, document: Path) -> Path:
    """Return where a rig's calibrations are kept.

    Raises:
        CalibrationError: when its document names no file.
    """
    if calibration is None:
        raise CalibrationError(
            f'{document} names no file for calibrations: add calibration = "valves.toml"'
        )
    return document.resolve().parent / calibration

"""Calibrations of a rig's valves in one TOML file: a table for each valve.

[valve_left]
date = 2026-01-31
expires_after_days = 30
weighings = [
  { width_ms = 20.0, pulses = 100, grams = 0.21 },
  { width_ms = 40.0, ul_per_pulse = 4.0 },
]
"""

import os
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hardware.calibration import ValveCalibration, Weighing
from hardware.interface import CalibrationError

_FIELDS = {"weighed_on", "expires_after_days", "weighings"}
_WEIGHED, _KNOWN = {"width_ms", "pulses", "grams"}, {"width_ms", "ul_per_pulse"}


def load(path: Path) -> dict[str, ValveCalibration]:
    """Read the calibrations of a file, by line.

    Raises:
        CalibrationError: which names the file, the valve and what is wrong with it.
    """
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise CalibrationError(
            f"{path}: no such file; weigh the valves with `biasloop rig calibrate`"
        ) from None
    except OSError as error:
        raise CalibrationError(f"{path}: can't be read: {error.strerror}") from None
    except ValueError as error:
        raise CalibrationError(f"{path}: not valid TOML: {error}") from None
    try:
        return {line: _valve(line, table) for line, table in data.items()}
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from None


def save(path: Path, calibrations: Mapping[str, ValveCalibration]) -> None:
    """Write all calibrations of a rig; the file is there whole or as it was before.

    Raises:
        CalibrationError: when it can't be written.
    """
    text = "\n".join(_text(one) for one in calibrations.values())
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise CalibrationError(f"{path}: can't be written: {error.strerror}") from None


def _valve(line: str, table: object) -> ValveCalibration:
    fields = _table(f"[{line}]", table, _FIELDS)
    day, days, weighings = (
        fields[name] for name in ("weighed_on", "expires_after_days", "weighings")
    )
    if not isinstance(day, date) or isinstance(day, datetime):
        raise CalibrationError(
            f"[{line}] weighed_on: expected a day such as 2026-01-31, got {day!r}"
        )
    if not isinstance(days, int) or isinstance(days, bool):
        raise CalibrationError(
            f"[{line}] expires_after_days: expected a whole number, got {days!r}"
        )
    if not isinstance(weighings, list):
        raise CalibrationError(f"[{line}] weighings: expected a list, got {weighings!r}")
    given = tuple(_weighing(f"[{line}] weighings.{i}", one) for i, one in enumerate(weighings))
    return ValveCalibration(line, day, days, given)


def _weighing(where: str, table: object) -> Weighing:
    known = isinstance(table, dict) and "ul_per_pulse" in table
    fields = _table(where, table, _KNOWN if known else _WEIGHED)
    for name, value in fields.items():
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise CalibrationError(f"{where}.{name}: expected a number, got {value!r}")
    width_us = round(1000 * fields["width_ms"])
    if known:
        return Weighing.of_volume(width_us, fields["ul_per_pulse"])
    if not isinstance(fields["pulses"], int):
        raise CalibrationError(f"{where}.pulses: expected a whole number, got {fields['pulses']}")
    return Weighing(width_us, fields["pulses"], float(fields["grams"]))


def _table(where: str, value: object, names: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != names:
        came = ", ".join(map(str, value)) if isinstance(value, dict) else repr(value)
        wanted = ", ".join(sorted(names))
        raise CalibrationError(f"{where}: expected a table with {wanted}; got {came or 'nothing'}")
    return value


def _text(calibration: ValveCalibration) -> str:
    rows = "".join(
        f"  {{ width_ms = {one.width_us / 1000!r}, pulses = {one.pulses}, "
        f"grams = {one.grams!r} }},\n"
        for one in calibration.weighings
    )
    return (
        f"[{calibration.line}]\n"
        f"weighed_on = {calibration.weighed_on.isoformat()}\n"
        f"expires_after_days = {calibration.expires_after_days}\n"
        f"weighings = [\n{rows}]\n"
    )

"""What checks have found: one finding each, and all of them as data to be stored."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from hardware.rig_settings import RigSettings


class Level(StrEnum):
    """How good it is."""

    PASS = "PASS"  # noqa: S105
    WARN = "WARN"
    FAIL = "FAIL"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found."""

    name: str
    level: Level
    measured: str
    remedy: str = ""
    """What to do, unless all is well."""


def worst(findings: Sequence[Finding]) -> Level:
    """Return the worst level that was found."""
    order = (Level.FAIL, Level.NOT_RUN, Level.WARN)
    levels = {finding.level for finding in findings}
    return next((level for level in order if level in levels), Level.PASS)


def report(settings: RigSettings, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what was found on a rig as strings, lists and dictionaries that JSON can hold."""
    rows = [asdict(finding) | {"level": finding.level.value} for finding in findings]
    return {"rig": settings.name, "worst": worst(findings).value, "findings": rows}

"""A rig with three valves, a puff and a light, and an animal."""

from datetime import date

from controller.session.subjects import SubjectDocument
from hardware.calibration import ValveCalibration, Weighing
from hardware.interface import Limits
from hardware.rig_settings import Output, RigSettings

TODAY = date(2026, 3, 2)


def weighed(line: str, offset_ul: float = 0.0) -> ValveCalibration:
    """A valve that gives 0.1 µl a ms, and more or less at its opening, from 20 to 80 ms."""
    weighings = tuple(
        Weighing.of_volume(width_us, width_us / 10_000 + offset_ul)
        for width_us in (20_000, 40_000, 60_000, 80_000)
    )
    return ValveCalibration(line, date(2026, 3, 1), 30, weighings)


SETTINGS = RigSettings(
    name="bench",
    port="emulated",
    lease_ms=300,
    outputs={
        "valve_left": Output("valve", Limits(100_000, 20_000, 10**9)),
        "valve_right": Output("valve", Limits(60_000, 20_000, 10**9)),
        "valve_dry": Output("valve", Limits(100_000, 20_000, 10**9)),
        "air": Output("puff", Limits(100_000, 500_000, 10**9)),
        "led": Output("led", Limits(1_000_000, 0, 10**9)),
    },
    inputs={"lick_left": "response", "lick_right": "response", "door": "other"},
    calibrations={
        "valve_left": weighed("valve_left"),
        "valve_right": weighed("valve_right", offset_ul=-1.0),
    },
)
"""`valve_dry` was never weighed."""

LIMITS = SubjectDocument(
    name="m1",
    baseline_weight_g=25.0,
    min_weight_fraction=0.8,
    water_max_ul=100.0,
    water_min_ul=40.0,
    puffs_max=3,
    minutes_max=60.0,
)

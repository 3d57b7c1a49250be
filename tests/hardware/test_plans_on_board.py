"""Plans on the flashed program: they read what an animal does at the pins, and reward it there."""

from dataclasses import replace
from datetime import date

import pytest

from hardware.calibration import ValveCalibration, Weighing
from hardware.interface import Limits, Pulse
from hardware.rig import NativeRig
from hardware.rig_settings import Output, RigSettings
from hardware.simulated_board import CYCLES_PER_US
from protocols.plans.base import no_reward
from protocols.plans.conditioning import Conditioning
from protocols.plans.go_nogo import GoNoGo
from protocols.plans.graded import Graded
from protocols.plans.two_choice import TwoChoice
from protocols.trials import Shown

pytestmark = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")
DAY = date(2026, 5, 1)
VALVES = ("valve_left", "valve_right")
SETTINGS = RigSettings(
    name="bench",
    port="simavr",
    lease_ms=400,
    outputs={valve: Output("valve", Limits(60_000, 20_000, 600_000_000)) for valve in VALVES}
    | {"odour_1": Output("odour", Limits(3_000_000, 0, 4_000_000_000))},
    inputs={"lick_left": "response", "lick_right": "response"},
    calibrations={
        valve: ValveCalibration(
            valve, DAY, 30, tuple(Weighing.of_volume(ms * 1000, ms * 0.1) for ms in (10, 20, 40))
        )
        for valve in VALVES
    },
)
ODOUR = Shown(None, Pulse("odour_1", width_us=50_000))
NOTHING = Shown(None, None)
TIMES = {"delay_s": 0.05, "window_s": 0.4}
HOST_S = 0.15  # what this computer may take from ordering the touches to the trial's go
CASES = {
    "go_nogo": (GoNoGo(**TIMES), 1.0, ["valve_left"]),
    "go_nogo, withheld": (GoNoGo(**TIMES), -1.0, []),
    "two_choice, right": (TwoChoice(**TIMES), 1.0, ["valve_right"]),
    "two_choice, left": (TwoChoice(**TIMES), -1.0, []),
    "conditioning": (Conditioning(**TIMES, full=5), 0.2, ["valve_left"]),
    "conditioning, no lick": (Conditioning(**TIMES, full=5), -1.0, ["valve_left"]),
    "graded": (Graded(**TIMES, full=5), 1.0, ["valve_left"]),
    "graded, no lick": (Graded(**TIMES, full=5), -1.0, []),
}
"""Plans, the answer that is meant, and what it brings where the right is rewarded."""


def reward(value):
    return Pulse("valve_left", volume_ul=3.0) if value > 0 else None


@pytest.fixture(scope="module")
def rig(board):
    with NativeRig(SETTINGS, board.port, today=DAY) as opened:
        yield opened


def run(board, rig, plan, answer, *, shown, reward):
    """Run a trial; whenever its go comes within the host's time, every touch is in its window."""
    rig.arm()
    trialling = plan.trial(shown, reward)
    instruction = next(trialling)
    begin = board.cycle()
    animal = replace(plan, window_s=plan.window_s - HOST_S)
    for line, after_us in animal.act(answer, 0):
        board.touch(line, at_cycle=begin + round(after_us + HOST_S * 1e6) * CYCLES_PER_US)
    try:
        while True:
            instruction = trialling.send(rig.perform(instruction))
    except StopIteration as end:
        return end.value
    finally:
        rig.make_safe()


@pytest.mark.parametrize("shown", [NOTHING, ODOUR], ids=["at once", "odour"])
@pytest.mark.parametrize("case", CASES)
def test_a_plan_reads_the_answer_and_brings_what_it_is_worth(board, rig, case, shown):
    plan, answer, lines = CASES[case]
    before = len(board.on())
    response = run(board, rig, plan, answer, shown=shown, reward=reward)
    assert response.answer == pytest.approx(answer)
    real = [on for on in board.on()[before:] if on.line != "odour_1"]
    assert [on.line for on in real] == lines
    assert all(abs(on.width_us - 30_000) < 100 for on in real)


@pytest.mark.parametrize("case", CASES)
def test_in_a_test_trial_nothing_is_switched_on(board, rig, case):
    plan, answer, _ = CASES[case]
    before = len(board.on())
    assert run(board, rig, plan, answer, shown=NOTHING, reward=no_reward).answer == pytest.approx(
        answer
    )
    assert board.on()[before:] == []

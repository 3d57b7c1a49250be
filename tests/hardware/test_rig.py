"""A rig with the flashed program in the emulator: what every rig has to do."""

from datetime import date

import pytest

from hardware.calibration import ValveCalibration, Weighing
from hardware.interface import (
    CalibrationError,
    Clear,
    Deliver,
    DeviceFault,
    DisplayError,
    Limits,
    Present,
    Pulse,
    Refused,
    RigError,
    Trial,
    Wait,
    WrongDevice,
)
from hardware.messages import Outcome, Status
from hardware.program import trial_values
from hardware.rig import NativeRig
from hardware.rig_settings import Output, RigSettings
from hardware.simulated_board import CYCLES_PER_US

pytestmark = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")
DAY = date(2026, 5, 1)
VALVE = ValveCalibration(
    "valve_left", DAY, 30, tuple(Weighing.of_volume(ms * 1000, ms * 0.1) for ms in (10, 20, 40))
)
SETTINGS = RigSettings(
    name="bench",
    port="simavr",
    lease_ms=400,
    outputs={
        "valve_left": Output("valve", Limits(60_000, 20_000, 600_000_000)),
        "puff": Output("puff", Limits(100_000, 500_000, 60_000_000)),
        "odour_1": Output("odour", Limits(3_000_000, 0, 4_000_000_000)),
        "tone": Output("tone", Limits(1_000_000, 0, 4_000_000_000), frequency_hz=1000),
    },
    inputs={"lick_left": "response", "lick_right": "response", "photodiode": "photodiode"},
    calibrations={"valve_left": VALVE},
)
REWARD = Pulse("valve_left", volume_ul=3.0)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """An emulated board on a busy computer is slower than a real one."""
    monkeypatch.setattr("hardware.program.GRACE_US", 20_000_000)
    monkeypatch.setattr("hardware.rig.GRACE_US", 20_000_000)


@pytest.fixture
def rig(board):
    with NativeRig(SETTINGS, board.port, today=DAY) as opened:
        opened.arm()
        yield opened


def test_a_lick_in_the_window_is_rewarded_with_the_volume_that_was_asked_for(board, rig):
    before = len(board.on("valve_left"))
    board.touch("lick_left", at_cycle=board.cycle() + 100_000 * CYCLES_PER_US)
    event = rig.perform(Present(Trial({"lick_left": REWARD}, window_us=500_000)))
    assert (event.trial.outcome, event.trial.line) == (Outcome.RESPONDED, "lick_left")
    (real,) = board.on("valve_left")[before:]
    assert abs(real.width_us - 30_000) < 100
    assert event.trial.pulsed in event.pulsed
    assert [edge.line for edge in event.edges] == ["lick_left"] * 2
    assert event.missing_events == 0


def test_a_trial_can_last_much_longer_than_the_lease(board, rig):
    odour = Pulse("odour_1", width_us=900_000)
    event = rig.perform(
        Present(
            Trial(
                {"lick_right": None},
                window_us=1_000_000,
                go=odour,
                otherwise=Pulse("puff", width_us=20_000, delay_us=100_000),
            )
        )
    )
    assert (event.trial.outcome, event.trial.line) == (Outcome.NO_RESPONSE, None)
    assert [pulsed.line for pulsed in event.pulsed] == ["odour_1", "puff"]
    assert not any(pulsed.cut for pulsed in event.pulsed)
    assert event.pulsed[1].start_us - event.trial.go_us >= 1_100_000


def test_an_event_has_what_happened_since_the_one_before(board, rig):
    board.touch("lick_right", at_cycle=board.cycle() + 20_000 * CYCLES_PER_US)
    event = rig.perform(Wait(0.15))
    assert [(edge.line, edge.level) for edge in event.edges] == [
        ("lick_right", True),
        ("lick_right", False),
    ]
    assert rig.perform(Wait(0.02)).edges == ()


def test_waiting_keeps_the_lease_and_not_waiting_loses_it(board, rig):
    rig.perform(Wait(0.9))
    board.wait_us(600_000)
    with pytest.raises(DeviceFault, match="LEASE"):
        rig.perform(Deliver(REWARD))


def test_what_is_over_a_limit_is_refused_and_latched(board, rig):
    before = len(board.on())
    with pytest.raises(Refused, match="OVER_MAX") as refused:
        rig.perform(Deliver(Pulse("puff", width_us=100_001)))
    assert refused.value.status == Status.OVER_MAX
    with pytest.raises(DeviceFault):
        rig.perform(Wait(0.1))
    assert rig.make_safe().verified
    assert len(board.on()) == before


def test_every_confirmed_pulse_is_kept_also_one_that_is_cut_in_the_end(board):
    before, kept = len(board.on()), []
    with NativeRig(SETTINGS, board.port, keep=kept.append, today=DAY) as rig:
        rig.arm()
        rig.perform(Deliver(REWARD))
        rig.perform(Deliver(Pulse("puff", width_us=5000)))
        rig.device.pulse("odour_1", 2_000_000)
        assert rig.make_safe().verified
        assert rig.rest().pulsed == tuple(kept[2:])
    real = board.on()[before:]
    assert (
        [one.line for one in kept] == [on.line for on in real] == ["valve_left", "puff", "odour_1"]
    )
    assert [one.cut for one in kept] == [False, False, True]
    for one, on in zip(kept, real, strict=True):
        assert abs(one.width_us - on.width_us) < 100


@pytest.mark.parametrize("volume_ul", [0.5, 40.0])
def test_a_volume_that_was_not_weighed_is_refused(board, rig, volume_ul):
    before = len(board.on())
    with pytest.raises(CalibrationError, match="weighed range"):
        rig.perform(Deliver(Pulse("valve_left", volume_ul=volume_ul)))
    assert len(board.on()) == before


def test_a_rig_without_a_screen_says_so(rig):
    with pytest.raises(DisplayError, match="no screen"):
        rig.perform(Clear())


def test_leaving_switches_everything_off(board):
    before = len(board.on("odour_1"))

    def leave():
        with NativeRig(SETTINGS, board.port, today=DAY) as rig:
            rig.arm()
            rig.device.pulse("odour_1", 2_000_000)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave()
    (real,) = board.on("odour_1")[before:]
    assert real.end_cycle is not None
    assert real.width_us < 1_000_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": {"nose": "response"}}, "nose"),
        ({"outputs": {"puff": Output("valve", Limits(1, 500_000, 1))}}, "kind valve"),
        ({"outputs": {"puff": Output("puff", Limits(900_000, 500_000, 1))}}, "built to allow"),
        ({"device_id": "0123456789abcdef"}, "expected device 0123456789abcdef"),
        ({"build": "00000000"}, "expected firmware build 00000000"),
    ],
)
def test_another_device_than_expected_is_refused(board, change, message):
    from dataclasses import replace

    with (
        pytest.raises(WrongDevice, match=message),
        NativeRig(replace(SETTINGS, **change), board.port),
    ):
        pass


def test_more_responses_than_a_device_can_wait_for_are_refused():
    trial = Trial({f"line_{number}": None for number in range(5)}, window_us=1)
    with pytest.raises(RigError, match="at most 4"):
        trial_values(trial, lambda _: 0, lambda _: 1)

"""The self-test on the flashed program, and on boards that have something wrong."""

from dataclasses import replace
from datetime import date

import pytest

from hardware.calibration import ValveCalibration, Weighing
from hardware.interface import Limits
from hardware.rig_settings import Output, RigSettings
from hardware.selftest import Level, run, worst

pytestmark = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")
DAY = date(2026, 5, 1)
VALVE = ValveCalibration(
    "valve_left", DAY, 30, tuple(Weighing.of_volume(ms * 1000, ms * 0.1) for ms in (10, 20, 40))
)
SETTINGS = RigSettings(
    name="bench",
    port="simavr",
    lease_ms=200,
    outputs={
        "valve_left": Output("valve", Limits(60_000, 20_000, 600_000_000)),
        "led": Output("led", Limits(1_000_000, 0, 4_000_000_000)),
    },
    inputs={"lick_left": "response"},
    calibrations={"valve_left": VALVE},
)


def by_name(findings):
    return {finding.name: finding for finding in findings}


def test_a_sound_rig_fails_nothing_and_is_left_off(board):
    found = by_name(run(SETTINGS, board.port, today=DAY))
    assert {name for name, one in found.items() if one.level == Level.FAIL} == set()
    for name in ("firmware", "restarts", "inputs at rest", "limits", "lease", "everything off"):
        assert found[name].level == Level.PASS, found[name]
    for name in ("output valve_left", "output led"):
        assert found[name].level == Level.PASS, found[name]
    assert all(on.end_cycle is not None for on in board.on())


def test_outputs_can_be_left_off(board):
    before = len(board.on("valve_left"))
    found = by_name(run(SETTINGS, board.port, today=DAY, outputs=False))
    assert found["outputs"].level == Level.NOT_RUN
    assert len(board.on("valve_left")) == before


def test_without_a_board_the_rest_is_not_run(tmp_path):
    findings = run(SETTINGS, str(tmp_path / "nothing"), today=DAY)
    found = by_name(findings)
    assert found["port and board"].level == Level.FAIL
    assert found["lease"].level == Level.NOT_RUN
    assert worst(findings) == Level.FAIL


def test_another_board_than_expected_fails(board):
    other = replace(SETTINGS, device_id="00000000000000aa")
    found = by_name(run(other, board.port, today=DAY))
    assert found["port and board"].level == Level.FAIL
    assert "00000000000000aa" in found["port and board"].measured


@pytest.mark.parametrize(
    ("day", "level"),
    [
        (date(2026, 5, 2), Level.PASS),
        (date(2026, 5, 29), Level.WARN),
        (date(2026, 6, 1), Level.FAIL),
    ],
)
def test_a_calibration_grows_old(tmp_path, day, level):
    found = by_name(run(SETTINGS, str(tmp_path / "nothing"), today=day))
    assert found["calibration of valve_left"].level == level


def test_an_input_that_moves_by_itself_is_a_warning(board):
    board.train("lick_left", 100, period_us=20_000, high_us=1000)
    found = by_name(run(SETTINGS, board.port, today=DAY, outputs=False))
    assert found["inputs at rest"].level == Level.WARN
    assert "lick port" in found["inputs at rest"].remedy


def test_a_board_that_restarts_fails(board):
    import threading

    timer = threading.Timer(1.0, board.reset)
    timer.start()
    findings = run(SETTINGS, board.port, today=DAY, outputs=False)
    timer.join()
    assert any(one.level == Level.FAIL and "restarted" in one.measured for one in findings)


@pytest.mark.parametrize(("touched", "level"), [(True, Level.PASS), (False, Level.FAIL)])
def test_somebody_is_asked_to_touch_every_input(board, monkeypatch, touched, level):
    monkeypatch.setattr("hardware.selftest.PROMPT_S", 0.5)
    asked = []

    def prompt(text):
        asked.append(text)
        if touched:
            board.train("lick_left", 1, period_us=20_000, high_us=5000)

    found = by_name(run(SETTINGS, board.port, today=DAY, outputs=False, prompt=prompt))
    assert asked == ["touch lick_left within 0.5 s"]
    assert found["input lick_left"].level == level

"""The self-test on the flashed program, and on boards that have something wrong."""

import json
import re
from dataclasses import replace
from datetime import date

import pytest

from hardware.calibration import ValveCalibration, Weighing
from hardware.interface import Limits
from hardware.rig_settings import Output, RigSettings
from hardware.selftest import Level, report, run, worst

pytestmark = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")
SCREEN = pytest.mark.needs("Xvfb")
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
    print(*findings, sep="\n")
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
    before = len(board.on())
    found = by_name(run(SETTINGS, board.port, today=DAY, outputs=False))
    assert found["outputs"].level == found["limits"].level == Level.NOT_RUN
    assert found["lease"].level == Level.PASS
    assert len(board.on()) == before


def test_a_gap_between_pulses_is_left_between_checks(board):
    puff = {"puff": Output("puff", Limits(50_000, 1_500_000, 60_000_000))}
    found = by_name(run(replace(SETTINGS, outputs=puff), board.port, today=DAY))
    assert found["lease"].level == found["output puff"].level == Level.PASS, found["output puff"]


def test_what_was_found_can_be_stored(tmp_path):
    findings = run(SETTINGS, str(tmp_path / "nothing"), today=DAY)
    stored = json.loads(json.dumps(report(SETTINGS, findings)))
    assert (stored["rig"], stored["worst"]) == ("bench", "FAIL")
    first = {"name": "port and board", "level": "FAIL", "remedy": "see the message"}
    assert first.items() <= stored["findings"][0].items()
    assert len(stored["findings"]) == len(findings)


def test_when_it_is_stopped_everything_is_off_and_said_to_be(board, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    before = len(board.on())
    monkeypatch.setattr("hardware.selftest._device_us", stop)  # as the lease is tried
    with pytest.raises(KeyboardInterrupt) as stopped:
        run(SETTINGS, board.port, today=DAY)
    monkeypatch.undo()
    assert stopped.value.__notes__ == ["outputs: nothing on"]
    (real,) = board.on()[before:]
    assert real.line == "led"
    assert real.end_cycle is not None
    assert real.width_us < SETTINGS.lease_ms * 1000


@pytest.fixture
def quick(monkeypatch):
    """Shorten what takes long."""
    monkeypatch.setattr("hardware.selftest.WATCH_S", 0.3)
    monkeypatch.setattr("hardware.screentest.FLIPS", 8)
    # a busy computer lets the emulated board run late, so edges are looked for far around flips
    monkeypatch.setattr("hardware.screentest.FLIP_S", 0.4)
    monkeypatch.setattr("hardware.screentest.FLIP_FROM_MS", -390.0)
    monkeypatch.setattr("hardware.screentest.FLIP_UNTIL_MS", 400.0)
    monkeypatch.setattr("hardware.screentest.FRAMES_S", 0.5)


WITH_PHOTODIODE = replace(SETTINGS, inputs={"photodiode": "photodiode"})


@SCREEN
def test_a_screen_that_a_photodiode_sees_passes(board, display, framebuffer_photodiode, quick):
    with framebuffer_photodiode(lambda is_lit, _: board.set("photodiode", is_lit)):
        found = by_name(run(WITH_PHOTODIODE, board.port, display=display, today=DAY, outputs=False))
    assert found["photodiode"].level == Level.PASS, found["photodiode"]
    assert re.fullmatch(
        r"8 of 8 flips seen, lag -?[\d.]+ ms, jitter [\d.]+ ms", found["photodiode"].measured
    )
    assert found["frames"].level in {Level.PASS, Level.WARN}  # a busy computer may drop some
    assert re.fullmatch(r"\d+ of (29|30) dropped, worst [\d.]+ ms", found["frames"].measured)
    assert found["everything off"].level == Level.PASS


@SCREEN
def test_a_photodiode_that_sees_nothing_fails_with_the_remedy(board, display, quick):
    found = by_name(run(WITH_PHOTODIODE, board.port, display=display, today=DAY, outputs=False))
    assert found["photodiode"].level == Level.FAIL
    assert found["photodiode"].measured == "0 of 8 flips seen"
    assert "its cable" in found["photodiode"].remedy


@SCREEN
def test_a_photodiode_that_sees_a_lamp_flicker_is_a_warning(
    board, display, framebuffer_photodiode, quick
):
    def flicker(is_lit, _):
        board.set("photodiode", is_lit)
        if is_lit:
            board.wait_us(5000)
            board.set("photodiode", False)
            board.wait_us(5000)
            board.set("photodiode", True)

    with framebuffer_photodiode(flicker):
        found = by_name(run(WITH_PHOTODIODE, board.port, display=display, today=DAY, outputs=False))
    assert found["photodiode"].level == Level.WARN, found["photodiode"]
    assert "8 edges without a flip" in found["photodiode"].measured


@SCREEN
def test_without_a_board_the_screen_is_tried_all_the_same(tmp_path, display, quick):
    found = by_name(run(SETTINGS, str(tmp_path / "nothing"), display=display, today=DAY))
    assert found["port and board"].level == Level.FAIL
    assert found["frames"].level in {Level.PASS, Level.WARN}


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


def test_a_board_that_is_unplugged_meanwhile_fails_with_the_remedy():
    import threading

    from hardware.simulated_board import SimulatedBoard

    with SimulatedBoard() as board:
        timer = threading.Timer(1.0, board.close)
        timer.start()
        findings = run(SETTINGS, board.port, today=DAY)
        timer.join()
    failed = {one.name for one in findings if one.level == Level.FAIL}
    assert {"watch", "everything off"} <= failed
    assert by_name(findings)["everything off"].measured == "the board doesn't answer"
    assert by_name(findings)["everything off"].remedy == "cut the valves' power"


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

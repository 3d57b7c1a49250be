import json
import os
import signal
import subprocess
import sys

import pytest

EMULATED = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")


def biasloop(*arguments, **options):
    command = [sys.executable, "-m", "controller.cli", "rig", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@EMULATED
def test_checking_an_emulated_rig_ends_well_and_is_kept(tmp_path):
    report = tmp_path / "check.json"
    run = biasloop("check", "simavr", "--json", str(report))
    assert run.returncode == 0, run.stdout + run.stderr
    rows = {row["name"]: row["level"] for row in json.loads(report.read_text())["findings"]}
    assert rows["limits"] == rows["lease"] == rows["everything off"] == "PASS"


@EMULATED
def test_an_emulated_board_can_be_checked_by_its_port(tmp_path):
    command = [sys.executable, "-m", "controller.cli", "rig", "emulate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as board:
        word, port = board.stdout.readline().split()
        assert word == "port"
        path = tmp_path / "rig.toml"
        assert biasloop("new", str(path), "--from", "simavr").returncode == 0
        text = path.read_text().replace('port = "simavr"', f'port = "{port}"')
        path.write_text(text)
        run = biasloop("check", str(path), "--no-outputs")
        board.send_signal(signal.SIGINT)
        assert "switched off" in board.stdout.read()
    assert board.returncode == 0
    assert "left off as asked" in run.stdout
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_missing_port_fails_with_its_remedy(tmp_path):
    path = tmp_path / "rig.toml"
    biasloop("new", str(path), "--from", "simavr")
    path.write_text(path.read_text().replace('port = "simavr"', 'port = "/dev/ttyNONE"'))
    run = biasloop("check", str(path))
    assert run.returncode == 1
    assert "/dev/ttyNONE" in run.stdout.replace("\n", "").replace(" ", "")


def test_a_screen_that_is_missing_is_said(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    run = biasloop("check", "uno", env=environment)
    assert run.returncode == 1
    assert "DISPLAY" in run.stderr


@pytest.mark.parametrize("text", ["name = 3\n", 'name = "a"\nport = "b"\nports = 1\n'])
def test_a_wrong_document_is_refused_with_line_and_code_2(tmp_path, text):
    path = tmp_path / "rig.toml"
    path.write_text(text)
    run = biasloop("validate", str(path))
    assert run.returncode == 2
    assert "rig.toml" in run.stderr


def test_a_valid_document_is_printed_with_its_defaults():
    run = biasloop("validate", "uno")
    assert run.returncode == 0
    assert "full_screen = true" in run.stdout


def test_nothing_is_overwritten(tmp_path):
    path = tmp_path / "rig.toml"
    path.write_text("mine")
    run = biasloop("new", str(path))
    assert run.returncode == 2
    assert path.read_text() == "mine"


VALVE = """
[outputs.valve_left]
kind = "valve"
max_ms = 100.0
gap_ms = 20.0
budget_s = 60.0
"""


def with_valve(tmp_path):
    path = tmp_path / "rig.toml"
    biasloop("new", str(path), "--from", "simavr")
    text = path.read_text().replace("lease_ms", 'calibration = "valves.toml"\nlease_ms')
    path.write_text(text + VALVE)
    return path


def calibrate(path, answers):
    widths = [part for width in ("10", "20", "40") for part in ("--width-ms", width)]
    return biasloop(
        "calibrate", str(path), "--line", "valve_left", "--pulses", "3", *widths, input=answers
    )


@EMULATED
def test_a_valve_is_weighed_and_its_calibration_kept(tmp_path):
    from hardware.calibration_file import load

    path = with_valve(tmp_path)
    run = calibrate(path, "0.003\n0.006\n0.012\n")
    assert run.returncode == 0, run.stdout + run.stderr
    valve = load(tmp_path / "valves.toml")["valve_left"]
    assert valve.rate_ul_per_ms == pytest.approx(0.1)
    assert valve.range_us == (10_000, 40_000)
    assert biasloop("check", str(path)).returncode == 0


@EMULATED
def test_weighings_that_make_no_line_are_refused_and_not_kept(tmp_path):
    run = calibrate(with_valve(tmp_path), "0.003\n0.001\n0.012\n")
    assert run.returncode == 1
    assert "weigh these widths again" in run.stderr
    assert not (tmp_path / "valves.toml").exists()


def test_only_a_valve_can_be_weighed(tmp_path):
    run = biasloop("calibrate", str(with_valve(tmp_path)), "--line", "led")
    assert run.returncode == 2
    assert "valve_left" in run.stderr

import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
import tty
from contextlib import contextmanager, suppress
from pathlib import Path

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
    stored = json.loads(report.read_text())
    assert (stored["rig"], stored["worst"]) == ("simavr", "WARN")
    rows = {row["name"]: row["level"] for row in stored["findings"]}
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


def document(tmp_path, port, source="simavr"):
    """Write a ready document with another port."""
    path = tmp_path / "rig.toml"
    biasloop("new", str(path), "--from", source)
    text = path.read_text()
    path.write_text(re.sub(r'^port = ".*"', f'port = "{port}"', text, flags=re.MULTILINE))
    return path


def checked(tmp_path, path, *options, **more):
    """Check a rig; return the run and its findings by name."""
    report = tmp_path / "check.json"
    run = biasloop("check", str(path), "--json", str(report), *options, **more)
    assert "Traceback" not in run.stderr
    stored = json.loads(report.read_text())
    assert stored["worst"] in {"PASS", "WARN", "FAIL", "not run"}
    return run, {finding["name"]: finding for finding in stored["findings"]}


@EMULATED
def test_a_screen_that_is_missing_fails_and_the_rest_is_tried(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    run, found = checked(tmp_path, document(tmp_path, "simavr", "uno"), env=environment)
    assert run.returncode == 1
    assert "DISPLAY isn't set" in found["screen"]["measured"]
    assert "export DISPLAY=:0" in found["screen"]["measured"]
    assert found["frames"]["level"] == "not run"
    for name in ("limits", "lease", "output valve_left", "everything off"):
        assert found[name]["level"] == "PASS", found[name]


@pytest.mark.needs("Xvfb")
def test_a_screen_that_is_not_the_computers_fails_with_the_remedy(tmp_path):
    path = document(tmp_path, "/dev/ttyNONE", "uno")
    run, found = checked(tmp_path, path, env={**os.environ, "DISPLAY": ":987"})
    assert run.returncode == 1
    assert found["screen"]["level"] == found["port and board"]["level"] == "FAIL"
    assert "check that the screen is connected" in found["screen"]["measured"]


@contextmanager
def emulated_board():
    """An emulated board in a process of its own; yields its port."""
    command = [sys.executable, "-m", "controller.cli", "rig", "emulate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as board:
        try:
            yield board.stdout.readline().split()[1]
        finally:
            board.send_signal(signal.SIGINT)


@EMULATED
def test_a_second_program_on_the_port_is_refused_and_the_first_keeps_its_valve(tmp_path):
    from hardware.device import NativeDevice
    from hardware.interface import Limits

    with emulated_board() as port, NativeDevice(port) as first:
        first.set_limits("led", Limits(5_000_000, 0, 10**9))
        first.arm(5000)
        first.pulse("led", 4_000_000)
        run, found = checked(tmp_path, document(tmp_path, port))
        assert run.returncode == 1
        assert "is in use by" in found["port and board"]["measured"]
        assert "close that program" in found["port and board"]["measured"]
        assert f"process {os.getpid()}" in found["port and board"]["measured"]
        assert first.ping() > 0


@contextmanager
def other_board(answer):
    """A port whose other end is answer(bytes) -> bytes."""
    host, end = os.openpty()
    tty.setraw(end)

    def serve():
        while True:
            try:
                os.write(host, answer(os.read(host, 256)))
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(end)
    finally:
        os.close(end)
        thread.join(2)
        os.close(host)


def old_firmware(data):
    """Answer HELLO as firmware with another table of messages does."""
    from hardware import wire
    from hardware.messages import REPLIES, REPLY_HEAD, Request, layout_format

    layout = {**REPLY_HEAD, **REPLIES[Request.HELLO]}
    values = dict.fromkeys(layout, 0) | {"interface": 0x12345678, "version": 1}
    for part in data.split(b"\0"):
        if part:
            frame = wire.unframe(part)
            payload = struct.pack(layout_format(layout), *values.values())
            return wire.frame(frame.kind | 0x80, frame.sequence, payload)
    return b"\0"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (old_firmware, "flash the firmware that came with this program"),
        (lambda _: b"Marlin 2.1 ready\r\n", "choose another port, or flash the board"),
        (lambda _: b"", "no answer to HELLO"),
    ],
)
def test_a_wrong_board_and_old_firmware_are_refused_with_the_remedy(tmp_path, answer, said):
    with other_board(answer) as port:
        run, found = checked(tmp_path, document(tmp_path, port))
    assert run.returncode == 1
    assert said in found["port and board"]["measured"]
    assert found["lease"]["level"] == "not run"


@EMULATED
@pytest.mark.parametrize("which", ["device_id", "build"])
def test_another_board_than_the_documents_is_refused(tmp_path, which):
    path = document(tmp_path, "simavr")
    value = "0" * {"device_id": 16, "build": 8}[which]
    path.write_text(path.read_text().replace("lease_ms", f'{which} = "{value}"\nlease_ms', 1))
    run, found = checked(tmp_path, path)
    assert run.returncode == 1
    assert (
        f"expected {'device' if which == 'device_id' else 'firmware build'} 0000"
        in (found["port and board"]["measured"])
    )


def holds(pid, port):
    """Whether a process has a port open."""
    with suppress(OSError):
        return any(str(link.readlink()) == port for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


@EMULATED
def test_ctrl_c_switches_everything_off_and_says_so(tmp_path):
    from hardware.device import NativeDevice
    from hardware.messages import State

    with emulated_board() as port:
        path = document(tmp_path, port)
        path.write_text(path.read_text().replace("lease_ms = 500", "lease_ms = 5000"))
        command = [sys.executable, "-m", "controller.cli", "rig", "check", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            while not holds(run.pid, port):
                time.sleep(0.05)
            time.sleep(4)  # it withholds the heartbeat meanwhile, with an output on
            run.send_signal(signal.SIGINT)
            _, said = run.communicate()
        assert run.returncode == 130
        assert said.decode() == "biasloop: stopped; outputs: nothing on\n"
        with NativeDevice(port) as device:
            assert device.status().state == State.SAFE
            assert device.status().outputs_on == ()
            assert any(ledger.last_width_us for ledger in device.ledgers().values())


@pytest.mark.parametrize("name", ["missing/check.json", "."])
def test_a_report_that_can_not_be_written_is_refused_before_anything_is_tried(tmp_path, name):
    run = biasloop("check", "simavr", "--json", str(tmp_path / name))
    assert run.returncode == 2
    assert "can't be written" in run.stderr
    assert run.stdout == ""


@EMULATED
def test_calibrations_that_can_not_be_read_fail_and_the_rest_is_tried(tmp_path):
    path = with_valve(tmp_path)
    (tmp_path / "valves.toml").write_text("[valve_left]\n")
    run, found = checked(tmp_path, path, "--no-outputs")
    assert run.returncode == 1
    assert "valves.toml" in found["calibration"]["measured"]
    assert found["lease"]["level"] == "PASS"


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

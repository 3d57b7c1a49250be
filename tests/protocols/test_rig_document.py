from datetime import date
from pathlib import Path

import pytest

from hardware.calibration import ValveCalibration, Weighing
from hardware.calibration_file import save
from hardware.interface import CalibrationError, Limits
from hardware.screen import Patch
from protocols.documents import DocumentError
from protocols.rig_document import load_rig
from protocols.rigs import ready

SMALL = """
name = "bench"
port = "/dev/ttyACM0"
[inputs]
lick_left = "response"
[outputs.valve_left]
kind = "valve"
max_ms = 100.0
gap_ms = 50.0
budget_s = 60.0
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "rig.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ready())
def test_ready_rigs_are_valid(name):
    _, settings = load_rig(ready()[name])
    assert settings.name == name
    assert settings.outputs
    assert settings.responses == ("lick_left", "lick_right")


def test_limits_become_microseconds(tmp_path):
    document, settings = load_rig(written(tmp_path, SMALL))
    assert settings.outputs["valve_left"].limits == Limits(100_000, 50_000, 60_000_000)
    assert settings.lease_ms == document.value.lease_ms == 500
    assert settings.screen is None


def test_the_screen_and_its_patch_are_the_displays():
    _, settings = load_rig(ready()["uno"])
    assert settings.screen.size_px == (1920, 1080)
    assert settings.screen.patch == Patch("bottom right", 60, 0)
    assert settings.photodiode == "photodiode"


def test_a_calibration_is_found_beside_the_document(tmp_path):
    weighings = tuple(Weighing.of_volume(ms * 1000, ms * 0.1) for ms in (10, 20, 40))
    valve = ValveCalibration("valve_left", date(2026, 5, 1), 30, weighings)
    save(tmp_path / "valves.toml", {"valve_left": valve})
    _, settings = load_rig(written(tmp_path, 'calibration = "valves.toml"\n' + SMALL))
    assert settings.calibration("valve_left").range_us == (10_000, 40_000)


def test_a_calibration_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CalibrationError, match=r"valves.toml: no such file"):
        load_rig(written(tmp_path, 'calibration = "valves.toml"\n' + SMALL))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "valve"', 'kind = "valv"', "valve"),
        ("max_ms = 100.0", "max_ms = -1.0", "max_ms"),
        ("max_ms = 100.0", "max_msec = 100.0", "max_ms"),
        ("gap_ms = 50.0", "gap_ms = 50.0\nfrequency_hz = 440", "only a tone"),
        ('lick_left = "response"', 'valve_left = "response"', "can't be an input as well"),
        ('lick_left = "response"', 'a = "photodiode"\nb = "photodiode"', "one photodiode"),
        ('port = "/dev/ttyACM0"', 'port = "/dev/ttyACM0"\nlease_ms = 5', "lease_ms"),
        ('port = "/dev/ttyACM0"', 'port = "/dev/ttyACM0"\nbuild = "xyz"', "build"),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, message):
    with pytest.raises(DocumentError, match=message):
        load_rig(written(tmp_path, SMALL.replace(old, new)))


def test_a_patch_needs_a_photodiode_and_room(tmp_path):
    screen = "[screen]\nsize_px = [800, 600]\nwidth_cm = 40.0\ndistance_cm = 20.0\n[screen.patch]\n"
    with pytest.raises(DocumentError, match="no input is a photodiode"):
        load_rig(written(tmp_path, SMALL + screen))
    text = SMALL.replace("[outputs", 'diode = "photodiode"\n[outputs') + screen + "size_px = 700\n"
    with pytest.raises(DocumentError, match="patch"):
        load_rig(written(tmp_path, text))


def test_a_mapping_is_found_by_its_kind_and_needs_a_screen(tmp_path):
    document, _ = load_rig(ready()["uno"])
    assert document.value.mapping.build().kind == "position"
    with pytest.raises(DocumentError, match="no screen to show it on"):
        load_rig(written(tmp_path, SMALL + '[mapping]\nkind = "position"\n'))
    with pytest.raises(DocumentError, match="position"):
        load_rig(written(tmp_path, SMALL + '[mapping]\nkind = "positon"\n'))

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.calibration import ValveCalibration, Weighing
from hardware.calibration_file import load, save
from hardware.interface import CalibrationError

DAY = date(2026, 1, 31)


def calibration(*ul_per_pulse, widths_ms=(20, 40, 80, 160), days=30):
    weighings = [
        Weighing.of_volume(1000 * w, v) for w, v in zip(widths_ms, ul_per_pulse, strict=True)
    ]
    return ValveCalibration("valve_left", DAY, days, tuple(weighings))


def test_volumes_on_a_line_give_back_its_slope_and_offset():
    valve = calibration(1.9, 3.9, 7.9, 15.9)
    assert valve.rate_ul_per_ms == pytest.approx(0.1)
    assert valve.offset_ul == pytest.approx(-0.1)
    assert valve.r2 == pytest.approx(1)
    assert valve.residuals_ul == pytest.approx((0, 0, 0, 0), abs=1e-12)
    assert valve.width_us(4.0, DAY) == 41_000
    assert valve.volume_ul(41_000) == pytest.approx(4.0)


@given(st.floats(0.01, 1), st.floats(0, 2), st.integers(20_000, 160_000))
def test_conversion_there_and_back_keeps_the_width(rate, offset, width_us):
    valve = calibration(*(rate * w + offset for w in (20, 40, 80, 160)))
    assert abs(valve.width_us(valve.volume_ul(width_us), DAY) - width_us) <= 1


def test_the_drops_of_many_pulses_are_divided_by_their_number():
    assert Weighing(20_000, 100, 0.21).ul_per_pulse == pytest.approx(2.1)


def test_one_weighing_that_is_a_little_off_does_not_tilt_the_line():
    assert calibration(2, 4.4, 8, 16).rate_ul_per_ms == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("volume_ul", [1.9, 16.1, 0, -1])
def test_a_volume_outside_the_weighed_range_is_refused_with_the_range_and_the_remedy(volume_ul):
    with pytest.raises(CalibrationError, match=r"2 to 16 µl \(20 to 160 ms\).*rig calibrate"):
        calibration(2, 4, 8, 16).width_us(volume_ul, DAY)


@pytest.mark.parametrize("width_us", [19_000, 161_000])
def test_a_width_outside_the_weighed_range_is_refused(width_us):
    with pytest.raises(CalibrationError, match="outside the weighed range"):
        calibration(2, 4, 8, 16).volume_ul(width_us)


@pytest.mark.parametrize("volume_ul", [2, 16])
def test_the_ends_of_the_range_belong_to_it(volume_ul):
    assert calibration(2, 4, 8, 16).width_us(volume_ul, DAY) == 10_000 * volume_ul


def test_it_is_refused_from_the_day_of_its_expiry_on_and_before_it_was_made():
    valve = calibration(2, 4, 8, 16, days=30)
    assert valve.width_us(4, date(2026, 3, 1)) == 40_000
    with pytest.raises(CalibrationError, match="expired on 2026-03-02; weigh"):
        valve.width_us(4, date(2026, 3, 2))
    with pytest.raises(CalibrationError, match="set the computer's clock"):
        valve.width_us(4, date(2026, 1, 30))
    assert valve.volume_ul(40_000) == pytest.approx(4)  # what was delivered can still be told


@pytest.mark.parametrize(
    ("volumes", "widths_ms", "reason"),
    [
        ((2, 4), (20, 40), "3 widths or more, got 2"),
        ((2, 2.1, 4), (20, 20, 40), "3 widths or more, got 2"),
        ((2, 4, 3.9, 16), (20, 40, 80, 160), "80 ms gave no more than 40 ms"),
        ((2, 2, 2), (20, 40, 80), "gave no more than"),
        ((2, 14, 15, 16), (20, 40, 80, 160), r"R² is .*; weigh \d+ ms again"),
        ((0.01, 3, 8, 13), (20, 40, 60, 80), "hardly opens"),
        ((2, 4, float("nan")), (20, 40, 80), "all three must be above 0"),
        ((2, 4, -8), (20, 40, 80), "all three must be above 0"),
        ((2, 4, 8), (-20, 40, 80), "all three must be above 0"),
    ],
)
def test_weighings_that_cannot_be_trusted_are_refused(volumes, widths_ms, reason):
    with pytest.raises(CalibrationError, match=reason):
        calibration(*volumes, widths_ms=widths_ms)


def test_a_weighing_without_a_pulse_is_refused():
    with pytest.raises(CalibrationError, match="0 pulses"):
        ValveCalibration("valve_left", DAY, 30, (Weighing(20_000, 0, 0.2),))


def test_a_file_gives_back_what_was_saved(tmp_path):
    path = tmp_path / "valves.toml"
    left = calibration(1.9, 3.9, 7.9, 15.9)
    right = ValveCalibration("valve_right", DAY, 7, left.weighings)
    save(path, {"valve_left": left, "valve_right": right})
    assert load(path) == {"valve_left": left, "valve_right": right}
    assert [entry.name for entry in tmp_path.iterdir()] == ["valves.toml"]


WEIGHED = """\
[valve_left]
weighed_on = 2026-01-31
expires_after_days = 30
weighings = [
  { width_ms = 20, pulses = 100, grams = 0.2 },
  { width_ms = 40.0, ul_per_pulse = 4 },
  { width_ms = 80.0, ul_per_pulse = 8.0 },
]
"""


def test_weights_and_volumes_can_stand_beside_each_other(tmp_path):
    (tmp_path / "valves.toml").write_text(WEIGHED)
    assert load(tmp_path / "valves.toml")["valve_left"].rate_ul_per_ms == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("written", "instead", "reason"),
    [
        ("2026-01-31", '"yesterday"', "weighed_on: expected a day such as 2026-01-31"),
        ("2026-01-31", "2026-01-31T12:00:00", "weighed_on: expected a day"),
        ("2026-01-31", "2026-01-32", "not valid TOML"),
        ("= 30", "= 30.5", "expires_after_days: expected a whole number"),
        ("= 30", "= 0", "give at least 1"),
        ("expires_after_days", "expires", "expected a table with expires_after_days"),
        ("width_ms = 20", "width_us = 20", r"weighings.0: expected a table with grams, pulses"),
        ("pulses = 100", "pulses = 99.5", "pulses: expected a whole number"),
        ("grams = 0.2", 'grams = "0.2"', r"grams: expected a number, got '0.2'"),
        ("grams = 0.2", "grams = nan", "all three must be above 0"),
        ("[valve_left]", "valve_left = 3\n[other]", r"\[valve_left\]: expected a table"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_file_and_valve(tmp_path, written, instead, reason):
    path = tmp_path / "valves.toml"
    path.write_text(WEIGHED.replace(written, instead))
    with pytest.raises(CalibrationError, match=reason) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_names_the_remedy(tmp_path):
    with pytest.raises(CalibrationError, match="no such file; weigh"):
        load(tmp_path / "none.toml")


def test_a_save_that_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "valves.toml"
    path.write_text(WEIGHED)
    (tmp_path / "valves.toml.partial").mkdir()
    with pytest.raises(CalibrationError, match="can't be written"):
        save(path, load(path))
    assert path.read_text() == WEIGHED

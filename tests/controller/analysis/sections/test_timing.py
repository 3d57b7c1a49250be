"""Times of a rig: clocks against each other, what was missed, what the program needed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from session_stores import S, experiment, sessions, trial, write_session

from controller.analysis.figure_files import figure
from controller.analysis.plots.style import style
from controller.analysis.record import describe
from controller.analysis.sections import timing
from controller.analysis.sections.timing import TIMING
from controller.analysis.source import open_source

DRIFT_PPM, DELAY_US = 80.0, 9_000


def told(source):
    return describe(source, (TIMING,)).get("timing")


def flipped(count, *, jitter_us=0.0, boot_us=3_600_000_000, drift_ppm=DRIFT_PPM, seed=0):
    """Trials with flips on a device whose clock goes fast, each some jitter late."""
    random = np.random.default_rng(seed)
    host_ns = np.cumsum(random.integers(5 * S, 9 * S, count)) + 10**15
    late_us = DELAY_US + random.normal(size=count) * jitter_us
    device_us = boot_us + (host_ns - host_ns[:1]) / 1e3 * (1 + drift_ppm * 1e-6) + late_us
    return [
        trial(int(host - 10**15), flip_ns=int(host), photodiode_us=round(device))
        for host, device in zip(host_ns, device_us, strict=True)
    ]


def one(tmp_path, frames):
    (session,) = told(open_source(write_session(tmp_path / "s", frames)))["sessions"]
    return session


def test_the_drift_of_the_clocks_is_found_and_what_is_left_is_jitter(tmp_path):
    frames = flipped(200, jitter_us=1500)
    light = one(tmp_path, frames)["light"]
    host = np.array([frame.flip_ns - frames[0].flip_ns for frame in frames]) / 1e9
    device = np.array([frame.photodiode_us - frames[0].photodiode_us for frame in frames]) / 1e6
    slope, level = np.polyfit(host, device - host, 1)
    left_ms = np.abs(device - host - level - slope * host) * 1e3
    assert light["drift_ppm"] == pytest.approx(slope * 1e6, rel=1e-6)
    assert light["drift_ppm"] == pytest.approx(DRIFT_PPM, abs=2)
    assert (light["n"], light["pairs"], light["far"]) == (200, 200, 0)
    for name, quantile in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99), ("max_ms", 1)):
        assert light[name] == pytest.approx(np.quantile(left_ms, quantile), rel=1e-5)


def test_a_constant_delay_is_no_jitter(tmp_path):
    light = one(tmp_path, flipped(20))["light"]
    assert light["max_ms"] < 0.01
    assert light["drift_ppm"] == pytest.approx(DRIFT_PPM, abs=0.1)


def test_an_edge_of_another_flip_does_not_bend_the_line(tmp_path):
    frames = flipped(100, jitter_us=200)
    frames[90] = replace(frames[90], photodiode_us=frames[90].photodiode_us + 2_000_000)
    light = one(tmp_path, frames)["light"]
    assert light["far"] == 1
    assert light["drift_ppm"] == pytest.approx(DRIFT_PPM, abs=1)
    assert light["max_ms"] == pytest.approx(2000, abs=2)


def test_after_a_restart_of_the_device_its_clock_is_another(tmp_path):
    frames = flipped(50, boot_us=10**10, drift_ppm=10)
    later = flipped(30, boot_us=5_000_000, seed=1)
    frames += [replace(frame, flip_ns=frame.flip_ns + 10**13) for frame in later]
    light = one(tmp_path, frames)["light"]
    assert light["pairs"] == 30
    assert light["drift_ppm"] == pytest.approx(DRIFT_PPM, abs=0.1)


def test_flips_that_nobody_saw_are_counted(tmp_path):
    frames = flipped(10)
    frames[3] = replace(frames[3], photodiode_us=-1)
    frames[4] = replace(frames[4], flip_ns=-1)
    session = one(tmp_path, frames)
    assert (session["trials"], session["flips"], session["flips_without_edge"]) == (10, 9, 1)
    assert session["light"]["pairs"] == 8


def test_without_a_photodiode_the_clocks_are_unknown(tmp_path):
    frames = [replace(frame, photodiode_us=-1) for frame in flipped(10)]
    numbers = told(open_source(write_session(tmp_path / "s", frames)))
    light = numbers["sessions"][0]["light"]
    assert (light["n"], light["drift_ppm"], light["p99_ms"]) == (0, None, None)
    names = [panel["name"] for panel in TIMING.pictures[0].panels(numbers)]
    assert names == ["overhead_ms", "interval_s"]


def test_dropped_frames_and_missing_events_are_summed(tmp_path):
    frames = [
        trial(number * S, dropped_frames=dropped, missing_events=missing)
        for number, (dropped, missing) in enumerate([(0, 0), (3, 1), (0, 0), (1, 0)])
    ]
    session = one(tmp_path, frames)
    assert session["dropped_frames"] == {"sum": 4, "trials": 2, "most": 3}
    assert session["missing_events"] == {"sum": 1, "trials": 1, "most": 1}


def test_overhead_and_pace_are_those_of_the_rows(tmp_path):
    random = np.random.default_rng(3)
    ends_ns = np.cumsum(random.integers(2 * S, 9 * S, 60))
    overhead_us = random.lognormal(6, 1, 60)
    overhead_us[0] = 2e6
    frames = [
        trial(int(at), overhead_us=float(us)) for at, us in zip(ends_ns, overhead_us, strict=True)
    ]
    session = one(tmp_path, frames)
    assert session["overhead"]["before_first_ms"] == 2000
    assert session["overhead"]["n"] == session["interval"]["n"] == 59
    for quantile in (0.5, 0.95, 0.99):
        name = f"p{100 * quantile:.0f}"
        ms, s = (
            np.quantile(overhead_us[1:] / 1e3, quantile),
            np.quantile(np.diff(ends_ns), quantile),
        )
        assert session["overhead"][f"{name}_ms"] == pytest.approx(ms)
        assert session["interval"][f"{name}_s"] == pytest.approx(s / 1e9)
    assert session["overhead"]["max_ms"] == pytest.approx(overhead_us[1:].max() / 1e3)


def test_a_histogram_has_every_trial_in_it(tmp_path):
    written = [{"frames": flipped(count, jitter_us=900, seed=count)} for count in (40, 25)]
    numbers = told(sessions(tmp_path / "e", *written))
    for name, left_out in (("overhead_ms", 2), ("interval_s", 2), ("light_ms", 0)):
        histogram = numbers["histograms"][name]
        assert sum(histogram["counts"]) == histogram["n"] == 65 - left_out
        assert len(histogram["edges"]) == len(histogram["counts"]) + 1
        assert np.all(np.diff(histogram["edges"]) > 0)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_session_that_hardly_began_is_described(tmp_path, count):
    session = one(tmp_path, flipped(count))
    assert session["interval"]["n"] == max(0, count - 1)
    assert session["light"]["drift_ppm"] is None
    assert session["overhead"]["max_ms"] == (0.5 if count == 2 else None)


def test_without_sessions_there_is_nothing_to_say(tmp_path):
    assert told(open_source(experiment(tmp_path / "e"))) is None


def test_everything_is_drawn_and_the_tables_are_the_latest_sessions(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "SHOWN", 2)
    written = [{"frames": flipped(4, seed=number)} for number in range(4)]
    numbers = told(sessions(tmp_path / "e", *written))
    json.dumps(numbers, allow_nan=False)
    for table in TIMING.tables(numbers):
        assert len(table.rows) == 2
        assert table.rows[-1][0] == numbers["sessions"][-1]["name"]
        assert "2 more" in table.note
    (picture,) = TIMING.pictures
    with style():
        drawn = figure(picture, numbers)
    assert [axes.get_xlabel() for axes in drawn.axes][3] == "session"
    medians = drawn.axes[3].lines[1].get_ydata()
    assert list(medians) == [one["overhead"]["p50_ms"] for one in numbers["sessions"]]
    axes = picture.draw(Figure().add_subplot(), picture.panels(numbers)[0])
    (stairs,) = axes.patches
    assert stairs.get_data().values.sum() == numbers["histograms"]["overhead_ms"]["n"]

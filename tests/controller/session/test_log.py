"""What a session writes down is read again as it was, by whoever opens its store."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from controller.session.clock import VirtualClock
from controller.session.log import SessionLog
from controller.store import (
    OUTCOMES,
    SESSION_EVENTS,
    SESSION_PHASES,
    History,
    Layout,
    SessionEventFrame,
    Store,
    TrialFrame,
    read,
)
from hardware.interface import Edge, Event, Flip, Present, Pulsed, Trial, TrialReport, Wait
from hardware.messages import Outcome
from learners.animal import TrialRequest
from protocols.assignment import Assignment
from protocols.schedule import NO_STIMULUS, Planned
from protocols.trials import Phase, Response

ROOT = Path(__file__).parents[3]
S = 10**9
LINES = ["lick_left", "lick_right", "valve_left", "air"]
WATER = Pulsed("valve_left", 11, 2_500_000, 40_000, cut=False)
PUFF = Pulsed("air", 12, 2_600_000, 30_000, cut=True)
ASSIGNMENT = Assignment(
    2, 7, 3, 1, np.zeros((2, 3), "f4"), np.zeros(2, "f4"), np.zeros((4, 3), "f4"), 5
)
STIMULUS = np.array([0.25, -0.5, 1.0], "f4")
TRIAL = Present(Trial({}, window_us=10**6))
EVENT = Event(
    TRIAL,
    9 * S,
    trial=TrialReport(10, Outcome.RESPONDED, "lick_left", 2_000_000, 2_000_100, 2_300_000),
    flip=Flip(8 * S, 2, photodiode_us=2_000_000),
    edges=(Edge("lick_left", True, 2_300_000, 1), Edge("lick_left", False, 2_310_000, 2)),
    pulsed=(WATER, PUFF),
    missing_events=1,
)
LICKED = Response(0.75, Outcome.RESPONDED, line="lick_left", latency_us=300_000, licks=4)
SILENT = Response(None, Outcome.NO_GO, flaw="no go")


def asked(index=4, phase=Phase.TRAINING, stimulus=1, label=-0.5):
    return TrialRequest(index, Planned(phase, stimulus, 0.5), STIMULUS, label)


def volume_ul(pulsed):
    return pulsed.width_us / 10_000 if pulsed.line == "valve_left" else None


class Now:
    us = 100 * 10**6


@pytest.fixture
def log(tmp_path):
    layout = Layout(stimulus_dim=3, theta_dim=1, theta_log="none", kind="session")
    store = Store.create(tmp_path / "s", document="x", header={"lines": LINES}, layout=layout)
    clock = VirtualClock(0, lambda: Now.us)
    Now.us = 100 * 10**6
    with store:
        yield SessionLog(store, clock, LINES, volume_ul)


@pytest.fixture
def tables(tmp_path, log):
    """Close the store and read it."""

    def get():
        log._store.close("finished")
        return read(tmp_path / "s")

    return get


def test_a_trial_is_read_as_it_was(log, tables):
    Now.us += 5_000_000
    log.trial(ASSIGNMENT, asked(), LICKED, [EVENT], 123.5)
    assert log.trials == 1
    tree = tables()
    trials = {name: values.to_numpy()[0] for name, values in tree["trials"].data_vars.items()}
    wanted = {
        "t_ns": 5 * S,
        "t_device_us": 2_000_000,
        "stage": 2,
        "generation": 7,
        "slot": 3,
        "attempt": 1,
        "index": 4,
        "phase": SESSION_PHASES.index("training"),
        "stimulus": 1,
        "label": -0.5,
        "answer": 0.75,
        "outcome": OUTCOMES.index("responded"),
        "line": LINES.index("lick_left"),
        "latency_us": 300_000.0,
        "licks": 4,
        "volume_ul": 4.0,
        "missing_events": 1,
        "flip_ns": 8 * S,
        "photodiode_us": 2_000_000,
        "dropped_frames": 2,
        "overhead_us": 123.5,
    }
    assert {name: trials[name] for name in wanted} == wanted
    assert trials["x"].tolist() == STIMULUS.tolist()
    assert set(trials) == {*wanted, "x"}


def test_edges_and_pulses_of_a_trial_refer_to_it(log, tables):
    log.trial(ASSIGNMENT, asked(), SILENT, [], 0.0)
    log.trial(ASSIGNMENT, asked(), LICKED, [Event(Wait(1.0), S), EVENT], 0.0)
    tree = tables()
    edges, pulses = tree["edges"], tree["pulses"]
    assert edges["trial"].to_numpy().tolist() == [1, 1]
    assert edges["line"].to_numpy().tolist() == [0, 0]
    assert edges["level"].to_numpy().tolist() == [1, 0]
    assert edges["t_device_us"].to_numpy().tolist() == [2_300_000, 2_310_000]
    assert pulses["trial"].to_numpy().tolist() == [1, 1]
    assert pulses["line"].to_numpy().tolist() == [2, 3]
    assert pulses["id"].to_numpy().tolist() == [11, 12]
    assert pulses["width_us"].to_numpy().tolist() == [40_000, 30_000]
    assert pulses["cut"].to_numpy().tolist() == [0, 1]
    np.testing.assert_array_equal(pulses["volume_ul"], [4.0, np.nan])


def test_what_did_not_happen_is_said_so(log, tables):
    nothing = TrialRequest(0, Planned(Phase.CATCH, NO_STIMULUS, 0.5), None, None)
    log.trial(ASSIGNMENT, nothing, SILENT, [Event(TRIAL, S)], 0.0)
    trials = {name: values.to_numpy()[0] for name, values in tables()["trials"].data_vars.items()}
    for name in ("label", "answer", "latency_us"):
        assert np.isnan(trials[name])
    for name in ("line", "flip_ns", "photodiode_us", "t_device_us", "stimulus"):
        assert trials[name] == -1
    assert np.isnan(trials["x"]).all()
    assert trials["volume_ul"] == 0.0
    assert trials["phase"] == SESSION_PHASES.index("catch")


def test_lines_that_nobody_named_are_none(log, tables):
    odd = Event(TRIAL, S, edges=(Edge("door", True, 5, 1),))
    log.trial(ASSIGNMENT, asked(), LICKED, [odd], 0.0)
    assert tables()["edges"]["line"].to_numpy().tolist() == [-1]


def test_an_event_knows_the_trials_before_it_and_its_pulses_belong_to_none(log, tables):
    log.event("session_started")
    log.trial(ASSIGNMENT, asked(), LICKED, [], 0.0)
    Now.us += 1_000_000
    log.event("free_reward", value=4.0, pulsed=[WATER])
    tree = tables()
    kinds = [SESSION_EVENTS[kind] for kind in tree["events"]["kind"].to_numpy()]
    assert kinds == ["session_started", "free_reward"]
    assert tree["events"]["trial"].to_numpy().tolist() == [-1, 0]
    assert tree["events"]["t_ns"].to_numpy().tolist() == [0, S]
    np.testing.assert_array_equal(tree["events"]["value"], [np.nan, 4.0])
    assert tree["pulses"]["trial"].to_numpy().tolist() == [-1]


@pytest.mark.parametrize("text", ["", "schläft, 3 µl", "日本語 🐁", "half \udce4 letter"])
def test_a_note_keeps_its_words(log, tmp_path, text):
    log.event("note", text=text)
    with History(tmp_path / "s") as history:
        ((_, frame),) = history.frames()
    assert isinstance(frame, SessionEventFrame)
    assert frame.words == text.replace("\udce4", "?")


def test_it_is_durable_when_the_call_returns(log, tmp_path):
    log.event("session_started")
    log.trial(ASSIGNMENT, asked(), LICKED, [EVENT], 0.0)
    with History(tmp_path / "s") as history:
        kinds = [type(frame) for _, frame in history.frames()]
    assert kinds == [SessionEventFrame, TrialFrame]


def test_an_event_that_there_is_not_is_refused(log):
    with pytest.raises(ValueError, match="not in tuple"):
        log.event("lunch")
    assert log._store.last_seq == 0


def test_an_event_that_can_wait_is_stored_with_what_comes_next_and_before_it(log, tmp_path):
    log.event("episode_started", value=3, with_next=True)
    log.event("note", text="first", with_next=True)
    assert log._store.last_seq == 0
    log.trial(ASSIGNMENT, asked(), LICKED, [EVENT], 0.0)
    with History(tmp_path / "s") as history:
        frames = [frame for _, frame in history.frames()]
    assert [type(one) for one in frames] == [SessionEventFrame, SessionEventFrame, TrialFrame]
    assert frames[0].trial == -1


def test_no_part_of_a_session_imports_jax():
    code = """
        import importlib, pkgutil, sys
        import controller.session, controller.store, controller.session as package
        names = [one.name for one in pkgutil.iter_modules(package.__path__)]
        for name in names:
            importlib.import_module(f"controller.session.{name}")
        print(len(names), [name for name in ("jax", "jaxlib", "equinox") if name in sys.modules])
    """

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    count, found = done.stdout.split(maxsplit=1)
    assert int(count) >= 13
    assert found.strip() == "[]"

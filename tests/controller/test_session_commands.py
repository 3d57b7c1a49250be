"""Sessions from the command line: rehearsals end in a table, and what can't begin says why."""

import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from controller.session.on_rig import sessions_of
from controller.store import History, read, status
from hardware.reward_ledger import RewardLedger

SHORT = (
    *("--set", "stages.generations=3", "--set", "stages.count=1"),
    *("--set", "episode.train=3", "--set", "episode.test=4"),
)
BOARD = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")


def biasloop(*arguments, **options):
    command = [sys.executable, "-m", "controller.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def lab(tmp_path):
    """A laboratory with one animal."""
    run = biasloop("subject", "new", "m1", "--weight-g", "25", "--lab", str(tmp_path / "lab"))
    assert run.returncode == 0, run.stderr
    return tmp_path / "lab"


def run(lab, *arguments, rig="simavr", protocol="animal"):
    common = ("--rig", rig, "--lab", str(lab), "--out", str(lab.parent / "experiment"))
    return biasloop("run", protocol, *common, *arguments, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """A finished experiment on the emulated rig."""
    folder = tmp_path_factory.mktemp("rehearsal") / "experiment"
    done = biasloop("dryrun", "animal", "--rig", "emulated", *SHORT, "--out", str(folder))
    assert done.returncode == 0, done.stderr
    return folder, done


def test_a_rehearsal_ends_in_a_table_that_says_what_it_is(rehearsed):
    folder, done = rehearsed
    assert "on an EMULATED rig" in done.stdout
    assert status(folder)["origin"] == "emulated"
    (session,) = sessions_of(folder)
    assert status(session)["rows"]["trials"] == 3 * 2 * 7
    assert status(session)["exit_status"] == "finished"


def test_sessions_are_listed_with_their_slots(rehearsed):
    folder, _ = rehearsed
    listed = biasloop("sessions", str(folder))
    assert "42 trials  finished" in listed.stdout
    assert "0 slots leased" in listed.stdout


def test_a_bundle_has_what_explains_a_fault_and_no_theta(rehearsed, tmp_path):
    folder, _ = rehearsed
    path = tmp_path / "bundle.zip"
    assert biasloop("bundle", str(folder), "--out", str(path)).returncode == 0
    with zipfile.ZipFile(path) as packed:
        names = set(packed.namelist())
        trials = packed.read("trials.csv").decode().splitlines()
        events = packed.read("events.txt").decode()
    assert {"versions.json", "session/header.json", "session/rig.toml"} <= names
    assert "theta.npy" not in names
    assert len(trials) == 1 + 42
    assert "session_started" in events
    assert "made_safe" in events
    again = biasloop("bundle", str(folder), "--out", str(path))
    assert again.returncode == 1
    assert "give another file" in again.stderr
    with_theta = tmp_path / "theta.zip"
    assert biasloop("bundle", str(folder), "--out", str(with_theta), "--theta").returncode == 0
    with zipfile.ZipFile(with_theta) as packed:
        assert "theta.npy" in packed.namelist()


def test_an_emulated_experiment_can_t_be_gone_on_with_an_animal(rehearsed, lab):
    folder, _ = rehearsed
    refused = biasloop(
        *("run", "animal", "--rig", "simavr", "--subject", "m1", "--weight-g", "25"),
        *("--lab", str(lab), "--out", str(folder), "--no-check"),
        stdin=subprocess.DEVNULL,
    )
    assert refused.returncode == 1
    assert "would be taken for each other" in refused.stderr


def test_resume_refuses_answers_that_no_simulated_learner_gave(rehearsed):
    folder, _ = rehearsed
    refused = biasloop("resume", str(folder))
    assert refused.returncode == 1
    assert "of origin 'emulated'" in refused.stderr
    assert f"--out {folder}" in refused.stderr


def test_a_rehearsal_that_goes_on_begins_after_its_last_session(tmp_path):
    out = ("--out", str(tmp_path / "experiment"), "--sessions", "2", "--no-control")
    short = ("--set", "session.trials=3", "--set", "session.schedule.warm_up=0", *SHORT)
    for _ in range(2):
        done = biasloop("dryrun", "animal", "--rig", "emulated", *short, *out)
        assert done.returncode == 130, done.stderr
        assert "`biasloop dryrun animal --rig emulated --out" in done.stderr
    began = [History(one).header["created_ns"] for one in sessions_of(tmp_path / "experiment")]
    assert np.diff(began).min() >= 24 * 3600 * 10**9
    assert len(began) == 4


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--subject", "../x", "--weight-g", "25"), 1, "can't be a subject's name"),
        (("--subject", "<b>", "--weight-g", "25"), 1, "can't be a subject's name"),
        (("--subject", "m9", "--weight-g", "25"), 1, "no limits for subject m9"),
        (("--subject", "m1"), 1, "its weight is missing"),
        (("--subject", "m1", "--weight-g", "15"), 1, "it isn't run today"),
        (("--subject", "m1", "--weight-g", "25", "--set", "episode.train=x"), 2, "episode.train"),
    ],
)
def test_what_can_t_begin_says_why(lab, arguments, code, words):
    refused = run(lab, *arguments)
    assert refused.returncode == code, refused.stderr
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_protocol_without_a_session_is_refused(lab):
    refused = run(lab, "--subject", "m1", "--weight-g", "25", protocol="default")
    assert refused.returncode == 1
    assert "biasloop new PATH --from animal" in refused.stderr


def test_a_rig_that_is_no_board_is_refused(lab):
    refused = run(lab, "--subject", "m1", "--weight-g", "25", rig="emulated")
    assert refused.returncode == 1
    assert "dryrun PROTOCOL --rig emulated" in refused.stderr


@BOARD
def test_a_protocol_that_doesn_t_fit_the_rig_lists_all_that_is_wrong(lab):
    refused = run(lab, "--subject", "m1", "--weight-g", "25", "--no-check")
    assert refused.returncode == 1
    assert "'valve_left' is no output of the rig simavr" in refused.stderr
    assert "has no [mapping]" in refused.stderr
    written = (lab / "subjects" / "m1" / "refusals.tsv").read_text()
    assert "has no [mapping]" in written


def test_an_animal_in_another_session_is_refused(lab):
    from controller.session.subjects import find

    lock = find(lab, "m1").hold()
    try:
        refused = run(lab, "--subject", "m1", "--weight-g", "25")
    finally:
        lock.release()
    assert refused.returncode == 1
    assert "is in another session already" in refused.stderr


def test_what_an_animal_had_today_is_said(lab):
    said = biasloop("subject", "today", "m1", "--lab", str(lab))
    assert "give 800 µl by hand" in said.stdout


@BOARD
@pytest.mark.needs("Xvfb")
def test_a_simulated_animal_runs_on_the_flashed_program_before_a_real_window(tmp_path):
    folder = tmp_path / "experiment"
    quick = ("delay_s=0.1", "window_s=0.4", "full=5", "interval_s=0.2")
    settings = [part for one in quick for part in ("--set", f"session.plan.{one}")]
    done = biasloop(
        *("dryrun", "animal", "--rig", "simavr_screen", *SHORT, *settings),
        *("--set", "session.trials=10", "--sessions", "1", "--out", str(folder)),
        env={name: value for name, value in os.environ.items() if name != "DISPLAY"},
    )
    assert done.returncode == 130, done.stderr  # asked to stop after one session
    (session,) = sessions_of(folder)
    state = status(session)
    assert (state["exit_status"], state["origin"], state["live"]) == ("trials", "simavr", True)
    tables = read(session)
    trials = tables["trials"]
    assert trials.sizes["trial"] == 10
    assert np.all(trials["photodiode_us"].values >= 0)
    assert np.any(trials["licks"].values > 0)
    trained = np.isfinite(trials["label"].values)
    assert np.array_equal(trials["volume_ul"].values > 0, trained)
    # what the plan asked, to the valve's resolution
    asked_ul = 1 + 2 * (1 + trials["label"].values[trained])
    np.testing.assert_allclose(trials["volume_ul"].values[trained], asked_ul, atol=0.02)
    (path,) = (folder / "lab" / "rewards").glob("*.sqlite")
    with RewardLedger(path) as ledger:
        total = ledger.totals()["valve_left"]
    pulses = tables["pulses"]
    assert total.pulses == pulses.sizes["pulse"] == trained.sum()
    assert total.on_us == int(pulses["width_us"].values.sum())


def test_the_process_that_runs_the_trials_needs_no_jax():
    code = (
        "import sys, controller.session.on_rig, controller.session_commands; "
        "print([name for name in ('jax', 'equinox') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

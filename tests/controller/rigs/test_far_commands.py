"""`biasloop rig serve`, `biasloop run --scheduler`: on the flashed program, and what is refused."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from far_world import Network

from controller.rigs.loan import Out, outstanding, record
from controller.session.on_rig import sessions_of
from controller.store import History, read, status
from hardware.virtual_screen import VirtualScreen
from protocols.rig_document import load_rig
from protocols.rigs import ready

QUICK = (
    *("--set", "stages.generations=2", "--set", "stages.count=1"),
    *("--set", "episode.train=3", "--set", "episode.test=4"),
    *("--set", "session.plan.delay_s=0.1", "--set", "session.plan.window_s=0.3"),
    *("--set", "session.plan.full=5", "--set", "session.plan.interval_s=0.2"),
)


def command(*arguments):
    return [sys.executable, "-m", "controller.cli", *map(str, arguments)]


def biasloop(*arguments):
    run = command(*arguments)
    return subprocess.run(
        run, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def lab(tmp_path):
    """A laboratory with one animal."""
    made = biasloop("subject", "new", "m1", "--weight-g", "25", "--lab", tmp_path / "lab")
    assert made.returncode == 0, made.stderr
    return tmp_path / "lab"


def test_a_scheduler_of_another_computer_is_refused_without_tls(lab):
    far = ("--scheduler", "tcp://192.0.2.1:8786", "--lab", lab)
    served = biasloop("rig", "serve", "simavr", *far)
    run = biasloop("run", "animal", "--rig", "ANY", "--subject", "m1", "--weight-g", "25", *far)
    for refused in (served, run):
        assert refused.returncode == 1
        assert "not encrypted" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_an_animal_whose_session_is_out_isn_t_run_here_meanwhile(lab, tmp_path):
    experiment = tmp_path / "experiment"
    experiment.mkdir()
    record(experiment, Out("s1_m1", "box1", "m1"))
    here = ("--rig", "simavr", "--subject", "m1", "--weight-g", "25", "--lab", lab)
    refused = biasloop("run", "animal", *here, "--out", experiment)
    assert refused.returncode == 1
    assert "m1's session s1_m1 is out at the rig box1" in refused.stderr


@pytest.mark.slow
@pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr", "Xvfb")
def test_an_experiment_runs_on_the_flashed_program_of_a_rig_elsewhere(lab, tmp_path):
    network = Network(tmp_path)
    experiment = tmp_path / "colours"
    # without an animal's eyes in it, nobody sees a photodiode's patch
    text, valves = ready()["simavr_screen"].read_text("utf-8"), Path("valves/emulated.toml")
    for line in (
        'photodiode = "photodiode"\n',
        'patch = { corner = "bottom right", size_px = 60 }',
    ):
        assert line in text
        text = text.replace(line, "")
    path = tmp_path / "rig.toml"
    path.write_text(text.replace(str(valves), str(ready()["simavr_screen"].parent / valves)))
    _, settings = load_rig(path)
    try:
        network.scheduler()
        with VirtualScreen(settings.screen) as screen:
            serve = ("rig", "serve", path, "--scheduler", network.address)
            rig = subprocess.Popen(
                command(*serve, "--lab", tmp_path / "rig", "--no-check"),
                env={**os.environ, "DISPLAY": screen.display},
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                while "waits for sessions" not in (line := rig.stderr.readline()):
                    assert line, "the rig ended"
                far = ("--rig", "ANY", "--scheduler", network.address, "--lab", lab)
                animal = ("--subject", "m1", "--weight-g", "25", "--no-check")
                done = biasloop("run", "animal", *animal, *far, *QUICK, "--out", experiment)
                assert done.returncode == 0, done.stderr
                rig.send_signal(signal.SIGINT)
                assert rig.wait(90) == 0
            finally:
                rig.kill()
                rig.wait()
                rig.stderr.close()
    finally:
        network.close()
    assert "finished: the experiment is over" in done.stdout
    assert outstanding(experiment) == []
    assert status(experiment)["exit_status"] == "finished"
    (session,) = sessions_of(experiment)
    with History(session) as history:
        assert history.header["rig"] == settings.name
        assert history.header["document_sha256"]
    # two generations in one session: the second was sent when the first was answered
    assert read(session)["trials"].sizes["trial"] == 2 * 2 * 7
    said = biasloop("subject", "today", "m1", "--lab", lab)
    given_ul = float(read(session)["trials"]["volume_ul"].sum())
    assert f"m1: {given_ul:.0f} µl" in said.stdout

"""`biasloop plan`, as a user has it; small documents and few runs."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from controller.document import STRATEGIES, load_experiment
from controller.strategies.base import AbstractStrategy
from protocols.library import ready
from sims.budget import changes
from sims.budget.command import plan
from sims.budget.ease import Ease
from sims.budget.plausible import LEARNERS, Source, possible
from sims.budget.work import Task, perform

ROOT = Path(__file__).parents[2]
SMALL = [
    *("--set", "stages.count=1", "--set", "stages.generations=60"),
    *("--set", 'strategy={kind="iterated"}', "--set", "episode.common_stimuli=false"),
    *("--learners", "documented", "--runs", "9", "--no-changes", "--jobs", "1"),
]


def planned(*arguments, cwd=None):
    app = Typer()
    app.command()(plan)
    before = Path.cwd()
    os.chdir(cwd or before)
    try:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])
    finally:
        os.chdir(before)


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for one in value for number in numbers(one)]
    return [value] if isinstance(value, int | float) else []


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("budget") / "out"
    done = planned("default", *SMALL, "--seed", 5, "--out", folder)
    assert done.exit_code == 0, done.output
    return done, folder


def test_the_first_line_says_trials_days_and_animals(written):
    done, _ = written
    first = done.output.splitlines()[0]
    assert first.startswith("about ")
    assert all(word in first for word in (" trials (", " day", " animal"))


def test_a_budget_leaves_finite_json_and_a_figure(written):
    done, folder = written
    record = json.loads((folder / "budget.json").read_text("utf-8"))
    assert all(math.isfinite(number) for number in numbers(record))
    assert (folder / "budget.png").read_bytes().startswith(b"\x89PNG")
    (learner,) = record["learners"]
    trials = learner["trials"]
    assert trials["low"] <= trials["median"] <= trials["high"]
    assert trials["n"] == 9
    assert trials["median"] % 48 == 0  # whole generations
    assert record["as_written"]["trials"] == 60 * 48
    assert learner["easiest"][0]["functions"] == 3  # first order
    assert 0.2 < learner["reliability"]["decides"] < 1
    assert sorted(path.name for path in folder.iterdir()) == ["budget.json", "budget.png"]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["out"]
    assert str(folder) in done.output.replace("\n", "")


def test_the_same_seed_gives_the_same_budget(written, tmp_path):
    _, folder = written
    again = planned("default", *SMALL, "--seed", 5, "--json", cwd=tmp_path)
    assert json.loads(again.stdout) == json.loads((folder / "budget.json").read_text("utf-8"))
    assert list(tmp_path.iterdir()) == []  # --json writes nothing


def test_a_folder_that_holds_something_is_refused_before_anything_runs(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    begun = time.monotonic()
    done = planned("default", *SMALL, "--out", tmp_path)
    assert done.exit_code == 2
    assert "exists" in done.output
    assert time.monotonic() - begun < 2
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_wrong_name_is_refused_with_the_right_ones():
    done = planned("defualt")
    assert done.exit_code == 2
    assert "default" in done.output
    done = planned("default", "--learners", "mouse")
    assert done.exit_code == 2
    assert "carry_over" in done.output.replace("\n", "")


def test_an_unreliable_protocol_is_refused_with_what_would_help_and_run_anyway(tmp_path):
    noisy = ["default", *SMALL, "--set", "habits.noise=4.0", "--runs", "2", "--out", tmp_path / "a"]
    done = planned(*noisy)
    assert done.exit_code == 1
    assert "reliability" in done.output
    assert "below 0.2" in done.output
    assert "--anyway" in done.output
    assert list(tmp_path.iterdir()) == []
    done = planned(*noisy, "--anyway")
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "a" / "budget.json").read_text("utf-8"))
    assert record["learners"][0]["reliability"]["decides"] < 0.2


def test_a_strategy_that_no_animal_can_serve_is_refused():
    done = planned("fig2c", "--jobs", 1)
    assert done.exit_code == 1
    assert "no animal" in done.output


def test_every_plausible_learner_fits_the_default_and_doubles_are_left_out():
    source = Source(ready()["default"])
    assert [one.name for one in possible(source)] == [one.name for one in LEARNERS]
    binary = source.changed(("habits.binary=true",))
    assert "binary" not in [one.name for one in possible(binary)]
    disk = Source(ready()["fig2b"])
    assert "second_order" not in [one.name for one in possible(disk)]  # no unit vectors


def test_every_strategy_that_can_run_the_document_is_tried():
    source = Source(ready()["default"])
    able, unable = changes.strategies(source, source.load().value)
    tried = {one.name for one in able}
    wanted = {k for k, s in STRATEGIES.items() if issubclass(s, AbstractStrategy)}
    assert tried | set(unable) == wanted - {"es", "random"}
    assert "iterated" in tried
    assert "gradient" in unable
    for one in able:
        load_experiment(source.path, one.overrides)


def test_every_change_of_episodes_is_a_valid_document():
    for name in ("default", "animal", "fig8_network"):
        source = Source(ready()[name])
        found = list(changes.episodes(source, source.load().value))
        assert len(found) >= 4
        for one in found:
            assert source.changed(one.overrides).load().value.stages.count == 1
        assert (name == "fig8_network") == any("harmonics" in one.name for one in found)


def test_a_short_search_ends_when_its_function_is_right_enough():
    source = Source(
        ready()["default"],
        ('strategy={kind="iterated"}', "episode.common_stimuli=false", "stages.generations=200"),
    )
    by_order = Ease(np.array([0.1] * 3 + [1.0] * 5 + [3.0] * 7), np.eye(15))
    done = perform(Task("documented", "x", source, 3, 0.8, by_order, 3))
    for run in done.runs:
        (reached,) = run.reached
        assert run.precision[reached - 1] >= 0.8
        assert all(run.precision[: reached - 1] < 0.8)
        assert len(run.precision) < 200


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_ctrl_c_ends_with_130_and_leaves_nothing(tmp_path):
    command = [sys.executable, "-m", "controller.cli", "plan", "default", "--jobs", "2"]
    running = subprocess.Popen(
        [*command, "--out", str(tmp_path / "out")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    deadline = time.monotonic() + 60
    while len(children.read_text().split()) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)  # two workers, and the tracker of what they share
    workers = [Path("/proc", number) for number in children.read_text().split()]
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does it: to all of them
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "nothing was written" in err
    assert "Traceback" not in err + out
    assert list(tmp_path.iterdir()) == []
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, workers))


def is_running(process):
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

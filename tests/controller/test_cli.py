"""The command line as a user has it: a process, its exit code, its two streams."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from controller.store import status

ROOT = Path(__file__).parents[2]
QUICK = [
    "--set", "stages.generations=6", "--set", "stages.count=1", "--set", "strategy.population=4",
    "--set", "learner.width=12",
]  # fmt: skip


def biasloop(*arguments, cwd=None, timeout=240):
    return subprocess.run(
        [sys.executable, "-m", "controller.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "store"
    done = biasloop("dryrun", *QUICK, "--seed", 3, "--out", folder)
    return folder, done


def test_a_dryrun_ends_in_a_table_the_figures_and_the_store(finished):
    folder, done = finished
    assert done.returncode == 0, done.stderr
    assert "stage" in done.stdout
    assert str(folder / "analysis" / "summary.json") in done.stdout.replace("\n", "")
    assert done.stdout.splitlines()[-1].split() == ["store", str(folder)]
    assert done.stderr == ""  # quiet where there is no terminal


def test_analyse_prints_the_record_alone(finished):
    folder, _ = finished
    done = biasloop("analyse", folder, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["origin"]["exit_status"] == "finished"
    summary = record["functions"]
    assert summary["seed"] == 3
    assert summary["trials_total"] == 6 * 4 * 24
    assert summary["control_trials"] == 0
    (stage,) = summary["stages"]
    wanted = "stage trials episodes share g_over_var control_g_over_var control_share max_cosine"
    assert set(wanted.split()) <= set(stage)
    assert sum(stage["share"].values()) == pytest.approx(1, abs=0.01)


def test_replay_verifies_and_shows_the_history(finished):
    folder, _ = finished
    done = biasloop("replay", folder, "--verify")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("equal: 12 generations")
    assert len(biasloop("replay", folder).stdout.splitlines()) == 13


def test_repair_rebuilds_a_broken_zarr_store(finished):
    folder, _ = finished
    before = biasloop("analyse", folder, "--json").stdout
    (folder / "experiment.zarr" / "zarr.json").write_text("{")
    broken = biasloop("analyse", folder, "--json")
    assert broken.returncode == 1
    assert "biasloop repair" in broken.stderr
    assert biasloop("repair", folder).returncode == 0
    assert biasloop("analyse", folder, "--json").stdout == before


def test_an_existing_folder_is_refused_before_anything_runs(finished):
    folder, _ = finished
    done = biasloop("dryrun", *QUICK, "--out", folder)
    assert done.returncode == 2
    assert str(folder) in done.stderr
    assert "Traceback" not in done.stderr


def test_new_writes_a_document_that_is_valid_and_never_overwrites(tmp_path):
    path = tmp_path / "mine.toml"
    assert biasloop("new", path).returncode == 0
    checked = biasloop("validate", path)
    assert checked.returncode == 0, checked.stderr
    assert "# valid: 15 parameters, 230,400 trials" in checked.stdout
    again = biasloop("new", path)
    assert again.returncode == 2
    assert "exists" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["dryrun", "--sed", "1"], 2, "--seed"),
        (["dryrun", "nonsense"], 2, "ready ones are"),
        (["dryrun", "missing.toml"], 2, "missing.toml"),
        (["validate", "default", "--set", "learner.widht=3"], 2, "did you mean 'width'"),
        (["validate", "default", "--set", "learner.width"], 2, "learner.width"),
        (["analyse", "nowhere"], 1, "nowhere"),
        (["resume", "nowhere"], 1, "nowhere"),
        (["replay", "nowhere", "--verify"], 1, "nowhere"),
        (["repair", "nowhere"], 1, "nowhere"),
    ],
)
def test_wrong_usage_gets_a_message_and_its_code(tmp_path, arguments, code, words):
    done = biasloop(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_does_not_import_jax():
    code = "import sys, controller.cli; print('jax' in sys.modules, 'zarr' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_first_interrupt_leaves_a_store_that_resume_finishes(tmp_path):
    folder = tmp_path / "store"
    settings = [*QUICK, "--set", "stages.generations=20000"]
    command = [sys.executable, "-m", "controller.cli", "dryrun", *settings, "--out", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (folder / "journal.sqlite").exists() and status(folder)["last_seq"] >= 3:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "biasloop resume" in errors
    state = status(folder)
    assert state["exit_status"] == "interrupted"
    assert state["rows"]["trials"] > 0
    assert biasloop("replay", folder, "--verify").returncode == 0


def test_a_store_that_another_process_writes_is_refused(finished):
    from controller.store import Store

    folder, _ = finished
    with Store.open(folder):
        done = biasloop("resume", folder)
        assert done.returncode == 1
        assert str(os.getpid()) in done.stderr


def test_a_run_that_is_killed_again_and_again_equals_the_unbroken_one(tmp_path):
    from controller.store import read

    settings = ["--set", "stages.generations=4000", *QUICK[2:], "--set", "log.theta=none"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert biasloop("dryrun", *settings, "--out", whole).returncode == 0
    command, kills, seen = ["dryrun", *settings, "--out", str(broken)], 0, 0
    while kills < 4:
        process = subprocess.Popen(
            [sys.executable, "-m", "controller.cli", *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None:
            if (broken / "journal.sqlite").exists() and status(broken)["last_seq"] > seen + 2:
                process.kill()
        process.wait()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        kills, seen = kills + 1, status(broken)["last_seq"]
        command = ["resume", str(broken)]
    assert kills >= 2
    assert biasloop("resume", broken).returncode == 0
    a, b = read(whole), read(broken)
    for name in ("trials", "candidates", "generations", "stages", "stimuli"):
        for column in a[name].variables:
            if column != "t_ns":
                left, right = a[name][column].values, b[name][column].values
                assert np.array_equal(left, right, equal_nan=left.dtype.kind == "f"), column

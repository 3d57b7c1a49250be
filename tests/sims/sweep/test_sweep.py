"""`biasloop sweep`, as a user has it: whole, interrupted, killed, and the same in the end."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from sweep_samples import PATIENCE_S, assert_same, blocks, events, swept, until

from controller.claims import claim, holder
from controller.schedulers import connect
from controller.store import status
from sims.sweep.conduct import Conductor
from sims.sweep.document import load_sweep
from sims.sweep.folder import prepare
from sims.sweep.plan import runs_of
from sims.sweep.row import Row, read_row, write_row
from sims.sweep.work import Task, store_of

LONG = 3000
"""Generations: some seconds."""
NAMES = ["default-seed0", "default-seed1"]
SEEDS = "[0, 1]"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return the folder of a sweep that nobody disturbed."""
    from sweep_samples import SMALL

    folder = tmp_path_factory.mktemp("undisturbed")
    path = folder / "sweep.toml"
    path.write_text(SMALL.format(seeds=SEEDS, generations=LONG, more=""), encoding="utf-8")
    done = swept(path, "--out", folder / "out", "--workers", 1)
    assert done.exit_code == 0, done.output
    return folder / "out", done.output


def conducted(path, out, client):
    """Return a conductor, and the tasks of a document."""
    sweep = load_sweep(path)
    prepare(out, sweep, runs_of(sweep))
    owner = claim(out, "sweep", take_over=True)
    tasks = [Task(run.name, out, run.document, False, owner) for run in runs_of(sweep)]
    return Conductor(client, on_done=lambda _: None), tasks


def at_work(out, names=NAMES):
    """Return a run that has stored something and isn't finished, or None."""
    going = [name for name in names if not read_row(out, name).final and blocks(out, name) > 2]
    return next(iter(going), None)


def worker_of(out, name):
    """Return the process that is at a run."""
    (path,) = (out / "claims").glob(f"{name}.*")
    return holder(path).pid


def test_all_runs_come_together_in_one_table(undisturbed):
    out, output = undisturbed
    with (out / "sweep.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == NAMES
    assert [row["seed"] for row in rows] == ["0", "1"]
    for row in rows:
        assert (row["status"], row["verdict"], row["stage"]) == ("finished", "no_control", "1")
        assert row["protocol"] == "default"
        assert row["learner"] == "random_features"
        assert int(row["trials"]) == LONG * 6 * 11
        assert 0 <= float(row["first_degree_share"]) <= 1
        assert float(row["seconds"]) > 0
        assert row["run"] in output
    content = json.loads((out / "sweep.json").read_text("utf-8"))
    assert [run["summary"]["seed"] for run in content["runs"]] == [0, 1]
    assert (
        content["table"][0]["g_over_var"]
        == content["runs"][0]["summary"]["stages"][0]["g_over_var"]
    )


def test_a_finished_sweep_is_only_shown_and_starts_nothing(undisturbed, monkeypatch):
    out, _ = undisturbed
    monkeypatch.setattr("sims.sweep.clusters.local.connect", None)  # can't be called
    before = {name: events(out, name) for name in NAMES}
    done = swept(out / "sweep.toml", "--out", out)
    assert done.exit_code == 0, done.output
    assert {name: events(out, name) for name in NAMES} == before
    assert all(kinds == ["run_started", "run_finished"] for kinds in before.values())


def test_a_workers_death_runs_its_unfinished_run_again_and_nothing_else(
    undisturbed, document, tmp_path
):
    out = tmp_path / "out"
    with connect(None, workers=2) as client:
        conductor, tasks = conducted(document(SEEDS, generations=LONG), out, client)
        killed = []

        def kill_one():
            name = until(lambda: at_work(out), "a run that stores something")
            os.kill(worker_of(out, name), signal.SIGKILL)
            killed.append(name)

        killer = threading.Thread(target=kill_one)
        killer.start()
        conductor.conduct(tasks, lambda: False)
        killer.join()
    assert len(killed) == 1
    for name in NAMES:
        again = ["run_resumed"] if name in killed else []
        assert events(out, name) == ["run_started", *again, "run_finished"]
    assert_same(out, undisturbed[0], NAMES)


def test_a_sweep_whose_client_is_killed_goes_on_bit_for_bit(
    undisturbed, document, sweeping, tmp_path
):
    path, out = document(SEEDS, generations=LONG), tmp_path / "out"
    first = sweeping(path, "--out", out, "--workers", 1)
    until(lambda: at_work(out), "a run that stores something")
    os.kill(first.process.pid, signal.SIGKILL)  # the client alone; its workers must end with it
    first.ended()
    until(lambda: all(_unheld(out, one) for one in NAMES), "the workers' end")
    done = swept(path, "--out", out, "--workers", 1)
    assert done.exit_code == 0, done.output
    assert_same(out, undisturbed[0], NAMES)


@pytest.mark.slow
def test_ctrl_c_ends_a_sweep_where_it_goes_on_bit_for_bit(
    undisturbed, document, sweeping, tmp_path
):
    path, out = document(SEEDS, generations=LONG), tmp_path / "out"
    first = sweeping(path, "--out", out, "--workers", 2)
    name = until(lambda: at_work(out), "a run that stores something")
    first.interrupt()
    code, output = first.ended()
    assert code == 130, output
    assert "the same command goes on" in output
    assert "Traceback" not in output
    row = read_row(out, name)
    assert row.final or row.reason == "interrupted"
    done = swept(path, "--out", out, "--workers", 2)
    assert done.exit_code == 0, done.output
    assert_same(out, undisturbed[0], NAMES)


def _unheld(out, name):
    place = store_of(out, name)
    return not (place / "experiment.toml").exists() or status(place)["writer"] is None


def test_a_run_that_failed_is_a_row_with_its_reason_and_the_exit_code_says_so(
    undisturbed, document, tmp_path
):
    path, out = document(SEEDS, generations=LONG), tmp_path / "out"
    sweep = load_sweep(path)
    prepare(out, sweep, runs_of(sweep))
    write_row(out, read_row(undisturbed[0], NAMES[0]))
    write_row(out, Row(NAMES[1], "failed", "lower its [learning_rate]", 3.0))
    done = swept(path, "--out", out)
    assert done.exit_code == 1
    assert "1 of 2 runs failed, see the table" in done.output
    assert "failed: lower" in done.output
    with (out / "sweep.csv").open(encoding="utf-8", newline="") as file:
        fine, failed = csv.DictReader(file)
    assert (fine["status"], failed["status"]) == ("finished", "failed")
    assert failed["reason"] == "lower its [learning_rate]"
    assert failed["g_over_var"] == ""


def test_a_sweep_that_is_under_way_is_not_conducted_twice(document, tmp_path):
    path, out = document(), tmp_path / "out"
    sweep = load_sweep(path)
    prepare(out, sweep, runs_of(sweep))
    claim(out, "sweep")
    done = swept(path, "--out", out)
    assert done.exit_code == 1
    assert f"sweep was claimed by process {os.getpid()}" in done.output


def test_another_sweep_is_refused_in_the_same_folder(document, tmp_path):
    out = tmp_path / "out"
    sweep = load_sweep(document())
    prepare(out, sweep, runs_of(sweep))
    done = swept(document("[7]"), "--out", out)
    assert done.exit_code == 1
    assert "holds another sweep" in done.output


def test_an_example_is_written_and_never_over_something(tmp_path):
    path = tmp_path / "mine.toml"
    assert swept("--example", path).exit_code == 0
    assert load_sweep(path).value.seeds == (0, 1)
    again = swept("--example", path)
    assert again.exit_code == 2
    assert swept().exit_code == 2


@pytest.mark.slow
def test_a_schedulers_death_leaves_a_sweep_that_goes_on(undisturbed, document, sweeping, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    address, path, out = (
        f"tcp://127.0.0.1:{port}",
        document(SEEDS, generations=LONG),
        tmp_path / "o",
    )
    dask = [sys.executable, "-m", "distributed.cli"]
    scheduler = subprocess.Popen(
        [
            *dask[:-1],
            "distributed.cli.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--dashboard-address",
            "127.0.0.1:0",
            "--no-dashboard",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    worker = subprocess.Popen(
        [
            *dask[:-1],
            "distributed.cli.dask_worker",
            address,
            "--nthreads",
            "1",
            "--no-dashboard",
            "--host",
            "127.0.0.1",
            "--local-directory",
            str(tmp_path),
            "--death-timeout",
            "60",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        sweep = sweeping(path, "--out", out, "--scheduler", address)
        until(lambda: at_work(out), "a run that stores something")
        scheduler.kill()
        code, output = sweep.ended()
        assert code == 1
        assert "lost the scheduler" in output
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait(timeout=PATIENCE_S)
    done = swept(path, "--out", out, "--workers", 2)
    assert done.exit_code == 0, done.output
    assert_same(out, undisturbed[0], NAMES)

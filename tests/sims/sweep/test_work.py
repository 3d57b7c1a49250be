"""One run of a sweep in a worker, without a scheduler."""

import json
import os
import socket
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from sweep_samples import blocks, events

from controller.claims import claim
from sims.sweep import local_disk, work
from sims.sweep.conduct import Conductor
from sims.sweep.document import load_sweep
from sims.sweep.plan import runs_of
from sims.sweep.row import Row, read_row, write_row
from sims.sweep.work import Outcome, Task, perform, store_of

NAME = "default-seed0"


@pytest.fixture
def task(document, tmp_path):
    """Return a function that makes the task of a small run."""

    def make(**settings):
        (run,) = runs_of(load_sweep(document("[0]", **settings)))
        folder = tmp_path / "out"
        return Task(run.name, folder, run.document, False, claim(folder, "sweep"))

    return make


def test_a_run_leaves_a_store_and_a_row_and_is_never_run_again(task):
    one = task()
    assert perform(one) is Outcome.DONE
    row = read_row(one.folder, NAME)
    assert (row.state, row.reason) == ("finished", "")
    assert row.summary["trials_total"] == 8 * 6 * 11
    before = events(one.folder, NAME)
    assert perform(one) is Outcome.DONE  # a scheduler that lost the result asks again
    assert events(one.folder, NAME) == before == ["run_started", "run_finished"]


def test_a_finished_store_without_its_row_is_only_read(task):
    one = task()
    perform(one)
    first = read_row(one.folder, NAME).summary
    (one.folder / "rows" / f"{NAME}.json").unlink()
    assert perform(one) is Outcome.DONE
    assert read_row(one.folder, NAME).summary == first
    assert events(one.folder, NAME) == ["run_started", "run_finished"]


def test_a_run_that_another_process_is_at_is_left_to_it(task):
    one = task()
    held = claim(one.folder, NAME)
    assert perform(one) is Outcome.BUSY
    assert not store_of(one.folder, NAME).exists()
    held.release()
    assert perform(one) is Outcome.DONE


def test_nothing_is_begun_for_a_client_that_is_gone(task):
    one = task()
    one.owner.release()
    assert perform(one) is Outcome.STOPPED
    assert not store_of(one.folder, NAME).exists()


def test_a_run_ends_where_it_can_be_resumed_when_the_client_goes(task, monkeypatch):
    monkeypatch.setattr(work, "LOOK_S", 0)
    one = task(generations=500)
    watched = work._Watch.__call__

    def goes_meanwhile(watch):
        if blocks(one.folder, NAME) > 2:
            one.owner.release()
        return watched(watch)

    monkeypatch.setattr(work._Watch, "__call__", goes_meanwhile)
    assert perform(one) is Outcome.STOPPED
    row = read_row(one.folder, NAME)
    assert (row.state, row.reason) == ("unfinished", "interrupted")
    again = Task(one.name, one.folder, one.document, False, claim(one.folder, "sweep"))
    monkeypatch.setattr(work._Watch, "__call__", watched)
    assert perform(again) is Outcome.DONE
    assert "run_resumed" in events(one.folder, NAME)
    assert read_row(one.folder, NAME).seconds >= row.seconds


def test_a_learner_that_diverges_is_a_row_with_its_reason(task):
    wild = '[learners]\nwild = { kind="relu_net", hidden=[4], learning_rate=1e12, steps=9 }\n'
    one = task(more=wild)
    assert perform(one) is Outcome.DONE
    row = read_row(one.folder, one.name)
    assert row.state == "failed"
    assert "lower its learning_rate" in row.reason


def test_a_fault_of_the_computer_is_tried_again(task, monkeypatch):
    one = task()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(work, "begin", full)
        assert perform(one) is Outcome.DONE
    row = read_row(one.folder, NAME)
    assert row.state == "unfinished"
    assert "No space left" in row.reason
    assert perform(one) is Outcome.DONE
    assert read_row(one.folder, NAME).state == "finished"


def test_on_a_network_a_run_is_computed_on_a_local_disk_and_brought_there(
    task, tmp_path, monkeypatch
):
    one = task()
    place = store_of(one.folder, NAME)
    monkeypatch.setattr(local_disk, "network_type", lambda _: "nfs")
    monkeypatch.setattr(local_disk.tempfile, "gettempdir", lambda: str(tmp_path / "local"))
    begun = []
    begin = work.begin

    def noted(document, folder, **settings):
        begun.append(folder)
        assert not place.exists()
        return begin(document, folder, **settings)

    monkeypatch.setattr(work, "begin", noted)
    assert perform(one) is Outcome.DONE
    assert begun[0].is_relative_to(tmp_path / "local")
    assert not begun[0].exists()
    assert events(one.folder, NAME) == ["run_started", "run_finished"]


class AtOnce:
    """A client whose workers answer at once, as it was told."""

    def __init__(self, answers):
        self.answers, self.sent = list(answers), []

    def submit(self, function, task, *, key, pure):
        assert function is perform
        assert not pure
        future = Future()
        answer = self.answers.pop(0)
        future.key, future.release = key, lambda: None
        (future.set_exception if isinstance(answer, Exception) else future.set_result)(answer)
        self.sent.append(task)
        return future

    def nthreads(self):
        return {"one": 1}


def conducted(answers, tasks):
    client, done = AtOnce(answers), []
    Conductor(client, on_done=done.append).conduct(tasks, lambda: False)
    return client.sent, done


def test_what_another_process_was_at_is_sent_again(tmp_path, monkeypatch):
    monkeypatch.setattr("sims.sweep.conduct.AGAIN_S", 0.0)
    tasks = [SimpleNamespace(name=name, folder=tmp_path) for name in "ab"]
    sent, done = conducted([Outcome.BUSY, Outcome.DONE, Outcome.BUSY, Outcome.DONE], tasks)
    assert [task.name for task in sent] == ["a", "b", "a", "a"]
    assert [task.name for task in done] == ["b", "a"]


def test_a_run_that_kills_its_workers_is_a_row_that_says_so(tmp_path):
    task = SimpleNamespace(name="a", folder=tmp_path)
    write_row(tmp_path, Row("a", seconds=3.0))
    _, done = conducted([RuntimeError("its workers died")], [task])
    assert done == [task]
    row = read_row(tmp_path, "a")
    assert (row.state, row.reason, row.seconds) == (
        "unfinished",
        "RuntimeError: its workers died",
        3,
    )


def test_a_row_that_is_damaged_counts_as_none(tmp_path):
    write_row(tmp_path, Row("a", state="finished"))
    (tmp_path / "rows" / "a.json").write_text("{", encoding="utf-8")
    assert read_row(tmp_path, "a") == Row("a")


def test_a_claim_of_a_worker_on_another_computer_is_waited_for(task):
    one = task()
    held = claim(one.folder, NAME)
    said = json.loads(held.path.read_text("utf-8"))
    held.path.write_text(json.dumps({**said, "host": f"not-{socket.gethostname()}"}), "utf-8")
    assert perform(one) is Outcome.BUSY
    os.utime(held.path, (1, 1))  # silent for years
    assert perform(one) is Outcome.DONE

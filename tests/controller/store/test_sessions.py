"""Stores of sessions: what goes in comes out, and another process publishes it meanwhile."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from store_samples import (
    assert_same,
    check_agreement,
    fill,
    frame,
    new,
    published,
    session_event,
    session_frame,
    trial,
    words,
)

from controller.store import (
    OUTCOMES,
    SCHEMA_VERSION,
    SESSION_EVENTS,
    SESSION_PHASES,
    Follower,
    History,
    Layout,
    Store,
    StoreCorrupt,
    StoreLocked,
    StoreTooNew,
    WriteFailed,
    read,
    status,
)
from controller.store.fold import ZARR_NAME, read_marker
from controller.store.schema import SESSION_TABLES

HERE = Path(__file__).parent


@pytest.fixture
def session(tmp_path):
    """A session's store, open, which this process doesn't publish."""
    with new(tmp_path / "s", kind="session", followed=True) as store:
        yield store


# what goes in comes out


def test_a_trial_comes_out_as_it_went_in(session):
    session.append([trial(k) for k in range(1, 8)])
    session.close("finished")
    tree = read(session.folder)
    trials, put = tree["trials"], [trial(k) for k in range(1, 8)]
    for column in next(table for table in SESSION_TABLES if table.name == "trials").columns:
        got = trials[column.name]
        assert got.dtype == np.dtype(column.dtype)
        wanted = np.array([getattr(one, column.name) for one in put], column.dtype)
        np.testing.assert_array_equal(got, wanted, err_msg=column.name)
    assert trials["x"].dims == ("trial", "feature")
    for name, prefix in (("edges", "edge"), ("pulses", "pulse")):
        for column in tree[name].data_vars:
            if column == "trial":
                counts = [len(getattr(one, f"{prefix}_line")) for one in put]
                wanted = np.repeat(np.arange(7), counts)
            else:
                wanted = np.concatenate([getattr(one, f"{prefix}_{column}") for one in put])
            np.testing.assert_array_equal(tree[name][column], wanted, err_msg=column)


def test_codes_say_what_they_mean(session):
    session.append([trial(1), session_event(2, {"trials": 1})])
    session.close("finished")
    tree = read(session.folder)
    for table, column, names in (
        ("trials", "phase", SESSION_PHASES),
        ("trials", "outcome", OUTCOMES),
        ("events", "kind", SESSION_EVENTS),
        ("edges", "level", ("low", "high")),
        ("pulses", "cut", ("whole", "cut")),
    ):
        attributes = tree[table][column].attrs
        assert attributes["flag_meanings"].split() == list(names)
        assert attributes["flag_values"] == list(range(len(names)))
    assert tree.attrs["biasloop"]["schema"] == SCHEMA_VERSION


def test_pulses_between_trials_belong_to_none(session):
    session.append([session_event(1, session.rows)])
    session.append([trial(5)])
    session.append([session_event(3, session.rows)])
    session.close("finished")
    tree = read(session.folder)
    assert tree["pulses"]["trial"].to_numpy().tolist() == [-1, 0, 0, -1]
    assert tree["events"]["trial"].to_numpy().tolist() == [-1, 0]


def test_the_words_of_an_event_are_in_the_journal(session):
    session.append([session_event(7, session.rows)])
    session.close("finished")
    with History(session.folder) as history:
        ((_, got),) = history.frames()
    assert got.words == words(7)
    assert "text" not in read(session.folder)["events"].data_vars


# what doesn't fit is refused before it is stored


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"phase": len(SESSION_PHASES)}, "TrialFrame.phase: expected 0 to"),
        ({"outcome": -1}, "TrialFrame.outcome: expected .*0 to 255"),
        ({"stage": 40_000}, "TrialFrame.stage: expected a whole number from -32768 to 32767"),
        ({"line": 200}, "TrialFrame.line: .* from -128 to 127, got 200"),
        ({"licks": 1.5}, "TrialFrame.licks: expected a whole number"),
        ({"t_ns": 2**63}, "TrialFrame.t_ns"),
        ({"flip_ns": None}, "TrialFrame.flip_ns: .* got None"),
        ({"answer": None}, "TrialFrame.answer: expected a number, got None"),
        ({"x": np.zeros(4)}, r"TrialFrame.x: expected f4\[feature=3\]"),
        ({"edge_level": np.zeros(9)}, "TrialFrame.edge_level"),
        ({"pulse_id": np.zeros(9, int)}, r"TrialFrame.pulse_id: expected i8\[pulse=1\]"),
    ],
)
def test_a_trial_that_does_not_fit_leaves_nothing_and_the_store_goes_on(session, changed, message):
    with pytest.raises(ValueError, match=message):
        session.append([trial(2), trial(4, **changed)])
    assert session.rows["trials"] == session.last_seq == 0
    fill(session, 20)
    session.close("finished")
    check_agreement(published(session.folder))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": len(SESSION_EVENTS)}, "SessionEventFrame.kind: expected 0 to"),
        ({"trial": 1}, "SessionEventFrame.trial: expected -1 or one of the 1 trials, got 1"),
        ({"trial": -2}, "SessionEventFrame.trial"),
        ({"t_ns": 0.5}, "SessionEventFrame.t_ns: expected a whole number"),
        ({"pulse_cut": np.zeros(3, int)}, "SessionEventFrame.pulse_cut"),
    ],
)
def test_an_event_that_does_not_fit_is_refused(session, changed, message):
    session.append([trial(1)])
    with pytest.raises(ValueError, match=message):
        session.append([session_event(2, session.rows, **changed)])
    assert session.last_seq == 1


@pytest.mark.parametrize("k", [1, 3, 5, 6])
def test_frames_of_an_experiment_are_no_sessions(session, k):
    rows = {"candidates": 0, "stimuli": 0, "trials": 0}
    with pytest.raises(ValueError, match="expected a frame of a store of kind 'session', got"):
        session.append([frame(k, rows)])
    assert session.last_seq == 0


@pytest.mark.parametrize("k", [1, 2])
def test_frames_of_a_session_are_no_experiments(tmp_path, k):
    with new(tmp_path / "s") as store:
        with pytest.raises(ValueError, match="expected a frame of a store of kind 'experiment'"):
            store.append([session_frame(k, {"trials": 0})])
        assert store.last_seq == 0


@pytest.mark.parametrize(
    "changed", [{"kind": "other"}, {"origin": "mock"}, {"theta_log": "some"}, {"theta_dim": 0}]
)
def test_a_layout_that_there_is_not_is_refused_with_what_there_is(changed):
    with pytest.raises(ValueError, match=f"Layout.{next(iter(changed))}: expected"):
        Layout(**{"stimulus_dim": 3, "theta_dim": 5, "theta_log": "all", **changed})


def test_a_later_versions_layout_is_not_called_damage(tmp_path):
    new(tmp_path / "s", kind="session").close("finished")
    path = tmp_path / "s" / ZARR_NAME / "zarr.json"
    path.write_text(
        path.read_text().replace('"schema": 3', '"schema": 4').replace('"kind"', '"sort"')
    )
    with pytest.raises(StoreTooNew, match=r"has schema 4.*update biasloop"):
        read_marker(tmp_path / "s")


def test_an_unknown_kind_of_store_is_damage(tmp_path):
    new(tmp_path / "s", kind="session").close("finished")
    path = tmp_path / "s" / ZARR_NAME / "zarr.json"
    path.write_text(path.read_text().replace('"kind": "session"', '"kind": "picnic"'))
    with pytest.raises(StoreCorrupt, match="biasloop repair"):
        read_marker(tmp_path / "s")


# a follower


def test_a_followed_store_is_published_by_its_follower_alone(session):
    fill(session, 7)
    session.fold()
    assert status(session.folder)["published_seq"] == 0
    with Follower(session.folder) as follower:
        assert status(session.folder)["published_seq"] == 7
        assert not follower.step()
        fill(session, 30)
        assert follower.step()
        assert not follower.step()
        tree = published(session.folder)
        assert tree.attrs["biasloop"]["seq"] == 30
        check_agreement(tree)
        fill(session, 33)
    session.close("finished")
    assert status(session.folder)["published_seq"] == 33
    assert published(session.folder).attrs["biasloop"]["exit_status"] == "finished"


@pytest.mark.parametrize("live", [False, True], ids=["dry-run", "live"])
def test_what_a_follower_publishes_equals_what_the_writer_would_have(tmp_path, live):
    with new(tmp_path / "a", kind="session", live=live, followed=True) as store:
        with Follower(store.folder) as follower:
            for until in (1, 2, 30, 31, 77):
                fill(store, until)
                follower.step()
        fill(store, 90)
    with new(tmp_path / "b", 90, kind="session", live=live):
        pass
    assert_same(published(tmp_path / "a"), published(tmp_path / "b"))


def test_one_follower_a_store(session):
    words = f"published by process {os.getpid()}, which follows it"
    with Follower(session.folder), pytest.raises(StoreLocked, match=words):
        Follower(session.folder)
    Follower(session.folder).close()


def test_nobody_recovers_a_store_under_its_follower(tmp_path):
    store = new(tmp_path / "s", 5, kind="session", followed=True)
    with Follower(store.folder) as follower:
        fill(store, 9)
        store._lock.release()  # as if it had been killed
        store._journal.close()
        assert read(store.folder).attrs["biasloop"]["seq"] == 5  # and no later
        with pytest.raises(StoreLocked, match="which follows it"):
            Store.open(store.folder)
        assert follower.step()
    tree = read(store.folder)
    assert tree.attrs["biasloop"]["seq"] == 9
    check_agreement(tree)


def test_a_store_that_its_follower_does_not_let_go_is_closed_nevertheless(tmp_path):
    store = new(tmp_path / "s", kind="session", followed=True)
    with Follower(store.folder):
        fill(store, 9)
        store.close("finished")
        stands = status(store.folder)
        assert (stands["exit_status"], stands["writer"]) == ("finished", None)
        assert stands["last_seq"] == 9
    tree = read(store.folder)
    assert tree.attrs["biasloop"]["seq"] == 9
    check_agreement(tree)


@pytest.mark.parametrize("committed", [False, True])
def test_an_interrupted_append_disturbs_no_follower(session, monkeypatch, committed):
    from controller.store import journal as module

    original = module.Journal.append

    def append(self, after, frames, states=()):
        if committed:
            original(self, after, frames, states)
        raise KeyboardInterrupt

    fill(session, 12)
    with Follower(session.folder) as follower:
        fill(session, 14)
        with monkeypatch.context() as patch:
            patch.setattr(module.Journal, "append", append)
            with pytest.raises(KeyboardInterrupt):
                session.append([session_frame(15, session.rows)])
        session.fold()  # counts what is stored, and publishes nothing
        assert session.last_seq == 14 + committed
        before = status(session.folder)["published_seq"]
        fill(session, 20)
        assert session.rows["trials"] == len([k for k in range(1, 21) if k % 5 != 1])
        assert status(session.folder)["published_seq"] == before == 12
        assert follower.step()
    session.close("finished")
    check_agreement(published(session.folder))


def test_a_follower_that_could_not_write_goes_on_where_it_was(session, monkeypatch):
    from controller.store import columns

    original, calls = columns.write_atomic, []

    def write(path, data, *, sync):
        calls.append(path)
        if len(calls) == 5:
            raise OSError(28, "No space left on device")
        original(path, data, sync=sync)

    with Follower(session.folder) as follower:
        fill(session, 20)
        with monkeypatch.context() as patch:
            patch.setattr(columns, "write_atomic", write)
            with pytest.raises(WriteFailed, match=r"can't be published.*journal holds everything"):
                follower.step()
        assert status(session.folder)["published_seq"] == 0
        assert follower.step() is False  # taken up again, and caught up by that
        fill(session, 40)
        assert follower.step()
        tree = published(session.folder)
    assert tree.attrs["biasloop"]["seq"] == 40
    check_agreement(tree)


def test_an_interrupted_step_is_taken_up_again(session, monkeypatch):
    from controller.store import columns

    original, calls = columns.ColumnWriter.extend, []

    def extend(self, values):
        calls.append(1)
        if len(calls) == 9:
            raise KeyboardInterrupt
        original(self, values)

    with Follower(session.folder) as follower:
        fill(session, 20)
        with monkeypatch.context() as patch:
            patch.setattr(columns.ColumnWriter, "extend", extend)
            with pytest.raises(KeyboardInterrupt):
                follower.step()
        fill(session, 30)
        follower.step()
        check_agreement(published(session.folder))
        assert status(session.folder)["published_seq"] == 30


def test_a_killed_follower_leaves_its_lock_to_the_next(session):
    code = (
        "import os, sys; from pathlib import Path; from controller.store import Follower\n"
        "Follower(Path(sys.argv[1])); os._exit(9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code, session.folder], env=environment, check=False
    )
    assert done.returncode == 9
    fill(session, 5)
    with Follower(session.folder):
        assert status(session.folder)["published_seq"] == 5

"""What every store does, dry-run or live, of an experiment or of a session."""

import fcntl
import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import xarray as xr
from store_samples import (
    assert_same,
    block,
    check_agreement,
    fill,
    frame_of,
    new,
    published,
)

from controller.store import EventFrame, History, Store, StoreError, read, repair, status
from controller.store.fold import ZARR_NAME
from controller.store.lock import writer_pid

pytestmark = pytest.mark.parametrize("live", [False, True], ids=["dry-run", "live"])
KINDS = pytest.mark.parametrize("kind", ["experiment", "session"])


@KINDS
def test_a_new_store_has_all_tables_and_no_rows(tmp_path, live, kind):
    with new(tmp_path / "s", live=live, kind=kind) as store:
        tree = read(store.folder)
    assert {name: max(table.sizes.values(), default=0) for name, table in tree.children.items()}
    assert all(n == 0 for n in tree.attrs["biasloop"]["rows"].values())
    assert set(tree.children) == set(tree.attrs["biasloop"]["rows"])


def test_what_was_appended_is_read_after_the_fold_and_not_before(tmp_path, live):
    with new(tmp_path / "s", 2, live=live) as store:
        assert read(store.folder)["trials"].sizes["trial"] == 0
        store.fold()
        tree = read(store.folder)
        assert tree["trials"].sizes["trial"] == 120
        np.testing.assert_array_equal(
            tree["candidates"]["error"],
            np.concatenate([block(k, store.rows, shared=k == 1).error.ravel() for k in (1, 2)]),
        )
    check_agreement(tree)


def test_append_returns_the_number_of_the_last_frame(tmp_path, live):
    with new(tmp_path / "s", live=live) as store:
        assert store.append([EventFrame(0, 1), EventFrame(1, 2)]) == 2
        assert store.append([]) == 2
        assert store.append([EventFrame(2, 3)]) == 3 == store.last_seq
        assert [f.t_ns for _, f in store.frames()] == [1, 2, 3]
        assert [seq for seq, _ in store.frames(after=1)] == [2, 3]


def test_frames_of_one_append_continue_one_another(tmp_path, live):
    with new(tmp_path / "s", live=live) as store:
        first = block(0, store.rows)
        rows = {"candidates": 6, "stimuli": 20}
        store.append([first, block(1, rows)])
        assert store.rows["candidates"] == 12
        with pytest.raises(ValueError, match="first_candidate: expected 12"):
            store.append([block(2, rows)])


def test_a_frame_that_does_not_fit_leaves_nothing_and_the_store_goes_on(tmp_path, live):
    with new(tmp_path / "s", live=live) as store:
        wrong = block(0, store.rows, answers=np.zeros((2, 3, 5)))
        with pytest.raises(ValueError, match="answers"):
            store.append([EventFrame(0, 0), wrong], state={"learner": {"k": np.array([1])}})
        assert store.last_seq == 0
        assert store.state("learner") is None
        assert list(store.frames()) == []
        fill(store, 3)
    check_agreement(published(tmp_path / "s"))


def test_a_state_is_replaced_as_a_whole_and_survives_reopening(tmp_path, live):
    with new(tmp_path / "s", live=live) as store:
        store.append([], {"learner": {"a": np.arange(3), "b": np.eye(2)}, "key": {"k": np.ones(1)}})
        store.append([], {"learner": {"a": np.array(7)}})
    with Store.open(tmp_path / "s") as store:
        state = store.state("learner")
        assert state is not None
        assert list(state) == ["a"]
        assert state["a"] == 7
        assert store.state("key") is not None
        assert store.state("other") is None


@KINDS
def test_a_reopened_store_knows_what_it_was_made_with_and_goes_on(tmp_path, live, kind):
    with new(tmp_path / "a", 5, live=live, kind=kind) as made:
        pass
    with Store.open(tmp_path / "a") as store:
        assert (store.document, store.header, store.layout) == (
            made.document,
            {"seed": 1},
            made.layout,
        )
        assert (store.last_seq, store.rows) == (made.last_seq, made.rows)
        fill(store, 12)
    with new(tmp_path / "b", 12, live=live, kind=kind):
        pass
    assert_same(published(tmp_path / "a"), published(tmp_path / "b"))


def test_closing_twice_does_nothing_and_a_closed_store_takes_nothing(tmp_path, live):
    store = new(tmp_path / "s", 1, live=live)
    store.close("finished")
    store.close("failed")
    assert status(tmp_path / "s")["exit_status"] == "finished"
    for action in (store.fold, lambda: store.append([EventFrame(0, 0)])):
        with pytest.raises(StoreError, match="is closed: open it again"):
            action()


@pytest.mark.parametrize(
    ("error", "wanted"),
    [(KeyboardInterrupt, "interrupted"), (RuntimeError, "failed"), (None, "finished")],
)
def test_the_way_out_of_the_with_block_is_recorded(tmp_path, live, error, wanted):
    try:
        with new(tmp_path / "s", 3, live=live):
            if error is not None:
                raise error
    except (KeyboardInterrupt, RuntimeError):
        pass
    assert status(tmp_path / "s")["exit_status"] == wanted
    tree = read(tmp_path / "s")
    assert tree.attrs["biasloop"]["exit_status"] == wanted
    assert tree.attrs["biasloop"]["seq"] == 3


@KINDS
def test_looking_leaves_no_files_behind(tmp_path, live, kind):
    with new(tmp_path / "s", 2, live=live, kind=kind):
        pass
    before = {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()}
    status(tmp_path / "s")
    read(tmp_path / "s").load()
    with History(tmp_path / "s") as history:
        assert len(list(history.frames())) == 2
    after = {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()}
    assert after == before


@KINDS
def test_history_goes_on_reading_while_a_writer_appends(tmp_path, live, kind):
    with new(tmp_path / "s", 9, live=live, kind=kind):
        pass
    with History(tmp_path / "s") as history:
        frames = history.frames()
        assert next(frames)[0] == 1
        with Store.open(tmp_path / "s") as store:
            fill(store, 15)
        assert [seq for seq, _ in frames] == list(range(2, 16))


def test_status_follows_the_run(tmp_path, live):
    with new(tmp_path / "s", 2, live=live) as store:
        running = status(store.folder)
    assert running["exit_status"] == "running"
    assert running["writer"] is not None
    assert (running["last_seq"], running["published_seq"]) == (2, 0)
    done = status(tmp_path / "s")
    assert done["writer"] is None
    assert done["rows"]["trials"] == 120
    assert (done["last_seq"], done["published_seq"], done["live"]) == (2, 2, live)


@pytest.mark.parametrize("theta_log", ["all", "recommended", "none"])
def test_only_the_wanted_theta_have_columns(tmp_path, live, theta_log):
    with new(tmp_path / "s", live=live, theta_log=theta_log) as store:
        store.append([block(0, store.rows, layout=store.layout)])
    tree = read(tmp_path / "s")
    assert ("theta" in tree["candidates"].ds.variables) == (theta_log == "all")
    assert ("recommended" in tree["generations"].ds.variables) == (theta_log != "none")
    assert "recommended" in tree["stages"].ds.variables


def test_columns_say_what_they_are(tmp_path, live):
    with new(tmp_path / "s", 1, live=live):
        pass
    tree = read(tmp_path / "s")
    phase = tree["trials"]["phase"]
    assert phase.dims == ("trial",)
    assert (phase.attrs["flag_values"], phase.attrs["flag_meanings"]) == ([0, 1], "training test")
    assert tree["generations"]["t_ns"].attrs["units"] == "ns"
    assert tree["generations"]["t_ns"].dtype == np.int64
    assert tree["stimuli"]["x"].dims == ("stimulus", "feature")
    for table in tree.children.values():
        assert all("long_name" in variable.attrs for variable in table.ds.variables.values())


@KINDS
def test_xarray_reads_the_store_in_each_way_without_a_warning(tmp_path, live, kind):
    with new(tmp_path / "s", 20, live=live, kind=kind) as store:
        store.fold()
        path = str(store.folder / ZARR_NAME)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert xr.open_zarr(path, chunks=None).attrs["biasloop"]["seq"] == 20
            tree = xr.open_datatree(path, engine="zarr", chunks=None).load()
            for name, table in tree.children.items():
                alone = xr.open_zarr(path, group=name, chunks=None).load()
                assert alone.identical(table.to_dataset())


@KINDS
def test_the_arrays_own_metadata_are_right_after_closing(tmp_path, live, kind):
    with new(tmp_path / "s", 8, live=live, kind=kind):
        pass
    path = str(tmp_path / "s" / ZARR_NAME)
    for name, table in published(tmp_path / "s").children.items():
        plain = xr.open_zarr(path, group=name, chunks=None, consolidated=False).load()
        assert plain.identical(table.to_dataset())


@KINDS
def test_the_journal_alone_rebuilds_the_same_tables(tmp_path, live, kind):
    with new(tmp_path / "s", 20, live=live, kind=kind):
        pass
    before = published(tmp_path / "s")
    (tmp_path / "s" / ZARR_NAME / "zarr.json").write_text("garbage")
    report = repair(tmp_path / "s")
    assert report.frames == 20
    assert f"{report.rows['trials']} trials" in str(report)
    after = published(tmp_path / "s")
    assert_same(before, after)
    assert before.attrs == after.attrs


@KINDS
def test_reading_publishes_what_a_killed_writer_left(tmp_path, live, kind):
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from store_samples import new\n"
        f"new(Path(sys.argv[2]), 4, live={live}, kind={kind!r})\n"
        "os._exit(9)"
    )
    here = str(__import__("store_samples").__file__).rsplit("/", 1)[0]
    done = subprocess.run([sys.executable, "-c", script, here, tmp_path / "s"], check=False)
    assert done.returncode == 9
    killed = status(tmp_path / "s")
    assert (killed["exit_status"], killed["published_seq"], killed["last_seq"]) == ("killed", 0, 4)
    tree = read(tmp_path / "s")
    assert tree.attrs["biasloop"]["seq"] == 4
    check_agreement(tree)
    assert status(tmp_path / "s")["exit_status"] == "killed"
    assert not list((tmp_path / "s").rglob("*.partial"))


@KINDS
def test_an_interrupted_fold_is_taken_up_again(tmp_path, live, kind, monkeypatch):
    from controller.store.columns import ColumnWriter

    original, calls = ColumnWriter.extend, []

    def extend(self, values):
        calls.append(1)
        if len(calls) == 9:
            raise KeyboardInterrupt
        original(self, values)

    with new(tmp_path / "a", 6, live=live, kind=kind) as store:
        monkeypatch.setattr(ColumnWriter, "extend", extend)
        with pytest.raises(KeyboardInterrupt):
            store.fold()
        fill(store, 9)
    with new(tmp_path / "b", 9, live=live, kind=kind):
        pass
    assert_same(published(tmp_path / "a"), published(tmp_path / "b"))


@KINDS
@pytest.mark.parametrize("committed", [False, True])
def test_an_interrupted_append_is_there_completely_or_not_at_all(
    tmp_path, live, kind, monkeypatch, committed
):
    from controller.store.journal import Journal

    original = Journal.append

    def append(self, after, frames, states=()):
        if committed:
            original(self, after, frames, states)
        else:
            self._connection.execute("BEGIN IMMEDIATE")
        raise KeyboardInterrupt

    with new(tmp_path / "s", 3, live=live, kind=kind) as store:
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "append", append)
            with pytest.raises(KeyboardInterrupt):
                store.append([frame_of(store, 4)])
        store.fold()
        assert store.last_seq == 3 + committed
        fill(store, 8)
    check_agreement(published(tmp_path / "s"))
    assert status(tmp_path / "s")["last_seq"] == 8


@KINDS
def test_a_fold_can_be_held_back(tmp_path, live, kind):
    with new(tmp_path / "s", 1, live=live, kind=kind) as store:
        store.fold(every_s=1000.0)
        fill(store, 2)
        store.fold(every_s=1000.0)
        assert status(store.folder)["published_seq"] == 1
        store.fold()
        assert status(store.folder)["published_seq"] == 2


@KINDS
def test_the_root_metadata_are_strict_json(tmp_path, live, kind):
    with new(tmp_path / "s", 3, live=live, kind=kind):
        pass

    def refuse(name):
        raise AssertionError(name)

    for path in (tmp_path / "s" / ZARR_NAME).rglob("zarr.json"):
        json.loads(path.read_text(), parse_constant=refuse)


def test_those_who_look_for_a_writer_never_take_each_other_for_one(tmp_path, live):
    new(tmp_path / "s", live=live).close("finished")
    path = tmp_path / "s" / "lock"
    with path.open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # as another one that looks has it for a moment
        assert writer_pid(tmp_path / "s") is None
    with new(tmp_path / "t", live=live):
        assert writer_pid(tmp_path / "t") == os.getpid()

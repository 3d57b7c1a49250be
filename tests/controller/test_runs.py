"""Runs from a document to a store: resume, replay, failures."""

import dataclasses

import numpy as np
import pytest

from controller.analysis.summary import AnalysisError, analyse
from controller.document import Experiment
from controller.loop import LearnerFailedError, LoopError
from controller.replay import verify
from controller.runs import begin, go_on
from controller.store import GenerationBlock, History, Store, StoreExists, read, status
from learners.random_features import RandomFeatures

SKIPPED = {"t_ns"}


def tables(folder):
    tree = read(folder)
    return {
        (name, column): group[column].values
        for name, group in tree.children.items()
        if name != "events"
        for column in group.variables
        if column not in SKIPPED
    }


def assert_same(a, b):
    first, second = tables(a), tables(b)
    assert first.keys() == second.keys()
    for place, values in first.items():
        assert np.array_equal(values, second[place], equal_nan=values.dtype.kind == "f"), place


def stop_after(calls):
    """Return a `should_stop` that says yes from the given call on."""
    count = 0

    def should_stop():
        nonlocal count
        count += 1
        return count > calls

    return should_stop


@pytest.fixture(scope="module")
def unbroken(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "unbroken"
    assert begin(small(), folder)
    return folder


def test_a_run_stores_every_trial_of_the_learner_and_none_of_the_control(unbroken):
    tree = read(unbroken)
    trials, candidates = tree["trials"], tree["candidates"]
    assert trials.sizes["trial"] == 2 * 20 * 6 * 11
    assert int(candidates["trials"].sum()) == trials.sizes["trial"]
    own = candidates["arm"].values == 0
    assert own.sum() == (~own).sum() == 2 * 20 * 6
    assert int(candidates["trials"].values[~own].sum()) == 0
    tested = trials["phase"].values == 1
    assert np.all(np.isfinite(trials["answer"].values[tested]))
    assert np.all(np.isnan(trials["answer"].values[~tested]))
    assert status(unbroken)["exit_status"] == "finished"


def test_the_stored_error_is_that_of_the_stored_labels_and_answers(unbroken):
    tree = read(unbroken)
    trials, candidates = tree["trials"], tree["candidates"]
    row = 137
    mine = (trials["candidate"].values == row) & (trials["phase"].values == 1)
    squared = (trials["label"].values[mine] - trials["answer"].values[mine]) ** 2
    expected = squared.mean() / (candidates["label_power"].values[row] + 1e-6)
    assert candidates["error"].values[row] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("calls", [1, 3, 6, 9, 12])
def test_a_run_that_is_stopped_and_resumed_equals_the_unbroken_one(
    small, tmp_path, unbroken, calls
):
    folder = tmp_path / "stopped"
    finished = begin(small(), folder, should_stop=stop_after(calls))
    assert not finished
    assert status(folder)["exit_status"] == "interrupted"
    assert go_on(folder)
    assert_same(folder, unbroken)


def test_resuming_a_finished_run_changes_nothing(small, tmp_path):
    folder = tmp_path / "run"
    begin(small("stages.count=1", "stages.generations=3"), folder)
    before = tables(folder)
    assert go_on(folder)
    assert all(np.array_equal(v, tables(folder)[k], equal_nan=True) for k, v in before.items())


@pytest.mark.parametrize(
    "overrides",
    [(), ("episode.common_stimuli=false", 'log.theta="none"'), ('strategy={kind="gradient"}',)],
    ids=["es", "own stimuli, no θ", "gradient"],
)
def test_replay_derives_every_proposal_again_bit_for_bit(small, tmp_path, overrides):
    folder = tmp_path / "run"
    begin(small("stages.generations=9", *overrides), folder)
    result = verify(folder)
    assert result.difference is None
    assert result.generations == 36
    assert result.other_software == ()
    assert status(folder)["exit_status"] == "finished"


def test_replay_says_where_a_store_was_changed(small, tmp_path):
    folder, changed = tmp_path / "run", tmp_path / "changed"
    begin(small("stages.generations=9"), folder, control=False)
    source = History(folder)
    with Store.create(
        changed, document=source.document, header=source.header, layout=source.layout
    ) as target:
        for _, frame in source.frames():
            if isinstance(frame, GenerationBlock) and (frame.stage, frame.first_generation) == (
                1,
                0,
            ):
                answers = np.array(frame.answers)
                answers[1, 2, 3] += 0.25
                frame = dataclasses.replace(frame, answers=answers)  # noqa: PLW2901
            target.append([frame])
    difference = verify(changed).difference
    assert difference is not None
    assert (difference.arm, difference.stage, difference.generation) == (0, 1, 1)
    assert difference.column == "error"


def test_a_learner_that_fails_ends_the_run_and_nothing_before_is_lost(small, tmp_path, monkeypatch):
    import jax.numpy as jnp

    healthy = RandomFeatures.fit_predict

    def sometimes(self, x, z, x_test, *, key):
        # a function of the stimuli, so that another attempt fails as well
        bad = jnp.sum(x) > 2.0
        return jnp.where(bad, jnp.nan, healthy(self, x, z, x_test, key=key))

    monkeypatch.setattr(RandomFeatures, "fit_predict", sometimes)
    folder = tmp_path / "run"
    with pytest.raises(
        LearnerFailedError, match=r"'random_features'.*Stage 1, generation \d+, slot"
    ):
        begin(small("learner.width=13"), folder, control=False)
    assert status(folder)["exit_status"] == "failed"
    tree = read(folder)
    done = tree["generations"].sizes["generation"]
    assert tree["trials"].sizes["trial"] == done * 6 * 11
    kinds = tree["events"]["kind"]
    meanings = kinds.attrs["flag_meanings"].split()
    happened = [meanings[kind] for kind in kinds.values]
    assert happened[0] == "run_started"
    assert "slot_failed" in happened
    assert happened[-1] == "run_failed"


def test_an_existing_folder_is_never_written_into(small, tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(StoreExists):
        begin(small(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_a_store_without_a_generation_says_how_to_go_on(small, tmp_path):
    folder = tmp_path / "run"
    assert not begin(small(), folder, should_stop=lambda: True)
    with pytest.raises(AnalysisError, match="biasloop resume"):
        analyse(folder)


def test_a_table_that_changed_since_the_run_began_is_refused(small, tmp_path):
    rows = np.random.default_rng(0).normal(size=(40, 3))
    np.save(tmp_path / "rows.npy", rows)
    document = small(
        f'space={{kind="table", path="{tmp_path}/rows.npy"}}',
        'labeller={kind="mlp", hidden=[4]}',
        'objective.orthogonality="penalty"',
    )
    assert isinstance(document.value, Experiment)
    folder = tmp_path / "run"
    assert not begin(document, folder, should_stop=stop_after(3))
    from protocols.spaces.table import load_table

    np.save(tmp_path / "rows.npy", rows + 1)
    load_table.cache_clear()
    with pytest.raises(LoopError, match="put the first file back"):
        go_on(folder)

"""The summary of a store, recomputed from the store by other means."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from controller.analysis.summary import AnalysisError, analyse, summary
from controller.document import root_key
from controller.runs import begin
from controller.store import read
from protocols.keys import Purpose, derive
from protocols.spaces.harmonics import spherical_reference

GENERATIONS, SLOTS, TRIALS = 6, 6, 11  # of the stores in conftest.py
FRESH_LEARNERS = 40


def test_trials_total_is_the_number_of_rows_that_arm_0_has(finished, record):
    tables = read(finished.folder)
    arm = tables["candidates"]["arm"].values[tables["trials"]["candidate"].values]
    assert record["trials_total"] == np.sum(arm == 0) == 2 * GENERATIONS * SLOTS * TRIALS
    assert record["control_trials"] == np.sum(arm == 1) == 0


def test_each_stage_counts_its_own_trials_and_episodes(record):
    for stage in record["stages"]:
        assert stage["finished"]
        assert stage["generations"] == GENERATIONS
        assert stage["episodes"] == GENERATIONS * SLOTS
        assert stage["trials"] == GENERATIONS * SLOTS * TRIALS


def test_shares_are_those_of_the_stored_coefficients(finished, record):
    stages = read(finished.folder)["stages"]
    rows = {int(s): r for r, s in enumerate(stages["stage"].values) if stages["arm"].values[r] == 0}
    for stage in record["stages"]:
        theta = stages["recommended"].values[rows[stage["stage"] - 1]].astype(float)
        parts = [np.sum(part**2) for part in np.split(theta, [3, 8])]  # degrees 1, 2, 3
        shares = [stage["share"][degree] for degree in "123"]
        assert shares == pytest.approx(parts / np.sum(theta**2), abs=5e-3)  # peaks are clipped
        assert stage["theta"] == pytest.approx(theta, abs=1e-6)


def test_cosines_are_those_of_the_functions_on_random_points(finished, record):
    x = np.random.default_rng(0).normal(size=(20_000, 3))
    basis = spherical_reference(x / np.linalg.norm(x, axis=1, keepdims=True), 3)[:, 1:]
    first, second = (basis @ np.array(stage["theta"]) for stage in record["stages"])
    expected = abs(first @ second) / np.linalg.norm(first) / np.linalg.norm(second)
    assert record["stages"][0]["max_cosine"] == 0
    assert record["stages"][1]["max_cosine"] == pytest.approx(expected, abs=0.02)


def test_held_out_error_equals_a_plain_loop_over_learners(finished, record):
    design = finished.design

    @jax.jit
    def one(key, theta):
        stimuli, learner = jax.random.split(key)
        x = design.space.sample(design.n_train + 200, key=stimuli)
        z = design.labeller.labels(design.space, theta, x)
        train, test = slice(design.n_train), slice(design.n_train, None)
        return z[test], design.panel.learners[0].fit_predict(
            x[train], z[train], x[test], key=learner
        )

    for index, stage in enumerate(finished.stages):
        key = derive(root_key(finished.experiment), index, Purpose.HELD_OUT)
        theta = jnp.asarray(stage.found.theta)
        ratios = []
        for fresh in jax.random.split(key, FRESH_LEARNERS):
            labels, answers = (np.asarray(a, np.float64) for a in one(fresh, theta))
            ratios.append(np.mean((labels - answers) ** 2) / stage.found.power)
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        entry = record["stages"][index]
        assert entry["g_over_var"] == pytest.approx(middle, rel=1e-3)
        assert entry["g_over_var_quartiles"] == pytest.approx([low, high], rel=1e-3)
        assert entry["fresh_learners"] == FRESH_LEARNERS


def test_the_control_is_told_apart_and_judged_on_the_same_learners(record):
    for stage in record["stages"]:
        assert stage["control"]["theta"] != stage["theta"]
        assert stage["control_share"] == stage["control"]["share"]
        assert stage["control_g_over_var"] == stage["control"]["g_over_var"]


def test_a_summary_is_strict_json_even_where_a_function_is_constant(constant):
    record = json.loads(json.dumps(summary(constant), allow_nan=False))
    stage = record["stages"][0]
    assert set(stage["share"].values()) == {None}
    assert stage["g_over_var"] is None
    assert stage["g_over_var_quartiles"] == [None, None]
    assert stage["affine_r2"] is None


def test_a_stage_under_way_is_marked_and_its_recommendation_is_shown(stopped):
    record = summary(stopped)
    first, second = record["stages"]
    assert (first["finished"], second["finished"]) == (True, False)
    assert 0 < second["generations"] < GENERATIONS
    last = read(stopped.folder)["generations"]["recommended"].values[-1]
    assert second["theta"] == pytest.approx(last, abs=1e-6)
    assert record["exit_status"] == "interrupted"


def test_a_store_without_control_has_none(stopped):
    assert all(stage["control"] is None for stage in summary(stopped)["stages"])


def test_a_store_without_a_generation_says_how_to_go_on(small, tmp_path):
    assert not begin(small(), tmp_path / "empty", should_stop=lambda: True)
    with pytest.raises(AnalysisError, match="biasloop resume"):
        analyse(tmp_path / "empty")

"""The twin follows the learner, not its own smoothness, and gives way where it knows nothing."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from controller.arms import CONTROL_ARM, LEARNER_ARM
from controller.design import Record
from controller.document import load_experiment, root_key
from controller.engine import Engine
from controller.position import after_stage, first_position, situation
from controller.replay import verify
from controller.runs import begin
from controller.strategies.twin import TwinState
from protocols.documents import DocumentError
from protocols.library import ready

QUICK = (
    'strategy={kind="twin", twins=["spectrum"], steps=15, capacity=40}',
    *("episode.common_stimuli=false", "episode.train=6", "episode.test=18"),
)
SECOND = slice(3, 8)
"""Coefficients of order two."""


SHORT = ("stages.count=2", "stages.generations=3", "strategy.capacity=8")


@functools.cache
def built(protocol, overrides):
    """Return an experiment and its engine, compiled once."""
    experiment = load_experiment(ready()[protocol], (*QUICK, *overrides)).value
    return experiment, Engine(experiment.design(), block=1)


def searched(*overrides, protocol="default", arm=LEARNER_ARM, seed=3):
    """Yield stage, recommended θ, record and the strategy's state of every generation."""
    experiment, engine = built(protocol, overrides)
    root = root_key(experiment.model_copy(update={"seed": seed}))
    position = first_position(engine, root, experiment.stages.count)
    position = dataclasses.replace(position, arm=arm)
    while position.arm == arm:
        where = situation(position, root)
        state, record, _ = engine.run(where, position.state, position.generation, 1)
        position = dataclasses.replace(position, generation=position.generation + 1, state=state)
        theta = np.asarray(record.recommended[0])
        yield Generation(
            position.stage,
            theta / np.linalg.norm(theta),
            jax.tree.map(lambda array: np.asarray(array)[0], record),
            state.strategy,
        )
        if position.generation == experiment.stages.generations:
            position = after_stage(position, engine, root, record.recommended[0])


class Generation(NamedTuple):
    stage: int
    theta: np.ndarray
    record: Record
    state: TwinState


@pytest.fixture(scope="module")
def decoy():
    """Two stages on a learner that prefers second order."""
    stages = ("stages.count=2", "stages.generations=7", "habits.lapses=0.1")
    return list(searched(*stages, protocol="decoy_second_order"))


def test_it_follows_a_learner_that_prefers_second_order_within_seven_hundred_trials(decoy):
    assert np.sum(decoy[6].theta[SECOND] ** 2) > 0.95
    assert not decoy[6].state.fell_back


def test_what_was_answered_in_one_stage_counts_in_the_next(decoy):
    first, second = decoy[6], decoy[7]  # one generation into the second stage
    assert second.stage == 1
    assert np.sum(second.theta[SECOND] ** 2) > 0.95
    assert abs(float(second.theta @ first.theta)) < 1e-3


def test_with_nobody_to_ask_it_recommends_where_it_began():
    first, *others = (g for g in searched(*SHORT, arm=CONTROL_ARM) if g.stage == 0)
    for generation in others:
        np.testing.assert_allclose(generation.theta, first.theta, atol=1e-6)


def test_where_no_twin_predicts_iterated_learning_takes_over():
    believes = 'learner={kind="ridge", ridge=1000.0, innate=[0.9, 0.0, 0.0]}'
    history = list(searched(believes, "stages.count=1", "stages.generations=12", seed=1))
    assert sum(bool(generation.state.fell_back) for generation in history) >= 9
    assert history[-1].theta[2] ** 2 > 0.9  # x, what it believes whatever it is taught


def test_only_the_latest_episodes_are_remembered_of_all_stages():
    history = list(searched(*SHORT))
    kept = history[-1].state.known.history
    assert bool(jnp.all(kept.happened))
    answers = np.concatenate([g.record.answers[:, 0] for g in history[-2:]])
    np.testing.assert_array_equal(kept.answers, answers)
    labels = np.concatenate([g.record.labels for g in history[-2:]])
    np.testing.assert_allclose(kept.labels, labels[:, :6], rtol=1e-6)
    np.testing.assert_allclose(kept.test_labels, labels[:, 6:], rtol=1e-6)


def test_fits_to_several_weightings_differ_while_little_is_known():
    last = list(searched(*SHORT))[2].state
    error = np.asarray(last.known.error)
    assert error.shape[0] == last.proposals.shape[0] + 1
    assert all(np.abs(other - error[0]).max() > 1e-4 for other in error[1:])


def test_a_replay_derives_the_same_proposals(tmp_path):
    document = load_experiment(ready()["default"], (*QUICK, *SHORT))
    begin(document, tmp_path / "run", control=False)
    assert verify(tmp_path / "run").difference is None


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ('labeller={kind="mlp"}', "needs a linear labeller"),
        ('strategy={kind="twin", twins=["oracle"]}', 'expected one of "spectrum", "low_rank"'),
        ('strategy={kind="twin", population=40, capacity=20}', "capacity: expected at least"),
    ],
)
def test_settings_that_cannot_work_are_refused(override, words):
    with pytest.raises(DocumentError, match=words):
        load_experiment(ready()["default"], (*QUICK, "stages.count=1", override))

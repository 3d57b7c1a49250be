"""What is read from a store is what the engine had: taught, asked and answered."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from controller.document import root_key
from controller.engine import Engine
from controller.fit.answers import FitError, read_answers
from controller.position import after_stage, first_position, situation
from protocols.spaces.harmonics import spherical

TWO = (
    'learner={kind="ridge", intercept=true}',
    'together=[{kind="ridge", ridge=3.0}]',
    "stages.count=2",
    "stages.generations=3",
)


@pytest.fixture(scope="module")
def folder(stored):
    return stored(*TWO)


def recorded(experiment):
    """The records of all stages, by the engine itself."""
    engine, root = Engine(experiment.design(), block=3), root_key(experiment)
    position = first_position(engine, root, 2)
    for stage in range(2):
        state, record, done = engine.run(situation(position, root), position.state, 0, 3)
        assert int(done) == 3
        yield record
        if stage == 0:
            ended = replace(position, generation=3, state=state)
            position = after_stage(ended, engine, root, record.recommended[2])


@pytest.mark.parametrize("learner", [0, 1])
def test_it_is_what_the_engine_recorded(folder, learner):
    answers = read_answers(folder, learner=learner)
    history = answers.history
    n, row = answers.experiment.episode.train, 0
    for record in recorded(answers.experiment):
        for generation in range(3):
            for slot in range(5):
                x = record.stimuli[generation, slot]
                np.testing.assert_array_equal(history.train_x[row], x[:n])
                np.testing.assert_array_equal(history.test_x[row], x[n:])
                labels = record.labels[generation, slot]
                np.testing.assert_array_equal(history.labels[row], labels[:n])
                np.testing.assert_array_equal(history.test_labels[row], labels[n:])
                said = record.answers[generation, slot, learner]
                np.testing.assert_array_equal(history.answers[row], said)
                np.testing.assert_allclose(
                    history.train[row], spherical(jnp.asarray(x[:n]), 2), rtol=1e-5, atol=1e-6
                )
                row += 1
    assert row == answers.episodes == 30
    assert answers.trials == 30 * 15
    assert history.degrees.tolist() == [1] * 3 + [2] * 5
    assert bool(history.happened.all())


def test_the_first_episodes_are_read_where_there_are_more_than_asked_for(folder):
    some, every = read_answers(folder, most=7), read_answers(folder)
    assert (some.episodes, some.left_out) == (7, 23)
    np.testing.assert_array_equal(some.history.answers, every.history.answers[:7])


def test_a_learner_that_the_document_has_not_is_refused(folder):
    with pytest.raises(FitError, match=r"expected 0 to 1 \(ridge, ridge\), got 2"):
        read_answers(folder, learner=2)

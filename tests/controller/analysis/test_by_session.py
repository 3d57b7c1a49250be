"""Held-out prediction by sessions: no leak, and error bars whose unit is the session."""

import numpy as np
import pytest

from controller.analysis.by_session import bits, blocks, held_out, mean_by_session

SESSION = np.repeat(np.arange(12), 50)


def test_blocks_are_neighbouring_whole_sessions():
    block = blocks(SESSION + 7, 4)
    assert block.tolist() == np.repeat([0, 1, 2, 3], 150).tolist()


@pytest.mark.parametrize("count", [1, 13])
def test_a_number_of_blocks_that_cannot_be_is_refused(count):
    with pytest.raises(ValueError, match="expected 2 to 12"):
        blocks(SESSION, count)


def test_every_trial_is_predicted_by_the_fit_without_its_block():
    choice = np.random.default_rng(0).integers(0, 2, len(SESSION))
    block = blocks(SESSION, 4)

    def predict(counted):
        return np.full(len(choice), choice[counted].mean())

    probability = held_out(predict, block)
    assert probability[200] == choice[block != 1].mean()
    choice[200] = 1 - choice[200]
    changed = held_out(predict, block)
    assert np.array_equal(changed[block == 1], probability[block == 1])
    assert (changed[block != 1] != probability[block != 1]).all()


def test_bits_of_a_coin_and_of_a_sure_choice():
    found = bits(np.array([0.5, 0.5, 1.0, 0.25]), np.array([1, 0, 1, 0]))
    assert found.tolist() == pytest.approx([-1, -1, 0, np.log2(0.75)])


def test_the_error_of_a_mean_is_that_of_sessions_not_of_trials():
    random = np.random.default_rng(1)
    day = random.normal(size=12)
    mean = mean_by_session(day[SESSION], SESSION)
    assert mean.value == pytest.approx(day.mean())
    assert mean.error == pytest.approx(day.std(ddof=1) / np.sqrt(12))
    assert mean.sessions == 12


def test_the_error_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(2)
    sizes = random.integers(20, 200, 40)
    session = np.repeat(np.arange(40), sizes)
    within = 0
    for _ in range(400):
        values = random.normal(size=40)[session] + random.normal(size=len(session))
        mean = mean_by_session(values, session)
        within += abs(mean.value) < mean.error
    assert within / 400 == pytest.approx(0.683, abs=0.06)

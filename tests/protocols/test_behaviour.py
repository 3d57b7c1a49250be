"""Recorded behaviour: what came before a trial, and what isn't behaviour."""

import dataclasses

import jaxtyping
import numpy as np
import pytest

from protocols.behaviour import Behaviour, BehaviourError, signs

FIVE = Behaviour(
    subject="made up",
    source="this test",
    names=("loudness",),
    stimuli=np.array([[0.1], [0.2], [0.3], [0.4], [0.5]]),
    label=np.array([1, 0, 1, 1, 0]),
    choice=np.array([1, 1, 0, 1, 0]),
    session=np.array([3, 3, 3, 4, 4]),
    follows=np.array([False, True, False, False, True]),
)


def test_the_trial_before_is_known_only_where_none_was_left_out_and_no_session_begins():
    before = FIVE.before()
    assert before.stimuli[:, 0].tolist() == [0, 0.1, 0, 0, 0.4]
    assert before.label.tolist() == [0, 1, 0, 0, 1]
    assert before.choice.tolist() == [0, 1, 0, 0, 1]
    assert before.correct.tolist() == [0, 1, 0, 0, 1]
    assert FIVE.begins.tolist() == [True, False, False, True, False]
    assert FIVE.correct.tolist() == [True, False, False, True, True]
    assert signs(FIVE.choice).tolist() == [1, 1, -1, 1, -1]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"choice": np.array([1, 2, 1, 2, 1])}, "choice: 0 or 1"),
        ({"session": np.array([3, 3, 2, 4, 4])}, "session: numbers that never fall"),
        ({"follows": np.full(5, True)}, "follows: false where a session begins"),
        ({"stimuli": np.full((5, 1), np.nan)}, "stimuli: finite"),
        ({"names": ("loudness", "pitch")}, "names: 1"),
    ],
)
def test_columns_that_cannot_be_are_refused_by_name(wrong, expected):
    with pytest.raises(BehaviourError, match=expected):
        dataclasses.replace(FIVE, **wrong)


def test_columns_of_different_lengths_are_refused():
    jaxtyping.config.update("jaxtyping_disable", True)  # else its hook in tests is first
    try:
        with pytest.raises(BehaviourError, match="label: 5 rows"):
            dataclasses.replace(FIVE, label=np.array([1, 0, 1]))
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)

"""Every trial has its label as soon as anybody knows it, whichever session it was run in."""

import numpy as np
import pytest
from made_sources import of_sessions, session, simulated

from controller.analysis.presented import CIRCUIT, answered, by_subject, presented
from controller.analysis.source import PHASE, open_source
from controller.runs import begin

NAN = float("nan")


def test_a_simulated_learners_trials_are_those_of_a_loop(small, tmp_path):
    assert begin(small("stages.count=1", "stages.generations=3"), tmp_path / "run", control=True)
    source = open_source(tmp_path / "run")
    candidates, trials = source.tables["candidates"], source.tables["trials"]
    found, row, episode = presented(source), 0, -1
    for place in range(candidates.rows):
        if candidates["arm"][place] or candidates["learner"][place]:
            continue
        episode += 1
        for index in range(candidates["trials"][place]):
            stored = candidates["first_trial"][place] + index
            for name in ("stage", "generation", "slot"):
                assert getattr(found, name)[row] == candidates[name][place]
            assert (found.episode[row], found.index[row]) == (episode, index)
            assert found.label[row] == trials["label"][stored]
            assert np.array_equal(found.answer[row], trials["answer"][stored], equal_nan=True)
            assert found.phase[row] == trials["phase"][stored]
            row += 1
    assert row == len(found) > 0
    assert (found.session == -1).all()
    assert (found.t_ns == -1).all()
    assert list(by_subject(source)) == [CIRCUIT]


def test_generations_that_are_not_done_are_left_out():
    source = simulated(np.zeros((3, 4)), np.zeros((3, 4)))
    source.tables["candidates"]["status"][1] = 0
    found = presented(source)
    assert found.generation.tolist() == [0] * 4 + [2] * 4
    assert found.episode.tolist() == [0] * 4 + [1] * 4
    assert found.index.tolist() == [0, 1, 2, 3] * 2


def test_a_store_without_trials_has_none():
    assert not len(presented(simulated(np.zeros((0, 4)), np.zeros((0, 4)))))
    assert by_subject(simulated(np.zeros((0, 4)), np.zeros((0, 4)))) == {}


def test_labels_of_tests_and_anchors_are_the_experiments(sessions_and_labels):
    source, expected = sessions_and_labels
    found = presented(source)
    assert np.array_equal(found.label, expected, equal_nan=True)
    assert np.isnan(found.label[found.phase == PHASE["catch"]]).all()


@pytest.fixture
def sessions_and_labels():
    """One episode that went on on another day, whose generation is done, and one that isn't."""
    source = simulated([[0.5, -0.5, 0.25, 1.0]], np.zeros((1, 4)))  # one training trial
    first = session(0, ["training"], [0.5], [1.0], stimulus=[0])
    second = session(
        1,
        ["test", "anchor", "catch", "test", "test"],
        [NAN] * 5,
        [1.0, -1.0, NAN, 1.0, 1.0],
        stimulus=[2, 0, -1, 0, 3],
    )
    other = session(
        2,
        ["warm_up", "training", "anchor", "anchor", "test"],
        [0.125, 0.75, NAN, NAN, NAN],
        [1.0] * 5,
        slot=7,
        stimulus=[1, 1, 1, 0, 0],
    )
    expected = [0.5, 1.0, 0.5, NAN, -0.5, NAN, 0.125, 0.75, 0.75, NAN, NAN]
    return of_sessions(first, second, other, tables=source.tables), np.array(expected)


def test_an_anchor_knows_the_label_that_was_taught_on_another_day():
    taught = session(0, ["training"], [0.5], [1.0], stimulus=[0])
    asked = session(1, ["anchor"], [NAN], [1.0], stimulus=[0])
    assert presented(of_sessions(taught, asked)).label.tolist() == [0.5, 0.5]


def test_an_episode_that_went_on_in_another_session_is_one():
    first = session(0, ["training", "test"], [1.0, NAN], [1.0, 1.0], slot=[3, 5])
    second = session(1, ["test", "test"], [NAN, NAN], [1.0, 1.0], slot=[5, 3], subject="m0")
    third = session(2, ["test"], [NAN], [1.0], slot=5)
    found = presented(of_sessions(first, second, third)).episode
    assert found.tolist() == [2, 3, 1, 0, 3]  # m0's come first


def test_imported_sessions_are_an_episode_each():
    parts = [session(day, ["training"] * 2, [1.0, -1.0], [1.0, 1.0]) for day in range(3)]
    assert presented(of_sessions(*parts, origin="imported")).episode.tolist() == [0, 0, 1, 1, 2, 2]


def test_right_is_the_same_sign():
    answer = [1.0, -0.2, 0.0, 1.0, NAN, 1.0]
    label = [0.1, 0.5, -1.0, 0.0, 1.0, NAN]
    found = presented(of_sessions(session(0, ["training"] * 6, label, answer))).right
    assert found[:3].tolist() == [1.0, 0.0, 0.5]
    assert np.isnan(found[3:]).all()


def test_only_trials_with_answer_and_label_are_answered():
    one = session(0, ["test"] * 3, [1.0, NAN, 1.0], [NAN, 1.0, -1.0])
    other = session(0, ["test"], [NAN], [1.0], subject="m2")
    found = answered(of_sessions(one, other), "test")
    assert {name: trials.answer.tolist() for name, trials in found.items()} == {"m1": [-1.0]}

"""The order of an episode: everything as often as it was declared, and the same for a seed."""

from collections import Counter
from dataclasses import fields
from inspect import signature

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.schedule import NO_STIMULUS, Schedule
from protocols.trials import Phase

SCHEDULES = st.builds(
    Schedule,
    training_blocks=st.integers(1, 3),
    repeats=st.integers(1, 3),
    order=st.sampled_from(["training first", "alternating"]),
    warm_up=st.integers(0, 4),
    catch=st.integers(0, 4),
    anchors=st.integers(0, 9),
)
SIZES, SEEDS = st.integers(1, 8), st.integers(0, 2**31 - 1)


def counts(trials, phase):
    return Counter(one.stimulus for one in trials if one.phase == phase)


@given(schedule=SCHEDULES, n_train=SIZES, n_test=SIZES, seed=SEEDS, wash_out=st.integers(0, 5))
def test_everything_is_shown_as_often_as_declared(schedule, n_train, n_test, seed, wash_out):
    trials = schedule.trials(n_train, n_test, seed, wash_out=wash_out)
    training = counts(trials, Phase.TRAINING)
    assert training == dict.fromkeys(range(n_train), schedule.training_blocks)
    assert counts(trials, Phase.TEST) == dict.fromkeys(range(n_test), schedule.repeats)
    assert counts(trials, Phase.CATCH) == Counter({NO_STIMULUS: schedule.catch})
    anchors = counts(trials, Phase.ANCHOR)
    assert anchors.total() == schedule.anchors
    assert set(anchors) <= set(range(n_train))
    assert max(anchors.values(), default=0) - min(anchors.values(), default=0) <= 1
    assert [one.phase for one in trials[:wash_out]] == [Phase.WASH_OUT] * wash_out
    assert len(trials) == wash_out + schedule.presentations(n_train, n_test)
    assert all(0 <= one.chance < 1 for one in trials)
    assert all((one.valence is not None) == (one.phase == Phase.WASH_OUT) for one in trials)
    assert {one.valence for one in trials[:wash_out]} <= {-1.0, 1.0}


@given(schedule=SCHEDULES, n_train=SIZES, n_test=SIZES, seed=SEEDS)
def test_the_order_follows_from_the_seed_alone(schedule, n_train, n_test, seed):
    once = schedule.trials(n_train, n_test, seed, wash_out=3)
    assert once == schedule.trials(n_train, n_test, seed, wash_out=3)
    assert schedule.warm_ups(n_train, seed) == schedule.warm_ups(n_train, seed)


def test_no_label_can_change_the_order_since_none_is_given():
    for method in (Schedule.trials, Schedule.warm_ups):
        assert not any(
            "label" in name or name.endswith("_z") for name in signature(method).parameters
        )


def test_another_seed_is_another_order_and_each_block_has_its_own():
    schedule = Schedule(training_blocks=2, repeats=2)
    assert schedule.trials(20, 20, 1) != schedule.trials(20, 20, 2)
    rows = [one.stimulus for one in schedule.trials(20, 20, 1)]
    blocks = [rows[begin : begin + 20] for begin in (0, 20, 40, 60)]
    assert all(sorted(block) == list(range(20)) for block in blocks)
    assert blocks[0] != blocks[1]
    assert blocks[2] != blocks[3]


def test_all_training_comes_first_by_default():
    trials = Schedule(catch=3, anchors=3, training_blocks=2).trials(5, 9, 0)
    assert {one.phase for one in trials[:10]} == {Phase.TRAINING}
    assert Phase.TRAINING not in {one.phase for one in trials[10:]}


@given(n_train=SIZES, n_test=SIZES, blocks=st.integers(1, 3), catch=st.integers(0, 3), seed=SEEDS)
def test_alternating_never_asks_before_the_training_that_is_due(
    n_train, n_test, blocks, catch, seed
):
    schedule = Schedule(order="alternating", training_blocks=blocks, catch=catch)
    trials = schedule.trials(n_train, n_test, seed)
    trained = asked = 0
    for one in trials:
        if one.phase == Phase.TRAINING:
            trained += 1
            continue
        asked += 1
        due = asked * n_train * blocks / (n_test + catch)
        assert due <= trained < due + 1
    assert trials[0].phase == Phase.TRAINING
    assert trained == n_train * blocks


def test_alternating_runs_the_same_trials_as_training_first():
    one, other = (
        Schedule(order=order, catch=2, anchors=2).trials(6, 18, 4)
        for order in ("training first", "alternating")
    )
    key = lambda trial: (trial.phase, trial.stimulus, trial.chance)  # noqa: E731
    assert sorted(one, key=key) == sorted(other, key=key)


def test_warm_ups_are_marked_so_and_show_training_stimuli():
    warm_ups = Schedule(warm_up=50).warm_ups(4, 9)
    assert {one.phase for one in warm_ups} == {Phase.WARM_UP}
    assert {one.stimulus for one in warm_ups} == set(range(4))
    assert Schedule().warm_ups(4, 9) == ()


def test_extra_trials_stand_anywhere_in_the_test():
    places = {
        at
        for seed in range(200)
        for at, one in enumerate(Schedule(catch=1).trials(1, 4, seed)[1:])
        if one.phase == Phase.CATCH
    }
    assert places == set(range(5))


@pytest.mark.parametrize("name", [field.name for field in fields(Schedule)])
def test_the_document_has_the_same_settings_with_the_same_defaults(name):
    from protocols.session_document import ScheduleSection

    assert getattr(ScheduleSection(), name) == getattr(Schedule(), name)
    assert set(ScheduleSection.model_fields) == {field.name for field in fields(Schedule)}
    assert ScheduleSection().build() == Schedule()

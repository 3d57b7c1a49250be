"""How a search goes, against sums over the rows of small stores."""

import json
from collections import Counter

import numpy as np
import pytest
from odd_stores import zero_trials
from session_stores import experiment

from controller.analysis.figure_files import figure
from controller.analysis.plots.style import style
from controller.analysis.record import describe
from controller.analysis.sections import movement, search
from controller.analysis.sections.search import SEARCH
from controller.analysis.source import open_source
from controller.store import ARMS, CANDIDATE_STATUS


def told(source):
    return describe(source, (SEARCH,)).get("search")


@pytest.fixture(scope="module")
def source(finished):
    return open_source(finished.folder)


@pytest.fixture(scope="module")
def numbers(source):
    return told(source)


def rows_of(table, one):
    arm, stage = ARMS.index(one["arm"]), one["stage"] - 1
    return [
        row for row in range(table.rows) if (table["arm"][row], table["stage"][row]) == (arm, stage)
    ]


def angle(a, b):
    a, b = a.astype(float), b.astype(float)
    return float(np.degrees(np.arccos(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))))


def test_each_stage_of_each_arm_is_told_once(numbers):
    found = [(one["arm"], one["stage"], one["finished"]) for one in numbers["stages"]]
    assert found == [
        ("learner", 1, True),
        ("learner", 2, True),
        ("control", 1, True),
        ("control", 2, True),
    ]


def test_fitness_error_and_trials_are_those_of_the_rows(source, numbers):
    table = source.tables["generations"]
    for one in numbers["stages"]:
        rows = rows_of(table, one)
        assert one["generations"] == len(rows) == 6
        assert one["trials"] == sum(int(table["trials"][row]) for row in rows)
        for name in ("fitness_mean", "fitness_min", "error_mean"):
            values = [float(table[name][row]) for row in rows]
            expected = [None if np.isnan(value) else pytest.approx(value) for value in values]
            assert one["curve"][name] == expected
        assert one["curve"]["generation"] == [1, 2, 3, 4, 5, 6]
        assert one["fitness_lowest"] == pytest.approx(min(one["curve"]["fitness_min"]))
        assert one["fitness_recent"] == pytest.approx(np.mean(one["curve"]["fitness_mean"]))
    for arm in ARMS:
        mine = [one for one in numbers["stages"] if one["arm"] == arm]
        assert numbers["trials"][arm] == sum(one["trials"] for one in mine)
        assert mine[-1]["curve"]["trials"][-1] == numbers["trials"][arm]


def test_spread_and_states_are_those_of_the_candidates(source, numbers):
    table = source.tables["candidates"]
    for one in numbers["stages"]:
        rows = [row for row in rows_of(table, one) if table["learner"][row] == 0]
        states = Counter(CANDIDATE_STATUS[table["status"][row]] for row in rows)
        assert one["slots"] == dict(states)
        for generation, sd in enumerate(one["curve"]["fitness_sd"]):
            here = [row for row in rows if table["generation"][row] == generation]
            values = [float(table["fitness"][row]) for row in here]
            assert sd == pytest.approx(np.std(values, ddof=1), rel=1e-5, abs=1e-9)
            if generation == 5:
                theta = table["theta"][here].astype(float)
                apart = np.sqrt(np.mean([np.sum((t - theta.mean(0)) ** 2) for t in theta]))
                length = np.sqrt(np.mean([np.sum(t**2) for t in theta]))
                assert one["spread_last"] == pytest.approx(apart / length)


def test_movement_is_the_angle_between_recommendations(source, numbers):
    table = source.tables["generations"]
    for one in numbers["stages"]:
        theta = [table["recommended"][row] for row in rows_of(table, one)]
        steps = one["curve"]["step_deg"]
        assert steps[0] is None
        for step, a, b in zip(steps[1:], theta[:-1], theta[1:], strict=True):
            assert step == pytest.approx(angle(a, b), abs=0.05)
        assert one["turned_deg"] == pytest.approx(angle(theta[0], theta[-1]), abs=0.05)


def test_blocks_change_nothing(source, numbers, monkeypatch):
    monkeypatch.setattr(movement, "BLOCK", 2)
    assert told(source) == numbers


def test_a_long_curve_is_thinned_and_ends_where_the_search_does(source, numbers, monkeypatch):
    monkeypatch.setattr(search, "MOST_POINTS", 3)
    for one, whole in zip(told(source)["stages"], numbers["stages"], strict=True):
        curve = one.pop("curve")
        assert (curve["every"], curve["generation"]) == (2, [1, 3, 5, 6])
        for name in ("fitness_mean", "trials", "step_deg"):
            assert curve[name] == [whole["curve"][name][place] for place in (0, 2, 4, 5)]
        assert one == {key: value for key, value in whole.items() if key != "curve"}


def test_a_stage_that_was_stopped_is_not_finished_and_has_no_control(stopped):
    numbers = told(open_source(stopped.folder))
    assert [(one["arm"], one["finished"]) for one in numbers["stages"]] == [
        ("learner", True),
        ("learner", False),
    ]
    (table,) = SEARCH.tables(numbers)
    assert [row[0] for row in table.rows] == ["1", "2 (not finished)"]


def test_angles_are_exact_where_a_cosine_is_not():
    a = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    b = np.array([[1.0, 1e-5], [-2.0, 0.0], [1.0, 0.0], [3.0, 1e-9], [0.0, 5.0]])
    found = movement._angle(a, b)
    assert found[0] == pytest.approx(np.degrees(1e-5), rel=1e-6)
    assert found[1] == pytest.approx(180)
    assert np.isnan(found[2])
    assert found[3] == 0
    assert found[4] == pytest.approx(90)


def test_slots_that_failed_are_counted():
    codes = np.array([CANDIDATE_STATUS.index(name) for name in ("done", "void", "done", "failed")])
    assert search._statuses(codes) == {"done": 2, "failed": 1, "void": 1}


def test_before_the_first_generation_there_is_nothing_to_say(small, tmp_path):
    zero_trials(small(), tmp_path / "zero")
    assert told(open_source(tmp_path / "zero")) is None
    assert told(open_source(experiment(tmp_path / "e"))) is None


def test_the_lines_are_the_curves(numbers):
    json.dumps(numbers, allow_nan=False)
    fitness, moves = SEARCH.pictures
    with style():
        (axes,) = figure(fitness, numbers).axes
        (movement_axes,) = figure(moves, numbers).axes
    drawn = [line for line in axes.lines if len(line.get_xdata()) == 6]
    shown = [list(line.get_ydata()) for line in drawn]
    for one in numbers["stages"]:
        assert one["curve"]["fitness_mean"] in shown
    assert [list(line.get_xdata()) for line in drawn[-2:]] == [
        [1, 2, 3, 4, 5, 6],
        [7, 8, 9, 10, 11, 12],
    ]
    assert "2 stages" in axes.get_xlabel()
    assert movement_axes.get_ylabel().startswith("turn of θ")

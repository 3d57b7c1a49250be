"""Label functions and their bands, and the last generation's stimuli, against the rows."""

import json

import numpy as np
import pytest
from odd_stores import zero_trials

from controller.analysis.figure_files import figure
from controller.analysis.measures import function_values, shares
from controller.analysis.plots.style import style
from controller.analysis.record import describe
from controller.analysis.sections import label_map
from controller.analysis.sections.label_functions import LABEL_FUNCTIONS
from controller.analysis.sections.label_map import LABEL_MAP
from controller.analysis.sections.resampling import WIDER, band, resamples
from controller.analysis.source import Columns, open_source
from controller.runs import begin
from controller.store import ARMS

CIRCLE = ('space={kind="circle"}', "stages.count=1", "stages.generations=5")


@pytest.fixture(scope="module")
def source(finished):
    return open_source(finished.folder)


@pytest.fixture(scope="module")
def functions(source):
    return describe(source, (LABEL_FUNCTIONS,))["label_functions"]


@pytest.fixture(scope="module")
def circle(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("functions") / "circle"
    document = small(*CIRCLE, 'log.theta="recommended"', "objective.reference_points=64")
    assert begin(document, folder, control=False)
    return open_source(folder)


def last_thetas(source, one):
    table = source.tables["generations"]
    own = table["arm"] == ARMS.index(one["arm"])
    return table["recommended"][own & (table["stage"] == one["stage"] - 1)]


def test_a_function_is_the_mean_of_the_last_recommendations(finished, source, functions):
    space, labeller, basis = finished.design.space, finished.design.labeller, finished.basis
    points = np.asarray(space.reference(200), np.float64)
    for one in functions["stages"]:
        thetas = last_thetas(source, one)
        assert one["generations"] == len(thetas) == 6
        values = np.mean([function_values(space, labeller, t, points) for t in thetas], axis=0)
        assert one["mean"] == pytest.approx(sorted(values), abs=1e-5)
        at_nodes = np.mean([function_values(space, labeller, t, basis.points) for t in thetas], 0)
        for degree, share in shares(basis, at_nodes).items():
            assert one["share"][str(degree)] == pytest.approx(share, abs=1e-5)
        last = function_values(space, labeller, thetas[-1], points)
        assert one["last"] == pytest.approx(last[np.argsort(values, kind="stable")], abs=1e-4)


def test_the_band_is_around_the_function(functions):
    for one in functions["stages"]:
        mean, low, high = (np.array(one[name]) for name in ("mean", "low", "high"))
        assert np.all(low <= mean + 1e-6)
        assert np.all(mean <= high + 1e-6)
        assert one["band_width"] == pytest.approx(np.mean(high - low))
        for degree, share in one["share"].items():
            assert one["share_low"][degree] <= share + 1e-6
            assert one["share_high"][degree] >= share - 1e-6


def test_a_path_that_never_moves_has_a_band_without_width():
    low, high = band(np.ones(2), resamples(9, np.random.default_rng(0)) @ np.ones((9, 2)))
    assert np.allclose([low, high], 1)


def test_resamples_are_runs_of_neighbours_each_as_often_as_the_others():
    weights = resamples(9, np.random.default_rng(0), 4000)
    assert np.allclose(weights.sum(axis=1), 1)
    assert np.allclose(weights.mean(axis=0), 1 / 9, atol=0.004)
    for row in weights[:50] * 9:  # three runs of three
        runs = sum(np.roll(np.eye(9)[0], at) for at in range(3))
        known = np.array([np.roll(runs, at) for at in range(9)])
        assert any(
            np.allclose(row, known[a] + known[b] + known[c])
            for a in range(9)
            for b in range(a, 9)
            for c in range(b, 9)
        )


@pytest.mark.parametrize(
    ("generations", "correlation", "least"), [(20, 0.0, 0.95), (20, 0.5, 0.93), (40, 0.9, 0.8)]
)
def test_a_band_holds_the_truth_about_as_often_as_is_said(generations, correlation, least):
    random, held = np.random.default_rng(4), 0
    weights = resamples(generations, random)
    noise = random.normal(size=(200, generations + 100))
    path = np.zeros_like(noise)
    for at in range(1, noise.shape[1]):
        path[:, at] = correlation * path[:, at - 1] + noise[:, at]
    for values in path[:, -generations:]:
        low, high = band(values.mean(keepdims=True), (weights @ values)[:, None])
        held += int(low[0] <= 0 <= high[0])
    assert held / 200 >= least
    assert pytest.approx(2.69, abs=0.01) == WIDER


def test_on_a_circle_the_curve_is_over_the_angle(circle):
    numbers = describe(circle, (LABEL_FUNCTIONS,))["label_functions"]
    (one,) = numbers["stages"]
    assert (numbers["axis"], one["place"][0], one["place"][-1]) == ("angle φ (°)", 0, 360)
    assert one["mean"][0] == pytest.approx(one["mean"][-1], abs=1e-5)
    with style():
        (axes,) = figure(LABEL_FUNCTIONS.pictures[0], numbers).axes
    assert list(axes.lines[1].get_ydata()) == one["mean"]
    json.dumps(numbers, allow_nan=False)
    (table,) = LABEL_FUNCTIONS.tables(numbers)
    assert len(table.rows) == 1


def test_where_no_recommendation_was_kept_there_is_no_band(small, tmp_path):
    document = small(*CIRCLE, 'log.theta="none"', "objective.reference_points=64")
    assert begin(document, tmp_path / "none", control=False)
    assert not describe(open_source(tmp_path / "none"), (LABEL_FUNCTIONS,))


def by_hand(source, stage, generation):
    """Return every stimulus' labels and answers in the learner's generation, row by row."""
    candidates, trials = source.tables["candidates"], source.tables["trials"]
    place = {
        row
        for row in range(candidates.rows)
        if candidates["arm"][row] == 0
        and candidates["learner"][row] == 0
        and (candidates["stage"][row], candidates["generation"][row]) == (stage, generation)
    }
    found = {}
    for row in range(trials.rows):
        if int(trials["candidate"][row]) in place:
            labels, answers = found.setdefault(int(trials["stimulus"][row]), ([], []))
            labels.append(float(trials["label"][row]))
            answers.append(float(trials["answer"][row]))
    return found


def test_the_map_has_the_last_generations_stimuli_with_their_means(source):
    numbers = describe(source, (LABEL_MAP,))["label_map"]
    found = by_hand(source, 1, 5)
    assert (numbers["stage"], numbers["generation"]) == (2, 6)
    assert numbers["stimuli"] == len(found)
    assert numbers["trials"] == sum(len(labels) for labels, _ in found.values())
    x = source.tables["stimuli"]["x"]
    for at, stimulus in enumerate(sorted(found)):
        labels, answers = found[stimulus]
        known = [answer for answer in answers if not np.isnan(answer)]
        assert numbers["label"][at] == pytest.approx(np.mean(labels), abs=1e-6)
        expected = pytest.approx(np.mean(known), abs=1e-6) if known else None
        assert numbers["answer"][at] == expected
        longitude, latitude = np.radians(numbers["place"][at])
        there = [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ]
        assert there == pytest.approx(x[stimulus], abs=1e-5)


def test_no_other_trials_are_read(finished, monkeypatch):
    source, read = open_source(finished.folder, live=True), []
    trials, part = source.tables["trials"], Columns.part

    def watched(table, name, start, stop):
        if table is trials:
            read.append((start, stop))
        return part(table, name, start, stop)

    def whole(table, name):
        assert table is not trials, f"all of {name} was read"
        return part(table, name, 0, table.rows)

    monkeypatch.setattr(Columns, "part", watched)
    monkeypatch.setattr(Columns, "__getitem__", whole)
    assert describe(source, (LABEL_MAP,))
    episodes = finished.experiment.strategy.population * (5 + 6)  # trials of one
    assert {stop - start for start, stop in read} == {episodes}


def test_a_map_of_a_circle_is_drawn_over_the_angle(circle):
    numbers = describe(circle, (LABEL_MAP,))["label_map"]
    assert numbers["axes"] == ["angle φ (°)"]
    (picture,) = LABEL_MAP.pictures
    with style():
        labels, answers = figure(picture, numbers).axes
    offsets = labels.collections[0].get_offsets()
    assert sorted(offsets[:, 1]) == pytest.approx(sorted(numbers["label"]))
    answered = [one for one in numbers["answer"] if one is not None]
    assert len(answers.collections[0].get_offsets()) == len(answered) < len(numbers["label"])


def test_stimuli_elsewhere_lie_on_the_first_features_that_differ():
    x = np.random.default_rng(0).normal(size=(20, 5))
    x[:, 0] = 1
    axes, place = label_map._places(x)
    assert axes == ("feature 2 of 5", "feature 3 of 5")
    assert np.array_equal(place, x[:, 1:3])
    axes, place = label_map._places(np.linspace(-1, 1, 5)[:, None])
    assert (axes, place.shape) == (("feature 1 of 1",), (5, 1))
    axes, place = label_map._places(np.ones((3, 4)))
    assert place.shape == (3, 2)


def test_many_stimuli_are_thinned(source, monkeypatch):
    monkeypatch.setattr(label_map, "MOST_POINTS", 4)
    numbers = describe(source, (LABEL_MAP,))["label_map"]
    assert len(numbers["label"]) <= 4
    assert numbers["every"] > 1
    (picture,) = LABEL_MAP.pictures
    with style():
        drawn = figure(picture, numbers)
    assert "drawn" in drawn.axes[0].get_title()


def test_before_the_first_generation_there_is_nothing_to_map(small, tmp_path):
    zero_trials(small(), tmp_path / "zero")
    assert not describe(open_source(tmp_path / "zero"), (LABEL_MAP, LABEL_FUNCTIONS))

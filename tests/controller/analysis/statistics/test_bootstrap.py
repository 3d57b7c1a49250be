"""Bootstrap intervals hold the truth as often as they say, and units are what is resampled."""

import numpy as np
import pytest

from controller.analysis.statistics.bootstrap import FEWEST_UNITS, ratio_band, resampled
from controller.analysis.statistics.cell_means import cell_means
from controller.analysis.statistics.units import units


def test_resampled_sums_are_those_of_a_loop_over_drawn_units():
    sums = np.random.default_rng(1).normal(size=(7, 2))
    drawn = np.random.default_rng(0).integers(0, 7, (1000, 7))
    assert resampled(sums) == pytest.approx(np.array([sums[rows].sum(axis=0) for rows in drawn]))


def test_an_interval_is_the_quantiles_of_the_resamples_means():
    random = np.random.default_rng(2)
    counts = random.integers(1, 5, (9, 1)).astype(float)
    sums = random.normal(size=(9, 1)) * counts
    low, high = ratio_band(sums, counts)
    means = (resampled(sums) / resampled(counts))[:, 0]
    assert (low[0], high[0]) == pytest.approx(np.quantile(means, (0.025, 0.975)))


def test_few_units_have_no_interval_however_many_their_trials():
    counts = np.zeros((10, 2))
    counts[: FEWEST_UNITS - 1, 0] = 1000
    counts[:FEWEST_UNITS, 1] = 1
    low, high = ratio_band(counts * 0.5, counts)
    assert np.isnan([low[0], high[0]]).all()
    assert (low[1], high[1]) == (0.5, 0.5)


def test_nothing_at_all_has_no_interval():
    assert np.isnan(ratio_band(np.zeros((0, 3)), np.zeros((0, 3)))).all()


def test_intervals_over_episodes_hold_the_truth_as_often_as_they_say():
    random = np.random.default_rng(3)
    episode, held = np.repeat(np.arange(40), 10), 0
    for _ in range(200):
        values = random.normal(size=40)[episode] + 0.3 * random.normal(size=400)
        found = cell_means(values, np.zeros(400, int), units(episode), 1)
        held += bool(found.low[0] < 0 < found.high[0])
    assert held / 200 == pytest.approx(0.94, abs=0.05)


def test_means_of_cells_are_those_of_a_loop():
    random = np.random.default_rng(4)
    values, cell, unit = random.normal(size=90), random.integers(0, 3, 90), np.arange(90) // 9
    values[::7] = np.nan
    found = cell_means(values, cell, unit, 5)
    for one in range(3):
        own = values[(cell == one) & ~np.isnan(values)]
        assert (found.n[one], found.mean[one]) == (len(own), pytest.approx(own.mean()))
    assert found.n[3:].tolist() == [0, 0]
    assert np.isnan(found.mean[3:]).all()


def test_missing_values_alone_are_no_mean():
    nothing = cell_means(np.full(3, np.nan), np.zeros(3, int), np.arange(3), 1)
    assert nothing.n.tolist() == [0]
    assert np.isnan([nothing.mean, nothing.low, nothing.high]).all()


def test_units_are_episodes_without_gaps():
    assert units(np.array([7, 2, 2, 9])).tolist() == [1, 0, 0, 2]


def test_many_episodes_are_put_together_with_their_neighbours():
    unit = units(np.repeat(np.arange(10), 2), most=3)
    assert unit.tolist() == np.repeat([0, 0, 0, 0, 1, 1, 1, 2, 2, 2], 2).tolist()


def test_putting_independent_episodes_together_keeps_the_interval():
    random = np.random.default_rng(5)
    episode = np.repeat(np.arange(4000), 3)
    values = random.normal(size=4000)[episode]
    each, few = (
        cell_means(values, np.zeros(len(values), int), units(episode, most), 1)
        for most in (4000, 400)
    )
    assert few.high[0] - few.low[0] == pytest.approx(each.high[0] - each.low[0], rel=0.15)

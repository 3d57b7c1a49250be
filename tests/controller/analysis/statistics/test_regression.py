"""Least squares with clustered errors: the textbook's formula, and honest intervals."""

import math

import numpy as np
import pytest

from controller.analysis.statistics.regression import regress


def sample(random, clusters=12, size=20):
    cluster = np.repeat(np.arange(clusters), size)
    x = random.normal(size=clusters)[cluster] + random.normal(size=len(cluster))
    rest = random.normal(size=clusters)[cluster] + random.normal(size=len(cluster))
    return x, 0.5 + 2 * x + rest, cluster


def test_weights_and_errors_are_those_of_the_formula():
    x, y, cluster = sample(np.random.default_rng(0))
    X = np.stack([np.ones_like(x), x], axis=1)
    found = regress([X[:, 0], X[:, 1]], y, cluster)
    weight = np.linalg.lstsq(X, y, rcond=None)[0]
    rest, bread, meat = y - X @ weight, np.linalg.inv(X.T @ X), np.zeros((2, 2))
    for one in range(12):
        score = X[cluster == one].T @ rest[cluster == one]
        meat += np.outer(score, score)
    few = 12 / 11 * (len(y) - 1) / (len(y) - 2)
    assert found.weight == pytest.approx(weight)
    assert found.error == pytest.approx(np.sqrt(np.diag(few * bread @ meat @ bread)))
    assert found.r2 == pytest.approx(1 - rest.var() / y.var())
    assert (found.n, found.clusters) == (240, 12)


def test_intervals_hold_the_truth_as_often_as_they_say():
    random = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        x, y, cluster = sample(random)
        low, high = regress([np.ones_like(x), x], y, cluster).interval(1)
        held += low < 2 < high
    assert held / 300 == pytest.approx(0.93, abs=0.05)


def test_one_cluster_has_weights_and_no_errors():
    x, y, cluster = sample(np.random.default_rng(2))
    found = regress([np.ones_like(x), x], y, 0 * cluster)
    assert np.isfinite(found.weight).all()
    assert np.isnan(found.error).all()
    assert all(math.isnan(end) for end in found.interval(1))


@pytest.mark.parametrize(
    "second", [np.zeros(20), np.ones(20), np.full(20, 1e-8)], ids=["zero", "equal", "scaled"]
)
def test_what_cannot_be_told_apart_has_no_weights(second):
    assert regress([np.ones(20), second], np.arange(20.0), np.arange(20)) is None


def test_no_more_trials_than_columns_have_no_weights():
    assert regress([np.ones(2), np.arange(2.0)], np.arange(2.0), np.arange(2)) is None
    assert regress([np.ones(0), np.ones(0)], np.ones(0), np.zeros(0, int)) is None

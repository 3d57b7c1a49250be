"""A model that was fitted to recorded stimuli, and the recorded odours."""

import importlib.util

import jax
import numpy as np
import pytest

from protocols.spaces.base import SpaceError
from protocols.spaces.fitted import Fitted
from protocols.spaces.odours import Odours, read_odours

RNG = np.random.default_rng(0)
MIXED = RNG.normal(size=(400, 2)) @ np.array([[2.0, 1.0, 0.0], [0.0, 1.0, -1.0]]) + [1.0, 2.0, 3.0]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "recorded.npy"
    np.save(path, MIXED + 0.1 * RNG.normal(size=MIXED.shape))
    return str(path)


def test_samples_have_the_mean_and_the_covariance_of_the_data(source):
    space = Fitted(source=source, standardise=False, shrinkage=0.0)
    drawn = np.asarray(space.sample(20000, key=jax.random.key(0)), np.float64)
    data = np.load(source)
    np.testing.assert_allclose(drawn.mean(axis=0), data.mean(axis=0), atol=0.08)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(data.T), atol=0.15)


def test_standardised_data_give_standardised_stimuli(source):
    drawn = np.asarray(Fitted(source=source).sample(20000, key=jax.random.key(0)))
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(drawn.std(axis=0), 1, atol=0.05)


def test_a_rank_keeps_that_many_directions_of_their_own(source):
    space = Fitted(source=source, rank=1, shrinkage=0.0)
    drawn = np.asarray(space.sample(20000, key=jax.random.key(0)), np.float64)
    values = np.linalg.eigvalsh(np.cov(drawn.T))
    assert values[1] == pytest.approx(values[0], rel=0.1)
    assert values[2] > 1.5 * values[1]


def test_another_table_has_another_hash(source, tmp_path):
    np.save(tmp_path / "other.npy", MIXED)
    assert Fitted(source=source).sha256 != Fitted(source=str(tmp_path / "other.npy")).sha256


def test_a_rank_that_leaves_nothing_is_refused(source):
    with pytest.raises(SpaceError, match="rank must be below the number of features"):
        Fitted(source=source, rank=3)


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(SpaceError, match="no such file"):
        _ = Fitted(source=str(tmp_path / "nothing.npy")).dim


def test_odours_are_110_by_24_receptors_and_standardised_for_each():
    odours = Odours()
    assert odours.rows.shape == (110, 24)
    np.testing.assert_allclose(odours.rows.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(odours.rows.std(axis=0), 1)
    plain = Odours(standardise=False)
    assert plain.rows.min() < -50
    assert odours.sha256 == plain.sha256  # of the data; how they are scaled is in the document


def test_without_the_package_the_message_names_the_extra(monkeypatch):
    read_odours.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SpaceError, match=r"drosolf.*biasloop\[data\]"):
        read_odours()
    read_odours.cache_clear()

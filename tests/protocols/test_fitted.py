"""A Gaussian fitted to recorded stimuli: its moments are theirs, and it never runs out."""

import jax
import numpy as np
import pytest

from protocols.spaces.base import SpaceError
from protocols.spaces.fitted import Fitted
from protocols.spaces.odours import is_installed

ROWS = np.random.default_rng(1).normal(size=(40, 4)) @ np.diag([3, 2, 1, 0.5]) + 7


@pytest.fixture
def source(tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    return str(tmp_path / "rows.npy")


def covariance(space):
    return space.factor.T @ space.factor


def test_without_shrinkage_mean_and_covariance_are_those_of_the_rows(source):
    space = Fitted(source=source, standardise=False, shrinkage=0.0)
    np.testing.assert_allclose(space.mean, ROWS.mean(axis=0))
    np.testing.assert_allclose(covariance(space), np.cov(ROWS, rowvar=False), atol=1e-12)


def test_shrinkage_keeps_the_total_variance_and_ends_at_a_sphere(source):
    expected = np.cov(ROWS, rowvar=False)
    half, whole = (
        covariance(Fitted(source=source, standardise=False, shrinkage=part)) for part in (0.5, 1.0)
    )
    sphere = np.trace(expected) / 4 * np.eye(4)
    np.testing.assert_allclose(whole, sphere, atol=1e-12)
    np.testing.assert_allclose(half, (expected + sphere) / 2, atol=1e-12)


def test_a_rank_keeps_the_largest_variances_and_evens_out_the_others(source):
    full = np.linalg.eigvalsh(np.cov(ROWS, rowvar=False))
    space = Fitted(source=source, standardise=False, shrinkage=0.0, rank=1)
    kept = np.linalg.eigvalsh(covariance(space))
    np.testing.assert_allclose(kept, [*[full[:3].mean()] * 3, full[3]])


def test_samples_follow_the_key_and_have_the_fitted_moments(source):
    space = Fitted(source=source)
    a, b, c = (np.asarray(space.sample(50_000, key=jax.random.key(k))) for k in (0, 0, 1))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    np.testing.assert_allclose(a.mean(axis=0), space.mean, atol=0.02)
    np.testing.assert_allclose(np.cov(a, rowvar=False), covariance(space), atol=0.03)


@pytest.mark.parametrize("n", [5, 256, 300])
def test_reference_points_are_as_many_as_asked_and_always_the_same(source, n):
    first, again = (Fitted(source=source).reference(n) for _ in range(2))
    assert first.shape == (n, 4)
    assert np.array_equal(first, again)


def test_many_features_have_linear_basis_functions_only(tmp_path):
    np.save(tmp_path / "wide.npy", np.random.default_rng(0).normal(size=(60, 50)))
    assert Fitted(source=str(tmp_path / "wide.npy")).graded_basis().degrees.max() == 1


def test_too_large_a_rank_is_refused(source):
    with pytest.raises(SpaceError, match="got 4 of 4; use fewer, or 0 for all"):
        Fitted(source=source, rank=4)


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SpaceError, match="no such file"):
        _ = Fitted(source=str(tmp_path / "none.npy")).dim


@pytest.mark.skipif(not is_installed(), reason="needs drosolf")
def test_the_odours_have_a_name():
    assert Fitted(source="odours").dim == 24

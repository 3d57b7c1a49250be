"""Recorded odours as stimuli: what is read from the package, and what is said where it is not."""

import jax
import numpy as np
import pytest

from protocols.spaces import odours
from protocols.spaces.base import SpaceError
from protocols.spaces.odours import Odours, read_odours

installed = pytest.mark.skipif(not odours.is_installed(), reason="needs drosolf")
LINE = "name,{},1-2-3\n"


@pytest.fixture
def fresh():
    """Read the file anew in this test, and again after it."""
    read_odours.cache_clear()
    yield
    read_odours.cache_clear()


def written(tmp_path, monkeypatch, rows, cell="7"):
    line = LINE.format(",".join([cell] * 24))
    file = tmp_path / "odours.csv"
    file.write_text("glomeruli\nreceptors\n" + line * (rows + 1), encoding="utf-8")
    monkeypatch.setattr(odours, "_file", lambda: file)


@installed
def test_there_are_110_odours_by_24_receptors_in_spikes_per_second():
    space = Odours(standardise=False)
    assert (space.size, space.dim) == (110, 24)
    assert space.rows[0, :5].tolist() == [3, -21, 32, 10, 1]  # ammonium hydroxide
    assert (space.rows.min(), space.rows.max()) == (-52, 288)


@installed
def test_the_spontaneous_rates_below_the_odours_are_no_odour():
    assert Odours(standardise=False).rows[-1, :5].tolist() == [16, -11, 21, -13, 24]


@installed
def test_standardised_receptors_have_mean_0_and_standard_deviation_1():
    rows = Odours().rows
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(rows.std(axis=0), 1, atol=1e-12)


@installed
def test_sampled_odours_are_different_rows():
    drawn = np.asarray(Odours(standardise=False).sample(110, key=jax.random.key(0)))
    rows = Odours(standardise=False).rows
    assert np.array_equal(np.unique(drawn, axis=0), np.unique(rows, axis=0))


@installed
def test_basis_functions_are_principal_components_by_rank():
    space = Odours()
    basis = space.graded_basis()
    variances = np.linalg.eigvalsh(np.cov(space.rows, rowvar=False, bias=True))[::-1]
    along = basis.values[:, 1:].T @ space.rows / 110
    np.testing.assert_allclose(np.sum(along**2, axis=1), variances, atol=1e-9)
    assert basis.degrees.tolist() == list(range(25))


@pytest.mark.usefixtures("fresh")
def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SpaceError, match=r"drosolf, which isn't installed; `pip install .*data"):
        _ = Odours().size


@pytest.mark.usefixtures("fresh")
def test_a_file_with_another_number_of_odours_is_refused(tmp_path, monkeypatch):
    written(tmp_path, monkeypatch, rows=109)
    with pytest.raises(SpaceError, match=r"expected 110 odours × 24 receptors, got \(109, 24\)"):
        read_odours()


@pytest.mark.usefixtures("fresh")
def test_a_file_with_something_else_than_numbers_is_refused(tmp_path, monkeypatch):
    written(tmp_path, monkeypatch, rows=110, cell="much")
    with pytest.raises(SpaceError, match="expected numbers between name and CAS"):
        read_odours()

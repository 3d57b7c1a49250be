"""What every stimulus space promises. A new space is added to the fixture and is tested."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import protocols.spaces
from protocols.registry import discover
from protocols.spaces.base import AbstractSpace
from protocols.spaces.circle import Circle
from protocols.spaces.disk import Disk
from protocols.spaces.fitted import Fitted
from protocols.spaces.harmonics import spherical, spherical_reference
from protocols.spaces.images import Images
from protocols.spaces.interval import Interval
from protocols.spaces.odours import Odours
from protocols.spaces.sphere import Sphere
from protocols.spaces.table import Table

ROWS = np.random.default_rng(0).normal(size=(60, 4))


KINDS = ["circle", "disk", "fitted", "images", "interval", "odours", "sphere", "table"]


@pytest.fixture(params=[*KINDS, "sphere5"])
def space(request, tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    np.save(tmp_path / "images.npy", ROWS.reshape(60, 2, 2) / 10 + 0.5)
    np.save(tmp_path / "classes.npy", np.arange(60) % 3)
    return {
        "sphere": Sphere(),
        "sphere5": Sphere(dimensions=5),
        "circle": Circle(),
        "disk": Disk(),
        "interval": Interval(),
        "fitted": Fitted(source=str(tmp_path / "rows.npy"), rank=2),
        "odours": Odours(),
        "table": Table(path=str(tmp_path / "rows.npy")),
        "images": Images(
            source=str(tmp_path / "images.npy"), labels=str(tmp_path / "classes.npy"), held_out=0.0
        ),
    }[request.param]


def test_every_kind_that_is_found_is_a_case_here():
    found = discover(protocols.spaces, AbstractSpace, "biasloop.spaces")
    assert set(found) == set(KINDS)


def test_samples_are_distinct_points_of_the_space_and_follow_the_key(space):
    a, b, c = (np.asarray(space.sample(50, key=jax.random.key(k))) for k in (0, 0, 1))
    assert a.shape == (50, space.dim)
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert len(np.unique(a, axis=0)) == 50


def test_the_basis_is_orthonormal_under_its_quadrature(space):
    basis = space.graded_basis()
    gram = basis.values.T @ (basis.weights[:, None] * basis.values)
    np.testing.assert_allclose(gram, np.eye(len(basis.degrees)), atol=1e-8)
    assert basis.weights.sum() == pytest.approx(1)
    assert list(basis.degrees) == sorted(basis.degrees)
    np.testing.assert_allclose(basis.values[:, basis.degrees == 0], 1, atol=1e-8)


def test_the_quadrature_and_the_reference_points_agree_with_samples(space):
    """Means of a smooth function under p(x), in three ways."""
    if space.size is not None:
        samples = space.sample(space.size, key=jax.random.key(0))
    else:
        samples = space.sample(40_000, key=jax.random.key(0))

    def mean(x, weights=None):
        return np.average(np.cos(2 * np.asarray(x)[:, 0] + 0.3), weights=weights)

    basis = space.graded_basis()
    by_quadrature = mean(basis.points, basis.weights)
    assert mean(samples) == pytest.approx(by_quadrature, abs=0.015)
    tolerance = 0.05 if isinstance(space, Sphere) and space.dim > 3 else 0.01
    assert mean(space.reference(512)) == pytest.approx(by_quadrature, abs=tolerance)


def test_a_table_is_standardised_unless_told_otherwise(tmp_path):
    np.save(tmp_path / "rows.npy", 5 + 3 * ROWS)
    path = str(tmp_path / "rows.npy")
    rows = Table(path=path).rows
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(rows.std(axis=0), 1, atol=1e-12)
    np.testing.assert_allclose(Table(path=path, standardise=False).rows, 5 + 3 * ROWS)


def test_a_csv_file_with_a_header_gives_the_same_rows(tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    lines = ["a,b,c,d", *(",".join(map(repr, map(float, row))) for row in ROWS)]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    npy, csv = (Table(path=str(tmp_path / f"rows.{kind}")) for kind in ("npy", "csv"))
    assert np.array_equal(npy.rows, csv.rows)
    assert npy.sha256 == csv.sha256


def test_harmonics_evaluated_as_polynomials_equal_scipys():
    x = Sphere().reference(400)
    got = spherical(jnp.asarray(x, jnp.float32), 4)
    np.testing.assert_allclose(got, spherical_reference(x, 4)[:, 1:], atol=2e-5)

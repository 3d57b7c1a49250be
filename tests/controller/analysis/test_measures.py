"""The numbers behind every table and figure, against values known otherwise."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import eval_legendre, sph_harm_y

from controller.analysis.measures import (
    affine_fit,
    cosine,
    function_values,
    held_out,
    shares,
    variance,
)
from controller.labellers.harmonics import Harmonics
from controller.labellers.mlp import MLP
from learners.ridge import Ridge
from protocols.spaces.circle import Circle
from protocols.spaces.disk import Disk
from protocols.spaces.harmonics import fourier, spherical, spherical_reference
from protocols.spaces.interval import Interval
from protocols.spaces.sphere import Sphere, gauss_legendre_sphere
from protocols.spaces.table import Table

EXACT = {"sphere": Sphere(), "circle": Circle(), "disk": Disk(), "interval": Interval()}


@pytest.fixture(params=[*EXACT, "table", "sphere5"])
def space(request, tmp_path):
    if request.param == "table":
        np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(80, 4)))
        return Table(path=str(tmp_path / "rows.npy"))
    return Sphere(dimensions=5) if request.param == "sphere5" else EXACT[request.param]


def on_interval(function):
    basis = Interval().graded_basis()
    return basis, function(basis.points[:, 0])


def test_a_graded_basis_is_orthonormal_under_its_quadrature(space):
    basis = space.graded_basis()
    gram = (basis.values * basis.weights[:, None]).T @ basis.values
    assert np.abs(gram - np.eye(len(gram))).max() <= 1e-8
    assert basis.weights.sum() == pytest.approx(1, abs=1e-12)
    assert np.allclose(basis.values[:, basis.degrees == 0], 1)


@pytest.mark.parametrize("kind", EXACT)
def test_a_basis_function_has_all_its_share_in_its_own_degree(kind):
    basis = EXACT[kind].graded_basis()
    for column, degree in enumerate(basis.degrees):
        share = shares(basis, 3 * basis.values[:, column])
        assert share[int(degree)] == pytest.approx(1, abs=1e-8)
        assert sum(share.values()) == pytest.approx(1, abs=1e-8)


def test_sphere_quadrature_integrates_monomials_exactly():
    x, w = gauss_legendre_sphere(8, 16)
    for a, b, c in [(2, 0, 0), (0, 4, 0), (2, 2, 2), (6, 4, 4), (1, 2, 0), (4, 6, 3)]:
        exact = 0.0
        if a % 2 == b % 2 == c % 2 == 0:
            # E x^a y^b z^c = Γ(3/2) Π Γ((a+1)/2) / (Γ(1/2)³ Γ((a+b+c+3)/2)) on the unit sphere
            halves = math.prod(math.gamma((k + 1) / 2) for k in (a, b, c))
            exact = math.gamma(1.5) * halves / math.gamma((a + b + c + 3) / 2) / math.pi**1.5
        assert w @ (x[:, 0] ** a * x[:, 1] ** b * x[:, 2] ** c) == pytest.approx(exact, abs=1e-14)


def test_disk_quadrature_integrates_radial_powers_exactly():
    basis = Disk().graded_basis()
    radius, phi = np.hypot(*basis.points.T), np.arctan2(basis.points[:, 1], basis.points[:, 0])
    for power in range(0, 60, 2):
        assert basis.weights @ radius**power == pytest.approx(2 / (power + 2), abs=1e-13)
        assert basis.weights @ (radius**power * np.cos(12 * phi)) == pytest.approx(0, abs=1e-13)


def test_the_interval_basis_is_legendre():
    basis = Interval().graded_basis()
    for degree in range(9):
        (column,) = basis.values[:, basis.degrees == degree].T
        legendre = math.sqrt(2 * degree + 1) * eval_legendre(degree, basis.points[:, 0])
        assert np.allclose(np.sign(column @ legendre) * column, legendre, atol=1e-8)


def test_zernike_polynomials_lie_in_their_degree():
    basis = Disk().graded_basis()
    r2 = np.sum(basis.points**2, axis=1)
    x, y = basis.points.T
    known = {1: x, 2: 2 * r2 - 1, 3: (3 * r2 - 2) * y, 4: 6 * r2**2 - 6 * r2 + 1}
    for degree, values in known.items():
        assert shares(basis, values)[degree] == pytest.approx(1, abs=1e-8)


def test_jax_harmonics_equal_scipys():
    x = np.asarray(Sphere().reference(300))
    with jax.enable_x64():
        ours = np.asarray(jax.jit(spherical, static_argnums=1)(jnp.asarray(x, jnp.float64), 6))
    assert np.abs(ours - spherical_reference(x, 6)[:, 1:]).max() <= 1e-10


def test_real_harmonics_span_scipys_complex_ones():
    x = np.asarray(Sphere().reference(200))
    polar, azimuth = np.arccos(x[:, 2]), np.arctan2(x[:, 1], x[:, 0])
    real = spherical_reference(x, 4)[:, 16:]
    for m in range(-4, 5):
        wanted = sph_harm_y(4, m, polar, azimuth)
        _, residual, rank, _ = np.linalg.lstsq(real, wanted, rcond=None)
        assert rank == 9
        assert abs(residual[0]) < 1e-20


def test_fourier_is_cosine_then_sine():
    angle = np.linspace(-3, 3, 50)
    x = jnp.asarray(np.stack([np.cos(angle), np.sin(angle)], axis=1), jnp.float32)
    expected = [f(k * angle) for k in (1, 2, 3) for f in (np.cos, np.sin)]
    assert np.allclose(
        jax.jit(fourier, static_argnums=1)(x, 3),
        math.sqrt(2) * np.stack(expected, axis=1),
        atol=1e-5,
    )


@pytest.mark.parametrize("space", [Sphere(), Circle()], ids=["sphere", "circle"])
def test_shares_of_a_linear_labeller_are_those_of_its_coefficients(space):
    labeller = Harmonics(degree=4, scale="none")
    theta = np.random.default_rng(1).normal(size=labeller.size(space)).astype(np.float32)
    theta *= 0.05  # small, so that no label is clipped
    per_degree = [2 * l + 1 if isinstance(space, Sphere) else 2 for l in range(1, 5)]
    parts = [np.sum(part**2) for part in np.split(theta, np.cumsum(per_degree)[:-1])]
    basis = space.graded_basis()
    share = shares(basis, function_values(space, labeller, theta, basis.points))
    assert [share[l] for l in range(1, 5)] == pytest.approx(parts / np.sum(theta**2), abs=1e-5)
    assert sum(share[l] for l in share if not 1 <= l <= 4) < 1e-9


def test_shares_equal_a_monte_carlo_least_squares_fit():
    rng = np.random.default_rng(2)
    space, labeller = Interval(), MLP(hidden=(5,), activation="tanh")
    theta = rng.normal(size=labeller.size(space)).astype(np.float32)
    basis = space.graded_basis()
    share = shares(basis, function_values(space, labeller, theta, basis.points))
    x = rng.uniform(-1, 1, size=(4000, 1))
    z = function_values(space, labeller, theta, x)
    coefficients = np.polynomial.legendre.legfit(x[:, 0], z, 12)
    for degree in range(4):
        expected = coefficients[degree] ** 2 / (2 * degree + 1) / np.mean(z**2)
        assert share[degree] == pytest.approx(expected, abs=0.02)


def test_variance_and_affine_fit_of_known_functions():
    basis, values = on_interval(lambda x: 2 + 3 * x)
    assert variance(basis, values) == pytest.approx(3, abs=1e-12)
    assert affine_fit(basis, values) == pytest.approx(1, abs=1e-12)
    basis, square = on_interval(lambda x: x**2)
    assert variance(basis, square) == pytest.approx(1 / 5 - 1 / 9, abs=1e-12)
    assert affine_fit(basis, square) == pytest.approx(0, abs=1e-12)


def test_cosines_of_known_functions():
    basis, x = on_interval(lambda x: x)
    _, cube = on_interval(lambda x: x**3)
    _, square = on_interval(lambda x: x**2)
    assert cosine(basis, x, -2 * x) == pytest.approx(-1, abs=1e-12)
    assert cosine(basis, x, square) == pytest.approx(0, abs=1e-12)
    assert cosine(basis, x, cube) == pytest.approx((1 / 5) / math.sqrt(1 / 21), abs=1e-12)


def test_a_function_that_is_zero_has_no_shares_no_cosine_and_no_fit():
    basis, zero = on_interval(np.zeros_like)
    assert all(math.isnan(share) for share in shares(basis, zero).values())
    assert math.isnan(cosine(basis, zero, zero + 1))
    assert math.isnan(affine_fit(basis, zero))
    assert variance(basis, zero) == 0


@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_held_out_error_of_a_constant_function_is_not_a_number_to_show(bias):
    space, labeller = Interval(), MLP(hidden=())
    theta = np.array([0, bias], np.float32)
    found = held_out(
        space, labeller, Ridge(), theta, n_train=4, power=0.0, key=jax.random.key(0), learners=3
    )
    assert not math.isfinite(found.median)


def test_a_table_is_tested_on_rows_that_were_not_trained_on(tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(30, 2)))
    space, labeller = Table(path=str(tmp_path / "rows.npy")), MLP(hidden=())
    theta = np.array([0.1, -0.1, 0], np.float32)
    found = held_out(
        space, labeller, Ridge(), theta, n_train=25, power=1.0, key=jax.random.key(0), learners=3
    )
    assert 0 <= found.lower <= found.median <= found.upper

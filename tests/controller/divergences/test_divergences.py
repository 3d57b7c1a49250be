"""What every divergence promises. A new divergence is added to CASES and is tested."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import controller.divergences
from controller.divergences.base import AbstractDivergence, uniform_quantiles
from controller.divergences.energy import Energy
from controller.divergences.mmd import MMD
from controller.divergences.sinkhorn import Sinkhorn
from controller.divergences.variance import Variance
from controller.divergences.wasserstein import Wasserstein
from protocols.registry import discover

CASES = [Wasserstein(), Energy(), MMD(), Sinkhorn(), Variance()]
LABELS = jnp.asarray(np.random.default_rng(0).beta(2, 5, size=64), jnp.float32)


def test_every_kind_that_is_found_is_a_case_here():
    found = discover(controller.divergences, AbstractDivergence, "biasloop.divergences")
    assert set(found) == {case.kind for case in CASES}


@pytest.mark.parametrize("divergence", CASES, ids=repr)
class TestEveryDivergence:
    def test_is_about_zero_for_uniform_labels_in_any_order(self, divergence):
        shuffled = np.random.default_rng(1).permutation(uniform_quantiles(64))
        assert float(divergence(jnp.asarray(shuffled))) == pytest.approx(0, abs=2e-4)

    def test_is_largest_for_constant_labels(self, divergence):
        constant = divergence(jnp.full(64, 0.1))
        assert float(constant) > float(divergence(LABELS)) > 1e-3

    def test_has_a_finite_gradient_even_where_labels_are_equal(self, divergence):
        for labels in (LABELS, jnp.zeros(64)):
            assert bool(jnp.all(jnp.isfinite(jax.grad(divergence)(labels))))


def test_wasserstein_equals_the_optimal_assignment():
    from scipy.optimize import linear_sum_assignment

    cost = (np.asarray(LABELS)[:, None] - np.asarray(uniform_quantiles(64))[None]) ** 2
    rows, columns = linear_sum_assignment(cost)
    assert float(Wasserstein()(LABELS)) == pytest.approx(cost[rows, columns].mean(), rel=1e-5)


def test_energy_equals_scipys_squared_energy_distance():
    expected = stats.energy_distance(np.asarray(LABELS), np.asarray(uniform_quantiles(64))) ** 2
    assert float(Energy()(LABELS)) == pytest.approx(expected, rel=1e-4)


def test_sinkhorn_tends_to_wasserstein_as_its_smoothing_vanishes():
    exact = float(Wasserstein()(LABELS))
    gaps = [
        abs(float(Sinkhorn(epsilon=epsilon, iterations=2000)(LABELS)) - exact)
        for epsilon in (0.3, 0.03, 0.003)
    ]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.02 * exact


def test_mmd_equals_its_double_sums():
    a, b = np.asarray(LABELS, np.float64), np.asarray(uniform_quantiles(64), np.float64)

    def kernel(u, v):
        squared = (u[:, None] - v[None]) ** 2
        return np.mean([np.exp(-squared / (2 * s**2)) for s in (0.1, 0.3, 1.0)])

    expected = kernel(a, a) + kernel(b, b) - 2 * kernel(a, b)
    assert float(MMD()(LABELS)) == pytest.approx(expected, rel=1e-3)


def test_variance_asks_for_its_target_only():
    assert float(Variance(target=0.25)(jnp.array([-0.5, 0.5] * 8))) == pytest.approx(0, abs=1e-12)

import jax
import jax.numpy as jnp
import pytest

from controller.divergences.variance import Variance
from controller.objective import FreeTerms, Objective

OBJECTIVE = Objective(
    error="over_power", error_weight=2.0, divergence=Variance(weight=3.0), orthogonality_weight=5.0
)


def test_orthogonality_is_the_sum_of_squared_cosines_to_earlier_functions():
    x = jnp.linspace(-1, 1, 4001)
    earlier = jnp.stack([jnp.ones_like(x), x, jnp.zeros_like(x)])
    labels = 0.3 + 0.4 * x
    constant, linear = 0.09, 0.16 / 3
    free = OBJECTIVE.free_terms(labels, earlier)
    assert float(free.orthogonality) == pytest.approx(1.0, abs=1e-3)
    one = OBJECTIVE.free_terms(labels, earlier.at[1].set(0))
    assert float(one.orthogonality) == pytest.approx(constant / (constant + linear), abs=1e-3)


def test_a_function_that_is_zero_everywhere_has_a_finite_gradient():
    def term(labels):
        return OBJECTIVE.free_terms(labels, jnp.zeros((2, 8))).orthogonality

    assert bool(jnp.all(jnp.isfinite(jax.grad(term)(jnp.zeros(8)))))


def test_the_error_over_power_does_not_change_with_the_scale_of_the_labels():
    labels, answers = jnp.array([0.1, -0.2, 0.3]), jnp.array([0.0, -0.1, 0.1])
    small, _ = OBJECTIVE.generalisation_errors(labels, answers[None], jnp.array(0.04))
    large, _ = OBJECTIVE.generalisation_errors(3 * labels, 3 * answers[None], jnp.array(0.36))
    assert float(small[0]) == pytest.approx(0.02 / 0.04, rel=1e-3)
    assert float(large[0]) == pytest.approx(float(small[0]), rel=1e-3)


def test_the_standard_error_is_that_of_the_mean_over_test_trials():
    labels = jnp.array([1.0, 2.0, 3.0, 4.0])
    plain = Objective("mse", 1.0, Variance(), 0.0)
    mean, se = plain.generalisation_errors(labels, jnp.zeros((1, 4)), jnp.array(1.0))
    assert float(mean[0]) == pytest.approx(7.5)
    assert float(se[0]) == pytest.approx((129 / 3) ** 0.5 / 2, rel=1e-5)


def test_terms_are_combined_by_their_weights_and_the_control_leaves_the_error_out():
    free = FreeTerms(jnp.array(1.0), jnp.array(0.1), jnp.array(0.01))
    assert float(OBJECTIVE.fitness(jnp.array(0.5), free, jnp.array(1.0))) == pytest.approx(1.35)
    assert float(OBJECTIVE.fitness(jnp.array(0.5), free, jnp.array(0.0))) == pytest.approx(0.35)

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.ridge import Ridge


def test_ridge_solves_the_normal_equations():
    rng = np.random.default_rng(0)
    x, z, x_test = rng.normal(size=(9, 2)), rng.normal(size=9), rng.normal(size=(4, 2))
    expected = x_test @ np.linalg.solve(x.T @ x + 0.3 * np.eye(2), x.T @ z)
    got = Ridge(ridge=0.3).fit_predict(*map(jnp.asarray, (x, z, x_test)), key=jax.random.key(0))
    np.testing.assert_allclose(got, expected, rtol=1e-4)


def test_an_intercept_lets_ridge_learn_a_constant():
    x = jnp.zeros((5, 2))
    learner = Ridge(ridge=1e-4, intercept=True)
    got = learner.fit_predict(x, jnp.full(5, 0.7), x[:1], key=jax.random.key(0))
    np.testing.assert_allclose(got, [0.7], rtol=1e-3)


def test_what_it_isnt_taught_enough_it_goes_on_believing():
    rng = np.random.default_rng(1)
    x, z, x_test = rng.normal(size=(9, 2)), rng.normal(size=9), rng.normal(size=(4, 2))
    innate = np.array([0.5, -0.2])
    learnt = np.linalg.solve(x.T @ x + 0.3 * np.eye(2), x.T @ (z - x @ innate))
    learner = Ridge(ridge=0.3, innate=(0.5, -0.2))
    got = learner.fit_predict(*map(jnp.asarray, (x, z, x_test)), key=jax.random.key(0))
    np.testing.assert_allclose(got, x_test @ (innate + learnt), rtol=1e-4)
    with pytest.raises(ValueError, match="expected 3 numbers"):
        learner.check(np.zeros((5, 3)))

"""The delta rule: what its equation says, trial by trial."""

import jax
import jax.numpy as jnp
import numpy as np

from learners.delta_rule import DeltaRule

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X, Z, X_TEST = RNG.normal(size=(5, 3)), RNG.normal(size=5), RNG.normal(size=(4, 3))


def answers(learner, x=X, z=Z):
    x, z, x_test = (jnp.asarray(a, jnp.float32) for a in (x, z, X_TEST))
    return np.asarray(learner.fit_predict(x, z, x_test, key=KEY))


def test_it_is_the_equation():
    w = np.zeros(4)
    for _ in range(2):
        for x, z in zip(X, Z, strict=True):
            f = np.array([1.0, *x])
            w = w + 0.4 * f * (z - f @ w) / (1 + 0.4 * f @ f)
    expected = np.array([[1.0, *x] for x in X_TEST]) @ w
    np.testing.assert_allclose(answers(DeltaRule(rate=0.4, passes=2)), expected, rtol=1e-4)


def test_what_came_last_counts_most():
    fast = DeltaRule(rate=1e4)
    assert not np.allclose(answers(fast), answers(fast, X[::-1], Z[::-1]), rtol=0.1)
    x, z = jnp.asarray(X, jnp.float32), jnp.asarray(Z, jnp.float32)
    about_the_last = fast.fit_predict(x, z, x[-1:], key=KEY)
    np.testing.assert_allclose(about_the_last, z[-1:], rtol=1e-2)

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.random_features import RandomFeatures

RNG = np.random.default_rng(0)
X, Z, X_TEST = RNG.normal(size=(20, 3)), RNG.normal(size=20), RNG.normal(size=(5, 3))


@pytest.mark.parametrize("width", [8, 20, 50], ids=["primal", "square", "dual"])
def test_both_forms_are_ridge_regression_on_relu_features(width):
    key = jax.random.key(4)
    got = RandomFeatures(width=width, ridge=0.1).fit_predict(
        *(jnp.asarray(a, jnp.float32) for a in (X, Z, X_TEST)), key=key
    )
    weights = np.asarray(jax.random.normal(key, (3, width)), np.float64) / np.sqrt(width)
    h, h_test = np.maximum(X @ weights, 0), np.maximum(X_TEST @ weights, 0)
    expected = h_test @ np.linalg.solve(h.T @ h + 0.1 * np.eye(width), h.T @ Z)
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)


def test_a_fixed_first_layer_ignores_the_episode_and_a_redrawn_one_does_not():
    data = [jnp.asarray(a, jnp.float32) for a in (X, Z, X_TEST)]
    for first_layer, alike in (("fixed", True), ("redrawn", False)):
        learner = RandomFeatures(first_layer=first_layer)
        a, b = (learner.fit_predict(*data, key=jax.random.key(k)) for k in (1, 2))
        assert np.array_equal(a, b) is alike


def test_a_feature_with_scale_zero_is_not_seen():
    learner = RandomFeatures(input_scale=(0.0, 1.0, 1.0))
    data = [jnp.asarray(a, jnp.float32) for a in (X, Z, X_TEST)]
    moved = [data[0].at[:, 0].set(9.0), data[1], data[2].at[:, 0].set(-9.0)]
    key = jax.random.key(0)
    assert np.array_equal(learner.fit_predict(*data, key=key), learner.fit_predict(*moved, key=key))


def test_a_wrong_number_of_scales_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match=r"expected 3 numbers.*got 2"):
        RandomFeatures(input_scale=(1.0, 1.0)).check(X)

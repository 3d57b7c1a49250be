"""What every learner promises. A new learner is added to CASES and is tested."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import learners
from learners.base import AbstractLearner
from learners.dot_product_kernel import DotProductKernel
from learners.random_features import RandomFeatures
from learners.ridge import Ridge
from protocols.registry import discover, settings_for

CASES = [
    Ridge(),
    Ridge(intercept=True, ridge=0.1),
    RandomFeatures(),
    RandomFeatures(width=5, first_layer="fixed"),
    RandomFeatures(input_scale=(2.0, 1.0, 0.5)),
    DotProductKernel(),
]


def sphere(key, n):
    x = jax.random.normal(jax.random.key(key), (n, 3))
    return x / jnp.linalg.norm(x, axis=1, keepdims=True)


X, X_TEST = sphere(1, 12), sphere(2, 7)
Z = jnp.tanh(2 * X[:, 0] - X[:, 1])


def answers(learner, z=Z, key=0):
    return learner.fit_predict(X, z, X_TEST, key=jax.random.key(key))


def test_every_kind_that_is_found_is_a_case_here():
    found = discover(learners, AbstractLearner, "biasloop.learners")
    assert set(found) == {case.kind for case in CASES}


@pytest.mark.parametrize("learner", CASES, ids=repr)
class TestEveryLearner:
    def test_answers_every_test_stimulus_with_a_finite_number(self, learner):
        result = answers(learner)
        assert result.shape == (7,)
        assert bool(jnp.all(jnp.isfinite(result)))

    def test_gives_the_same_answers_for_the_same_key(self, learner):
        assert np.array_equal(answers(learner, key=3), answers(learner, key=3))

    def test_depends_on_the_training_labels(self, learner):
        assert not np.allclose(answers(learner), answers(learner, z=-Z))

    def test_its_derivative_in_the_labels_is_that_of_finite_differences(self, learner):
        direction = jnp.cos(jnp.arange(12.0))
        step = 1e-2
        _, derivative = jax.jvp(lambda z: answers(learner, z), (Z,), (direction,))
        ahead, behind = (answers(learner, Z + s * direction) for s in (step, -step))
        np.testing.assert_allclose(derivative, (ahead - behind) / (2 * step), rtol=0.02, atol=0.02)

    def test_maps_over_a_batch_of_episodes(self, learner):
        keys = jax.random.split(jax.random.key(0), 4)
        labels = jnp.stack([Z, -Z, 0.5 * Z, Z**2])
        batch = jax.vmap(lambda z, k: learner.fit_predict(X, z, X_TEST, key=k))(labels, keys)
        one = learner.fit_predict(X, labels[2], X_TEST, key=keys[2])
        np.testing.assert_allclose(batch[2], one, rtol=2e-3, atol=2e-4)

    def test_accepts_unit_vectors_of_three_features(self, learner):
        learner.check(np.asarray(X, np.float64))

    def test_can_be_described_in_a_document_and_built_again(self, learner):
        model = settings_for(type(learner))
        fields = {name: getattr(learner, name) for name in model.model_fields if name != "kind"}
        assert model(kind=learner.kind, **fields).build() == learner

"""The examples that need no store: small forms of what they claim."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.figures import idea_generator, idea_unsupervised
from sims.figures.noise_generator import generate, initial


def test_generated_inputs_are_white_and_labels_as_wide_as_uniform_ones():
    weights = initial(idea_generator.WIDTHS, key=jax.random.key(0))
    x, z = idea_generator.white(generate(weights, 500, key=jax.random.key(1)))
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(x.T @ x / 500, np.eye(3), atol=1e-3)
    assert float(jnp.var(z)) == pytest.approx(1 / 3, rel=1e-3)


def test_a_generator_makes_data_that_its_learner_finds_easier_than_without_it():
    ours, control = (
        idea_generator.make(1, steps=300, learner_weight=weight)
        for weight in (idea_generator.ERROR_WEIGHT, 0.0)
    )
    assert ours.g_over_var < 0.5 * control.g_over_var


def test_the_principal_subspace_is_that_of_the_eigenvectors():
    x = jax.random.normal(jax.random.key(0), (200, 5)) * jnp.array([5.0, 4.0, 0.3, 0.2, 0.1])
    basis = idea_unsupervised.principal_subspace(x, 2, key=jax.random.key(1))
    _, vectors = np.linalg.eigh(np.cov(np.asarray(x), rowvar=False))
    expected = vectors[:, -2:] @ vectors[:, -2:].T
    np.testing.assert_allclose(basis @ basis.T, expected, atol=1e-4)


def test_nothing_is_lost_of_data_in_the_subspace_and_its_gradient_is_finite():
    flat = jax.random.normal(jax.random.key(0), (60, 3)) @ jax.random.normal(
        jax.random.key(1), (3, 10)
    )
    full = jax.random.normal(jax.random.key(2), (60, 10))

    def loss(x):
        return idea_unsupervised.strain(x, train=20, key=jax.random.key(3))

    assert float(loss(flat)) < 1e-6
    assert float(loss(full)) > 0.1
    assert bool(jnp.all(jnp.isfinite(jax.grad(loss)(flat))))


def test_generated_data_come_to_lie_in_a_subspace_and_not_without_the_learner():
    ours, control = (
        idea_unsupervised.make(1, steps=400, learner_weight=weight)
        for weight in (idea_unsupervised.STRAIN_WEIGHT, 0.0)
    )
    assert ours.share > 0.95
    assert control.share < 0.8
    again = idea_unsupervised.make(1, steps=400, learner_weight=idea_unsupervised.STRAIN_WEIGHT)
    assert np.array_equal(again.spectrum, ours.spectrum)

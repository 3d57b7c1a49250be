"""The paper's further ideas: small versions that check what each claims."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from controller.document import load_experiment
from protocols.spaces.odours import is_installed
from sims.figures import idea_fitted, idea_generator, idea_odours, idea_together, idea_unsupervised
from sims.figures.evidence import LIBRARY, Settings, compute
from sims.figures.noise_generator import generate, initial


def few_steps(settings, steps):
    """Return a figure with the search cut short, but not as short as to show nothing."""
    variants = tuple(
        type(v)(
            v.name,
            v.document,
            (*v.overrides, f"stages.generations={steps}", f"strategy.decay_steps={steps}"),
        )
        for v in settings.variants
    )
    return Settings(settings.name, variants, settings.claims)


def rows_of(settings, tmp_path, steps=96):
    return {row.result: row for row in compute(few_steps(settings, steps), (0,), tmp_path).rows}


def test_what_the_set_agrees_on_is_easier_for_its_worst_than_what_one_found(tmp_path):
    rows = rows_of(idea_together.SETTINGS, tmp_path, steps=384)
    share = rows["share of w² on the shared input, set"]
    assert share.ours[0] > 0.8 > share.control[0]
    together = rows["worst g/Var of the set, set asked"]
    alone = rows["worst g/Var of the set, first alone asked"]
    assert together.ours[0] < 0.7 * alone.ours[0]


@pytest.mark.skipif(not is_installed(), reason="needs drosolf")
def test_labels_of_odours_follow_their_first_component_and_the_control_s_do_not(tmp_path):
    rows = rows_of(idea_odours.SETTINGS, tmp_path)
    share = rows["share of the odours' first principal component"]
    assert share.ours[0] > 0.6 > 2 * share.control[0]
    assert rows["control's g/Var over ours"].ours[0] > 3


@pytest.mark.skipif(not is_installed(), reason="needs drosolf")
def test_what_is_found_on_a_model_s_stimuli_is_easy_on_the_recorded_ones(tmp_path):
    rows = rows_of(idea_fitted.SETTINGS, tmp_path)
    recorded = rows["g/Var on the recorded odours"]
    assert recorded.ours[0] < 0.5 * recorded.control[0]
    axis = rows["share along the model's first principal axis"]
    assert axis.ours[0] > 2 * axis.control[0]


def test_more_odours_than_there_are_can_not_be_asked_for():
    if not is_installed():
        pytest.skip("needs drosolf")
    with pytest.raises(Exception, match="the table has 110 rows"):
        load_experiment(LIBRARY / "odours.toml", ("episode.test=90",))


def test_generated_inputs_are_white_and_labels_as_wide_as_uniform_ones():
    weights = initial((5, 8, 4), key=jax.random.key(0))
    x, z = idea_generator.white(generate(weights, 4000, key=jax.random.key(1)))
    np.testing.assert_allclose(np.cov(np.asarray(x).T, bias=True), np.eye(3), atol=1e-3)
    np.testing.assert_allclose([float(z.mean()), float(z.std())], [0, 3**-0.5], atol=1e-3)


def test_a_generator_of_data_and_labels_learns_what_its_learner_generalises():
    ours, control = (
        idea_generator.make(1, steps=1500, learner_weight=weight) for weight in (5.0, 0.0)
    )
    assert ours.g_over_var < 0.1 * control.g_over_var
    assert ours.share > 0.8 > control.share
    again = idea_generator.make(1, steps=1500, learner_weight=5.0)
    assert np.array_equal(ours.x, again.x)


def test_the_subspace_is_that_of_the_first_principal_components():
    x = jax.random.normal(jax.random.key(0), (200, 6)) * jnp.array([5, 4, 3, 0.3, 0.2, 0.1])
    basis = idea_unsupervised.principal_subspace(x, 3, key=jax.random.key(1))
    _, _, directions = np.linalg.svd(np.asarray(x - x.mean(axis=0)))
    expected = directions[:3].T @ directions[:3]
    np.testing.assert_allclose(np.asarray(basis @ basis.T), expected, atol=1e-4)


def test_the_strain_s_gradient_is_finite_where_variances_are_alike_or_zero():
    strain = jax.grad(lambda x: idea_unsupervised.strain(x, train=8, key=jax.random.key(0)))
    cube = jnp.concatenate([jnp.eye(6), -jnp.eye(6)])
    line = jnp.outer(jnp.arange(12.0), jnp.ones(6))
    assert all(bool(jnp.all(jnp.isfinite(strain(x)))) for x in (cube, line))


def test_data_in_a_subspace_have_no_strain():
    x = jax.random.normal(jax.random.key(0), (40, 3)) @ jax.random.normal(jax.random.key(1), (3, 9))
    assert float(idea_unsupervised.strain(x, train=20, key=jax.random.key(2))) < 1e-4


def test_data_for_pca_move_into_a_subspace_of_its_dimension_and_the_control_s_do_not():
    weight = idea_unsupervised.STRAIN_WEIGHT
    ours, control = (idea_unsupervised.make(0, steps=200, learner_weight=w) for w in (weight, 0.0))
    assert ours.share > 0.95
    assert control.share < 0.75
    assert ours.strain < 0.1 * control.strain

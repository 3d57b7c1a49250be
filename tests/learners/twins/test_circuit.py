"""Circuits as models: what they believe, what carries over, and the grid in between."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.habits import Habits, Lessons
from learners.mushroom_body import MushroomBody
from learners.random_features import RandomFeatures
from learners.ridge import Ridge
from learners.twins.base import History
from learners.twins.circuit import Circuit
from protocols.spaces.sphere import Sphere

EPISODES, TRAIN, TEST = 7, 5, 6
FORGETS = jnp.array(-50.0)
RIDGE = Ridge(ridge=0.2, intercept=True)


def history():
    keys = jax.random.split(jax.random.key(3), 2)
    x = Sphere(dimensions=3).sample(EPISODES * (TRAIN + TEST), key=keys[0])
    x = x.reshape(EPISODES, TRAIN + TEST, 3)
    labels = jnp.sin(3 * x[..., 0]) * jax.random.normal(keys[1], (EPISODES, 1))
    return History(
        train=x[:, :TRAIN, :0],
        labels=labels[:, :TRAIN],
        test=x[:, TRAIN:, :0],
        test_labels=labels[:, TRAIN:],
        answers=jnp.zeros((EPISODES, TEST)),
        happened=jnp.ones(EPISODES, bool),
        degrees=jnp.zeros(0, jnp.int32),
        train_x=x[:, :TRAIN],
        test_x=x[:, TRAIN:],
    )


def taught(learner, shown, episode):
    return learner.fit_predict(
        shown.train_x[episode], shown.labels[episode], shown.test_x[episode], key=jax.random.key(0)
    )


def test_a_circuit_believes_what_it_is_taught_at_its_settings():
    shown = history()
    params = {"log_ridge": jnp.log(2.0), "kept": FORGETS}
    belief = Circuit(RIDGE).beliefs(params, shown)
    for episode in range(EPISODES):
        expected = taught(Ridge(ridge=0.4, intercept=True), shown, episode)
        np.testing.assert_allclose(belief.mean[episode], expected, rtol=1e-4, atol=1e-5)
    assert np.all(np.asarray(belief.variance) < 1e-9)  # it draws nothing


def test_carry_over_is_that_of_habits():
    shown = history()
    params = {"log_ridge": jnp.zeros(()), "kept": jnp.array(-0.4)}
    belief = Circuit(RIDGE, remembered=3).beliefs(params, shown)
    carry_over = float(jax.nn.sigmoid(params["kept"]))
    habits = Habits(carry_over=carry_over, remembered=3)
    episode = 5
    before = Lessons(shown.train_x[2:5], shown.labels[2:5])
    expected = habits.answers(
        RIDGE,
        shown.train_x[episode],
        shown.labels[episode],
        shown.test_x[episode],
        before,
        key=jax.random.key(0),
    )
    np.testing.assert_allclose(belief.mean[episode], expected, rtol=1e-4, atol=1e-5)


def test_mean_and_variance_are_those_of_fresh_circuits():
    shown = history()
    circuit = RandomFeatures(width=10, ridge=0.1)
    params = {"log_ridge": jnp.zeros(()), "kept": FORGETS}
    belief = Circuit(circuit, draws=200).beliefs(params, shown)
    keys = jax.random.split(jax.random.key(9), 400)
    said = jax.vmap(
        lambda key: circuit.fit_predict(shown.train_x[0], shown.labels[0], shown.test_x[0], key=key)
    )(keys)
    deviation = np.asarray(said.std(axis=0))
    assert np.all(np.abs(belief.mean[0] - said.mean(axis=0)) < 0.35 * deviation)
    assert float(jnp.mean(belief.variance[0])) == pytest.approx(np.mean(deviation**2), rel=0.3)


def test_likelihoods_are_the_same_whenever_they_are_computed():
    shown, model = history(), Circuit(RandomFeatures(width=10), draws=3)
    params = model.start(0, key=jax.random.key(0))
    once, again = (model.beliefs(params, shown) for _ in range(2))
    np.testing.assert_array_equal(once.mean, again.mean)
    np.testing.assert_array_equal(once.variance, again.variance)


@pytest.mark.parametrize("wanted", [("learning_rate",), ("learning_rate", "initial_scale")])
def test_the_table_is_the_circuit_on_its_nodes_and_between_them_next_to_it(wanted):
    shown = history()
    model = Circuit(
        MushroomBody(kenyon_cells=12, steps=8, learning_rate=0.05), wanted=wanted, draws=4
    )
    table = model.tabled(shown)
    start = model.start(0, key=jax.random.key(0)) | {"kept": jnp.array(-1.0)}
    for node, close in (
        (table.nodes[1], 1e-4),
        (0.4 * table.nodes[0] + 0.6 * table.nodes[1], 0.25),
    ):
        at = dict(zip((f"log_{name}" for name in wanted), node, strict=True))
        exact, near = model.beliefs(start | at, shown), table.beliefs(start | at, shown)
        scale = float(jnp.std(exact.mean))
        np.testing.assert_allclose(near.mean, exact.mean, atol=close * scale, rtol=1e-3)


def test_a_circuit_that_draws_nothing_is_trained_once():
    table = Circuit(RIDGE).tabled(history())
    assert np.all(np.asarray(table.variances) == 0)
    assert float(jnp.min(Circuit(RandomFeatures(width=8)).tabled(history()).variances[:, 4, 0])) > 0


def test_settings_that_it_does_not_have_cannot_be_free():
    with pytest.raises(ValueError, match="expected at most 2 of ridge, got learning_rate"):
        Circuit(RIDGE, wanted=("learning_rate",))


def test_without_stimuli_it_says_what_it_needs():
    blind = History(**{**vars(history()), "train_x": None, "test_x": None})
    with pytest.raises(ValueError, match="train_x and test_x"):
        Circuit(RIDGE).tabled(blind)

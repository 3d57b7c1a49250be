import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.descent import Network
from learners.relu_net import ReluNet

KEY = jax.random.key(0)


@pytest.fixture
def trials():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((9, 2)).astype(np.float32)
    return x, np.tanh(x @ np.array([1.0, -2.0], np.float32))


def test_a_network_with_given_weights_answers_as_computed_by_hand():
    hidden = jnp.asarray([[1.0, -1.0, 0.5], [2.0, 1.0, -4.0]])
    readout = jnp.asarray([[3.0, -1.0, 0.25]])
    x = jnp.asarray([[1.0, 2.0], [2.0, 1.0]])
    # ReLU of (-.5, 0) and of (1.5, 1)
    answers = ReluNet(hidden=(2,)).respond(Network((hidden, readout), ()), x, key=KEY)
    np.testing.assert_allclose(answers, [0.25, 3 * 1.5 - 1 + 0.25])


def test_one_step_goes_down_the_gradient_that_backpropagation_gives(trials):
    x, z = trials
    learner = ReluNet(hidden=(4,), steps=1, learning_rate=0.1, initialisation="uniform")
    first, readout = learner.initial(2, key=jax.random.fold_in(KEY, 0)).trained
    first, readout = np.asarray(first), np.asarray(readout)
    network, losses = learner.train(jnp.asarray(x), jnp.asarray(z), key=KEY)

    inputs = np.column_stack([x, np.ones(9)])
    active = inputs @ first.T > 0
    h = np.column_stack([inputs @ first.T * active, np.ones(9)])
    residual = (h @ readout.T)[:, 0] - z
    np.testing.assert_allclose(losses, [np.mean(residual**2)], rtol=1e-5)
    back = 2 / 9 * residual[:, None] * readout[:, :-1] * active
    new_first, new_readout = network.trained
    np.testing.assert_allclose(new_first, first - 0.1 * back.T @ inputs, rtol=1e-4, atol=1e-6)
    step = 0.1 * 2 / 9 * residual @ h
    np.testing.assert_allclose(new_readout[0], readout[0] - step, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("hidden", [(7,), (20, 20), (5,) * 8])
def test_depth_and_widths_are_free(hidden):
    layers = ReluNet(hidden=hidden).initial(3, key=KEY).trained
    inputs, units = (3, *hidden), (*hidden, 1)
    assert [w.shape for w in layers] == [(n, m + 1) for m, n in zip(inputs, units, strict=True)]


def test_he_weights_have_variance_two_over_the_inputs_and_biases_are_zero():
    _, weights, _ = ReluNet(hidden=(300, 200)).initial(3, key=KEY).trained
    assert float(jnp.var(weights[:, :-1])) == pytest.approx(2 / 300, rel=0.05)
    assert not np.any(weights[:, -1])


def test_uniform_weights_and_biases_fill_the_range_of_one_over_root_inputs():
    learner = ReluNet(hidden=(300, 200), initialisation="uniform")
    _, weights, _ = learner.initial(3, key=KEY).trained
    bound = 300**-0.5
    for part in (weights[:, :-1], weights[:, -1]):
        assert bound * 0.95 < float(jnp.max(jnp.abs(part))) <= bound
    assert float(jnp.var(weights)) == pytest.approx(bound**2 / 3, rel=0.05)


def test_layers_are_drawn_independently():
    _, second, third, _ = ReluNet(hidden=(20, 20, 20)).initial(3, key=KEY).trained
    assert abs(np.corrcoef(second.ravel(), third.ravel())[0, 1]) < 0.15


def test_the_published_circuit_learns_a_first_order_harmonic():
    points = jax.random.normal(jax.random.key(1), (130, 3))
    x = points / jnp.linalg.norm(points, axis=1, keepdims=True)
    answers = ReluNet().fit_predict(x[:30], x[:30, 2], x[30:], key=KEY)
    assert float(jnp.mean((answers - x[30:, 2]) ** 2) / jnp.var(x[30:, 2])) < 0.1

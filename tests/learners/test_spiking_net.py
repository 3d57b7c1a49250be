import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.descent import Network
from learners.spiking_net import SpikingNet, membrane, spike
from protocols.spaces.circle import Circle

SMALL = {"neurons_per_ear": 6, "hidden": 8, "steps": 6, "rate_max_hz": 150.0}
POINTS = Circle().reference(5)


def points(n: int, dtype: type = np.float32) -> jax.Array:
    return jnp.asarray(Circle().reference(n), dtype)


def test_rates_follow_the_formula_in_both_ears():
    learner = SpikingNet(neurons_per_ear=3, rate_max_hz=80.0, tone_hz=10.0, duration_ms=7.0)
    fixed = learner.initial(2, key=jax.random.key(2)).fixed
    rates = np.asarray(learner.rates_hz(fixed, points(5)))
    offset = np.arctan2(fixed.sine[0], fixed.cosine[0])  # t = 0
    t = 2 * np.pi * 10.0 * np.arange(learner.times) * 2.0e-3
    shift = np.arctan2(POINTS[:, 1], POINTS[:, 0])
    phase = t[:, None, None] + offset + 0 * shift[:, None]
    assert rates.shape == (4, 5, 3, 2)
    for ear, extra in ((0, 0.0), (1, shift[:, None])):
        expected = 80.0 / 2 * (1 + np.sin(phase + extra)) ** 2
        np.testing.assert_allclose(rates[..., ear], expected, rtol=1e-4, atol=1e-3)


def test_spikes_come_as_often_as_the_rates_say():
    learner = SpikingNet(**SMALL)
    fixed = learner.initial(2, key=jax.random.key(0)).fixed
    keys = jax.random.split(jax.random.key(1), 4000)
    heard = jax.vmap(lambda key: learner.hear(fixed, points(3), key=key))(keys)
    assert set(np.unique(heard)) == {0.0, 1.0}
    expected = np.asarray(learner.rates_hz(fixed, points(3))).reshape(25, 3, -1) * 2e-3
    standard_error = np.sqrt(expected * (1 - expected) / 4000)
    assert np.max(np.abs(np.mean(heard, axis=0) - expected) / (standard_error + 1e-4)) < 5


def test_the_spikes_of_the_two_ears_and_of_time_steps_are_independent():
    learner = SpikingNet(neurons_per_ear=1, rate_max_hz=100.0)
    fixed = learner.initial(2, key=jax.random.key(0)).fixed
    keys = jax.random.split(jax.random.key(1), 8000)
    heard = jax.vmap(lambda key: learner.hear(fixed, points(1), key=key))(keys)
    heard = np.asarray(heard).reshape(8000, -1)
    active = heard[:, np.std(heard, axis=0) > 0.1]
    correlation = np.corrcoef(active.T) - np.eye(active.shape[1])
    assert active.shape[1] > 20
    assert np.max(np.abs(correlation)) < 5 / 8000**0.5


def test_a_membrane_follows_a_trace_computed_by_hand():
    current = jnp.asarray([[0.6], [0.8], [0.2], [2.5], [0.0]])
    # .6 | .3+.8 = 1.1 fires, .1 left | .05+.2 | .125+2.5 = 2.625 fires, 1.625 left | .8125
    trace = membrane(current, 0.5)[:, 0]
    np.testing.assert_allclose(trace, [0.6, 1.1, 0.25, 2.625, 0.8125], rtol=1e-6)
    np.testing.assert_array_equal(spike(trace - 1.0, 5.0), [0, 1, 0, 1, 0])


def test_the_derivative_of_a_membrane_is_its_filter_without_the_reset():
    current, direction = jnp.asarray([[0.6], [0.8], [0.2]]), jnp.asarray([[1.0], [0.0], [2.0]])
    _, tangent = jax.jvp(lambda c: membrane(c, 0.5), (current,), (direction,))
    np.testing.assert_allclose(tangent[:, 0], [1.0, 0.5, 2.25], rtol=1e-6)


def test_the_surrogate_is_a_fast_sigmoid_and_is_constant_where_it_is_differentiated():
    excess = jnp.asarray([-2.0, -0.1, 0.0, 0.3])
    slope = jax.vmap(jax.grad(lambda v: spike(v, 5.0)))(excess)
    np.testing.assert_allclose(slope, 1 / (5 * np.abs(excess) + 1) ** 2, rtol=1e-5)
    second = jax.vmap(jax.grad(jax.grad(lambda v: spike(v, 5.0))))(excess)
    np.testing.assert_array_equal(second, 0)


def test_the_answer_is_the_sum_of_an_explicit_integration():
    learner = SpikingNet(**SMALL, readout_ms=8.0)
    network = learner.initial(2, key=jax.random.key(0))
    weights = jnp.linspace(-1, 1, 8)
    network = Network(network.trained._replace(readout=weights), network.fixed)
    key = jax.random.key(3)
    heard = np.asarray(learner.hear(network.fixed, points(4), key=key), np.float64)
    hidden = np.asarray(network.trained.hidden, np.float64)
    v, y, valence = np.zeros((4, 8)), np.zeros(4), np.zeros(4)
    alpha, kappa = np.exp(-2 / 5), np.exp(-2 / 8)
    for here in heard:
        v = alpha * v + here @ hidden
        fired = v > 1
        v = v - fired
        y = kappa * y + (1 - kappa) * fired @ np.asarray(weights)
        valence += y
    assert np.any(valence)
    np.testing.assert_allclose(learner.respond(network, points(4), key=key), valence, atol=1e-5)


def test_a_naive_circuit_answers_0_and_a_presentation_is_never_the_same():
    learner = SpikingNet(**SMALL)
    network = learner.initial(2, key=jax.random.key(0))
    np.testing.assert_array_equal(learner.respond(network, points(4), key=jax.random.key(1)), 0)
    network = Network(network.trained._replace(readout=jnp.ones(8)), network.fixed)
    first, again = (learner.respond(network, points(9), key=jax.random.key(k)) for k in (1, 2))
    assert not np.array_equal(first, again)


def test_with_the_readout_alone_the_derivative_in_the_labels_is_exact():
    learner = SpikingNet(**SMALL, training="readout", optimiser="momentum", learning_rate=0.01)
    with jax.enable_x64(True):
        x, x_test, direction = points(7, np.float64), points(3, np.float64), jnp.cos(jnp.arange(7))
        z = jnp.sin(jnp.arange(7.0))

        def answers(labels):
            return learner.fit_predict(x, labels, x_test, key=jax.random.key(0))

        _, derivative = jax.jvp(answers, (z,), (direction,))
        ahead, behind = answers(z + 1e-3 * direction), answers(z - 1e-3 * direction)
        assert derivative.dtype == np.float64
        assert bool(jnp.any(derivative != 0))
        np.testing.assert_allclose(derivative, (ahead - behind) / 2e-3, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("training", ["both", "readout"])
def test_only_the_synapses_that_are_asked_for_learn(training):
    learner = SpikingNet(**SMALL, training=training)
    x = points(9)
    before = learner.initial(2, key=jax.random.fold_in(jax.random.key(0), 0))
    after, losses = learner.train(x, x[:, 0], key=jax.random.key(0))
    assert bool(jnp.all(jnp.isfinite(losses)))
    same = jax.tree.map(lambda a, b: bool(jnp.all(a == b)), before.trained, after.trained)
    assert not any(jax.tree.leaves(same))
    assert (before.fixed.hidden is None) is (training == "both")
    fixed = jax.tree.map(lambda a, b: bool(jnp.all(a == b)), before.fixed, after.fixed)
    assert all(jax.tree.leaves(fixed))


def test_the_gradient_through_a_whole_training_stays_bounded():
    learner = SpikingNet(optimiser="momentum", learning_rate=0.003)
    x, x_test = points(16), points(7)

    def error(z, key):
        return jnp.mean((learner.fit_predict(x, z, x_test, key=key) - x_test[:, 0]) ** 2)

    keys = jax.random.split(jax.random.key(0), 8)
    gradient = jax.vmap(jax.grad(error), (None, 0))(x[:, 0], keys)
    assert bool(jnp.all(jnp.isfinite(gradient)))
    assert float(jnp.median(jnp.linalg.norm(gradient, axis=1))) < 10


@pytest.mark.parametrize(
    ("settings", "points", "message"),
    [
        ({}, np.ones((4, 3)), r"two features with a length of 1, got 3 feature.*'circle'"),
        ({}, 2 * POINTS, r"lengths up to 2; use space kind 'circle'"),
        ({"rate_max_hz": 300.0}, POINTS, r"reach 600 Hz.*rate_max_hz ≤ 250 or dt_ms ≤ 1\.66"),
        ({"duration_ms": 0.5}, POINTS, r"at least one time step of 2 ms, got 0\.5 ms"),
    ],
    ids=["features", "length", "rate", "duration"],
)
def test_what_can_not_be_heard_is_refused_with_what_would_do(settings, points, message):
    with pytest.raises(ValueError, match=message):
        SpikingNet(**settings).check(points)

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.descent import MOMENTUM, AbstractTrained, Network, _minibatches
from learners.relu_net import ReluNet

KEY = jax.random.key(5)
TRIALS = 11


class Line(AbstractTrained):
    """z = x · w from w = 0, whose training is known in closed form."""

    kind: ClassVar[str] = "line"
    optimiser: str = "sgd"
    learning_rate: float = 0.1
    steps: int = 25
    batch: int = 0
    positive: bool = False

    def initial(self, features, *, key):
        return Network(jnp.zeros(features), jnp.ones(features))

    def constrain(self, trained, fixed):
        return jnp.maximum(trained, 0.0) * fixed if self.positive else trained

    def respond(self, network, x, *, key):
        return x @ network.trained

    def check(self, points):
        """Fit every space."""


@pytest.fixture
def trials():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((TRIALS, 3)).astype(np.float32)
    return x, (x @ np.array([0.5, -1.0, 0.2]) + 0.3 * rng.standard_normal(TRIALS)).astype(
        np.float32
    )


def trained(learner, x, z):
    return np.asarray(learner.train(jnp.asarray(x), jnp.asarray(z), key=KEY)[0].trained)


class TestKnownByHand:
    def test_gradient_descent_on_a_line_is_its_closed_form(self, trials):
        x, z = trials
        hessian = 2 / TRIALS * x.T @ x
        best = np.linalg.lstsq(x, z, rcond=None)[0]
        shrink = np.linalg.matrix_power(np.eye(3) - 0.1 * hessian, 25)
        np.testing.assert_allclose(trained(Line(), x, z), best - shrink @ best, rtol=1e-4)

    def test_momentum_adds_the_remembered_step(self, trials):
        x, z = trials
        w, velocity = np.zeros(3), np.zeros(3)
        for _ in range(3):
            velocity = MOMENTUM * velocity + 2 / TRIALS * x.T @ (x @ w - z)
            w = w - 0.1 * velocity
        result = trained(Line(optimiser="momentum", steps=3), x, z)
        np.testing.assert_allclose(result, w, rtol=1e-4)

    def test_the_first_step_of_adam_is_the_sign_of_the_gradient(self, trials):
        x, z = trials
        result = trained(Line(optimiser="adam", steps=1), x, z)
        np.testing.assert_allclose(result, 0.1 * np.sign(x.T @ z), rtol=1e-3)

    def test_losses_are_those_before_each_step(self, trials):
        x, z = trials
        _, losses = Line(steps=2).train(jnp.asarray(x), jnp.asarray(z), key=KEY)
        after_one = trained(Line(steps=1), x, z)
        expected = [np.mean(z**2), np.mean((x @ after_one - z) ** 2)]
        np.testing.assert_allclose(losses, expected, rtol=1e-5)

    def test_weights_are_constrained_after_every_step(self, trials):
        x, z = trials
        w = np.zeros(3)
        for _ in range(25):
            w = np.maximum(w - 0.1 * 2 / TRIALS * x.T @ (x @ w - z), 0.0)
        result = trained(Line(positive=True), x, z)
        np.testing.assert_allclose(result, w, rtol=1e-4, atol=1e-7)
        assert np.any(result == 0)
        assert np.any(result > 0)


class TestMinibatches:
    def test_none_repeats_a_trial_and_all_trials_have_their_turn(self):
        rows = np.asarray(_minibatches(4, TRIALS, jax.random.split(KEY, 60)))
        assert rows.shape == (60, 4)
        assert all(len(set(step)) == 4 for step in rows.tolist())
        assert np.all(np.bincount(rows.ravel(), minlength=TRIALS) > 0)

    @pytest.mark.parametrize("batch", [0, TRIALS, TRIALS + 1])
    def test_a_batch_of_zero_or_of_all_trials_is_the_full_batch(self, trials, batch):
        np.testing.assert_array_equal(trained(Line(batch=batch), *trials), trained(Line(), *trials))

    def test_a_step_uses_only_its_own_trials(self, trials):
        x, z = trials
        fit = lambda z: Line(steps=1, batch=4).train(jnp.asarray(x), z, key=KEY)[0].trained  # noqa: E731
        touched = np.any(jax.jacobian(fit)(jnp.asarray(z)) != 0, axis=0)
        assert touched.sum() == 4


class TestDivergence:
    def test_shows_in_the_losses_from_its_step_on(self, trials):
        x, z = trials
        wild = Line(learning_rate=1e3, steps=60)
        _, losses = wild.train(jnp.asarray(x), jnp.asarray(z), key=KEY)
        finite = np.isfinite(losses)
        first = int(np.argmin(finite))
        assert 1 < first < 60
        assert np.all(finite[:first])
        assert not np.any(finite[first:])


class TestMetaGradient:
    @pytest.mark.parametrize("batch", [0, 5])
    @pytest.mark.parametrize(
        ("optimiser", "rate"), [("sgd", 0.05), ("momentum", 0.01), ("adam", 0.01)]
    )
    def test_is_that_of_central_differences(self, optimiser, rate, batch):
        """In double precision, through the whole training."""
        with jax.enable_x64(True):
            rng = np.random.default_rng(2)
            x, direction = jnp.asarray(rng.standard_normal((19, 3))), rng.standard_normal(TRIALS)
            z = jnp.tanh(x[:, 0] - x[:, 1])
            learner = ReluNet(
                hidden=(8, 8), optimiser=optimiser, learning_rate=rate, steps=40, batch=batch
            )

            @jax.jit
            def error(labels):
                answers = learner.fit_predict(x[:TRIALS], labels, x[TRIALS:], key=KEY)
                return jnp.mean((answers - z[TRIALS:]) ** 2)

            slope = jax.jit(jax.grad(error))(z[:TRIALS]) @ direction
            step = 1e-6
            ahead, behind = (error(z[:TRIALS] + s * step * direction) for s in (1, -1))
            assert slope.dtype == jnp.float64
            assert float(slope) == pytest.approx(float(ahead - behind) / (2 * step), rel=1e-5)

    def test_of_adam_is_finite_where_a_weight_has_no_gradient(self, trials):
        x, z = trials
        x = x * np.array([1, 1, 0], np.float32)
        fit = lambda z: Line(optimiser="adam").train(jnp.asarray(x), z, key=KEY)[0].trained  # noqa: E731
        slopes = np.asarray(jax.jacobian(fit)(jnp.asarray(z)))
        assert np.all(np.isfinite(slopes))
        assert np.any(slopes[:2] != 0)
        assert not np.any(slopes[2])

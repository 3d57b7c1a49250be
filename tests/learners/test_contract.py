"""What every learner promises. A new learner is added to CASES and is tested."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

import learners
from learners.base import AbstractLearner
from learners.conv_net import ConvNet
from learners.delta_rule import DeltaRule
from learners.descent import AbstractTrained
from learners.dot_product_kernel import DotProductKernel
from learners.mushroom_body import MushroomBody
from learners.random_features import RandomFeatures
from learners.relu_net import ReluNet
from learners.ridge import Ridge
from learners.spiking_net import SpikingNet
from protocols.registry import discover, settings_for
from protocols.spaces.circle import Circle
from protocols.spaces.sphere import Sphere

SPHERE, CIRCLE = Sphere(), Circle()
CASES = [
    (Ridge(), SPHERE),
    (Ridge(intercept=True, ridge=0.1), SPHERE),
    (RandomFeatures(), SPHERE),
    (RandomFeatures(width=5, first_layer="fixed"), SPHERE),
    (RandomFeatures(input_scale=(2.0, 1.0, 0.5)), SPHERE),
    (DeltaRule(), SPHERE),
    (DeltaRule(rate=0.2, passes=3), SPHERE),
    (DotProductKernel(), SPHERE),
    (DotProductKernel(), CIRCLE),
    (MushroomBody(), Sphere(dimensions=5)),
    (MushroomBody(kenyon_cells=40, excitatory=True, batch=5), Sphere(dimensions=5)),
    (MushroomBody(connectivity="biased", wiring="fixed"), Sphere(dimensions=5)),
    (MushroomBody(connectivity="grouped", training="readout"), Sphere(dimensions=5)),
    (ConvNet(channels=8, kernel=3, learning_rate=0.1), Sphere(dimensions=16)),
    (ReluNet(), SPHERE),
    (ReluNet(hidden=(10,) * 8, learning_rate=0.01), CIRCLE),
    (ReluNet(hidden=(20,), optimiser="adam", learning_rate=0.01, steps=60), SPHERE),
    (ReluNet(initialisation="uniform", optimiser="momentum", batch=5), SPHERE),
    (SpikingNet(neurons_per_ear=8, hidden=10, optimiser="momentum", learning_rate=0.003), CIRCLE),
    (SpikingNet(neurons_per_ear=8, training="readout", steps=20), CIRCLE),
]
"""Learners, each with a space whose stimuli fit it."""


@dataclass
class Task:
    """Stimuli and smooth labels for one learner."""

    learner: AbstractLearner
    x: Array
    z: Array
    x_test: Array

    def answers(self, z=None, key=0):
        labels = self.z if z is None else z
        return self.learner.fit_predict(self.x, labels, self.x_test, key=jax.random.key(key))


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]!r} on {case[1].kind}")
def task(request):
    learner, space = request.param
    x = space.sample(19, key=jax.random.key(1))
    slope = jnp.cos(jnp.arange(x.shape[1])) * (3 / x.shape[1]) ** 0.5
    return Task(learner, x[:12], jnp.tanh(x[:12] @ slope), x[12:])


def test_every_kind_that_is_found_is_a_case_here():
    found = discover(learners, AbstractLearner, "biasloop.learners")
    assert set(found) == {learner.kind for learner, _ in CASES}


class TestEveryLearner:
    def test_answers_every_test_stimulus_with_a_finite_number(self, task):
        result = task.answers()
        assert result.shape == (7,)
        assert bool(jnp.all(jnp.isfinite(result)))

    def test_gives_the_same_answers_for_the_same_key(self, task):
        assert np.array_equal(task.answers(key=3), task.answers(key=3))

    def test_depends_on_the_training_labels(self, task):
        assert not np.allclose(task.answers(), task.answers(z=-task.z))

    def test_its_derivative_in_the_labels_is_that_of_finite_differences(self, task):
        """In double precision: a long training has kinks that a wide difference would cross."""
        with jax.enable_x64(True):
            x, z, x_test = (
                jnp.asarray(np.asarray(a, np.float64)) for a in (task.x, task.z, task.x_test)
            )
            direction, step = jnp.cos(jnp.arange(12.0)), 1e-6
            fit = jax.jit(lambda z: task.learner.fit_predict(x, z, x_test, key=jax.random.key(0)))
            _, derivative = jax.jvp(fit, (z,), (direction,))
            if task.learner.surrogate_gradient:
                assert bool(jnp.all(jnp.isfinite(derivative)))
                assert bool(jnp.any(derivative != 0))
                return
            ahead, behind = (fit(z + s * direction) for s in (step, -step))
            expected = (ahead - behind) / (2 * step)
        np.testing.assert_allclose(derivative, expected, rtol=1e-3, atol=1e-3)

    def test_its_gradient_by_reverse_mode_is_that_by_forward_mode(self, task):
        direction, weights = jnp.cos(jnp.arange(12.0)), jnp.sin(jnp.arange(7.0))
        _, forward = jax.jvp(task.answers, (task.z,), (direction,))
        _, pull = jax.vjp(task.answers, task.z)
        np.testing.assert_allclose(
            pull(weights)[0] @ direction, weights @ forward, rtol=2e-3, atol=1e-4
        )

    def test_maps_over_a_batch_of_episodes(self, task):
        keys = jax.random.split(jax.random.key(0), 4)
        labels = jnp.stack([task.z, -task.z, 0.5 * task.z, task.z**2])
        fit = task.learner.fit_predict
        batch = jax.vmap(lambda z, k: fit(task.x, z, task.x_test, key=k))(labels, keys)
        one = fit(task.x, labels[2], task.x_test, key=keys[2])
        np.testing.assert_allclose(batch[2], one, rtol=2e-3, atol=2e-4)

    def test_accepts_the_stimuli_of_its_space(self, task):
        task.learner.check(np.asarray(task.x, np.float64))

    def test_can_be_described_in_a_document_and_built_again(self, task):
        learner = task.learner
        model = settings_for(type(learner))
        fields = {name: getattr(learner, name) for name in model.model_fields if name != "kind"}
        assert model(kind=learner.kind, **fields).build() == learner


TRAINED = [case for case in CASES if isinstance(case[0], AbstractTrained)]


@pytest.mark.parametrize(("learner", "space"), TRAINED, ids=lambda value: value.kind)
class TestEveryTrainedLearner:
    def test_its_loss_falls(self, learner, space):
        x = space.sample(12, key=jax.random.key(1))
        z = jnp.tanh(x @ jnp.cos(jnp.arange(x.shape[1])) * (3 / x.shape[1]) ** 0.5)
        _, losses = learner.train(x, z, key=jax.random.key(0))
        assert losses.shape == (learner.steps,)
        assert float(jnp.mean(losses[-3:])) < float(losses[0])

    def test_says_at_which_step_it_diverged(self, learner, space):
        wild = eqx.tree_at(
            lambda tree: (tree.learning_rate, tree.optimiser), learner, (1e18, "sgd")
        )
        x = space.sample(12, key=jax.random.key(1))
        _, losses = wild.train(x, x[:, 0], key=jax.random.key(0))
        assert not bool(jnp.all(jnp.isfinite(losses)))
        assert bool(jnp.isfinite(losses[0]))

"""What every labeller promises. A new labeller is added to CASES and is tested."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import controller.labellers
from controller.labellers.base import AbstractLabeller
from controller.labellers.conv import Conv
from controller.labellers.harmonics import Harmonics
from controller.labellers.mlp import MLP
from protocols.registry import discover
from protocols.spaces.circle import Circle
from protocols.spaces.disk import Disk
from protocols.spaces.images import Images
from protocols.spaces.interval import Interval
from protocols.spaces.sphere import Sphere

CASES = [
    (Harmonics(), Sphere()),
    (Harmonics(degree=5, scale="rms"), Circle()),
    (Harmonics(scale="none"), Sphere()),
    (MLP(), Sphere()),
    (MLP(hidden=(), output="linear"), Disk()),
    (MLP(hidden=(8,), activation="gelu", output="standard"), Interval()),
    (Conv(channels=(3,), kernel=3), Images(source="digits")),
    (Conv(channels=(2, 3), kernel=3, output="standard"), Images(source="digits")),
]


def test_every_kind_that_is_found_is_a_case_here():
    found = discover(controller.labellers, AbstractLabeller, "biasloop.labellers")
    assert set(found) == {labeller.kind for labeller, _ in CASES}


@pytest.mark.parametrize(("labeller", "space"), CASES, ids=repr)
class TestEveryLabeller:
    def test_its_start_has_its_size_and_follows_the_key(self, labeller, space):
        a, b, c = (labeller.initial(space, key=jax.random.key(k)) for k in (0, 0, 1))
        assert a.shape == (labeller.size(space),)
        assert np.array_equal(a, b)
        assert not np.array_equal(a, c)

    def test_labels_are_finite_and_bounded_unless_asked_otherwise(self, labeller, space):
        theta = 3 * labeller.initial(space, key=jax.random.key(0))
        labels = labeller.labels(space, theta, space.sample(300, key=jax.random.key(1)))
        assert labels.shape == (300,)
        assert bool(jnp.all(jnp.isfinite(labels)))
        if getattr(labeller, "output", "") != "linear":
            assert float(jnp.max(jnp.abs(labels))) <= 1.0

    def test_labels_have_a_finite_gradient_in_theta(self, labeller, space):
        theta = labeller.initial(space, key=jax.random.key(0))
        x = space.sample(20, key=jax.random.key(1))
        gradient = jax.grad(lambda t: jnp.sum(labeller.labels(space, t, x) ** 2))(theta)
        assert bool(jnp.all(jnp.isfinite(gradient)))
        assert bool(jnp.any(gradient != 0))

    def test_it_fits_its_space(self, labeller, space):
        labeller.check(space)


def test_the_published_network_has_521_weights():
    assert MLP(hidden=(20, 20)).size(Sphere()) == 521


def test_degree_three_on_the_sphere_has_15_coefficients():
    assert Harmonics(degree=3).size(Sphere()) == 15


def test_harmonics_are_refused_where_they_do_not_exist():
    for space in (Disk(), Sphere(dimensions=4)):
        with pytest.raises(ValueError, match="use labeller kind 'mlp' there"):
            Harmonics().check(space)


def test_the_peak_of_a_first_order_function_is_one_and_its_scale_does_not_matter():
    theta = jnp.zeros(15).at[1].set(0.01)
    x = jnp.asarray(Sphere().reference(2000), jnp.float32)
    labels = Harmonics().labels(Sphere(), theta, x)
    assert float(jnp.max(labels)) == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(labels, Harmonics().labels(Sphere(), 100 * theta, x), atol=1e-5)


def test_an_mlp_equals_its_layers_written_out():
    labeller = MLP(hidden=(2,), activation="tanh", output="linear")
    theta = jnp.arange(1.0, 10.0) / 10
    x = jnp.array([[0.5, -1.0]])
    hidden = jnp.tanh(x @ theta[:4].reshape(2, 2) + theta[4:6])
    expected = hidden @ theta[6:8] + theta[8]
    np.testing.assert_allclose(labeller.labels(Disk(), theta, x), expected, rtol=1e-6)

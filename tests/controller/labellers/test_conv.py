"""The convolutional labeller: what it computes, how large it is, where it exists."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from controller.labellers.conv import Conv
from protocols.registry import settings_for
from protocols.spaces.images import Images
from protocols.spaces.sphere import Sphere


@pytest.fixture
def space(tmp_path):
    np.save(tmp_path / "images.npy", np.random.default_rng(0).uniform(size=(30, 9, 8)))
    return Images(source=str(tmp_path / "images.npy"), held_out=0.0)


def layer(images, filters, bias):
    kernel = round((filters.shape[0] / images.shape[3]) ** 0.5)
    seen = jax.lax.conv_general_dilated(
        images,
        filters.reshape(kernel, kernel, images.shape[3], -1),
        (1, 1),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    height, width = (side // 2 for side in seen.shape[1:3])
    even = jax.nn.relu(seen + bias)[:, : 2 * height, : 2 * width]
    return jnp.max(even.reshape(-1, height, 2, width, 2, filters.shape[1]), axis=(2, 4))


def test_labels_equal_its_layers_written_out(space):
    labeller = Conv(channels=(2, 3), kernel=3, output="linear")
    theta = labeller.initial(space, key=jax.random.key(0))
    theta = theta + 0.1 * jnp.cos(jnp.arange(theta.size))  # biases too
    x = jnp.asarray(space.rows, jnp.float32)
    first = layer(x.reshape(-1, 9, 8, 1), theta[:18].reshape(9, 2), theta[18:20])
    second = layer(first, theta[20:74].reshape(18, 3), theta[74:77])
    expected = second.reshape(30, -1) @ theta[77:89] + theta[89]
    assert labeller.size(space) == theta.size == 90
    np.testing.assert_allclose(labeller.labels(space, theta, x), expected, rtol=1e-5, atol=1e-5)


def test_standard_labels_have_mean_0_and_the_spread_of_a_uniform_label(space):
    labeller = Conv(channels=(2,), kernel=3, output="standard")
    theta = labeller.initial(space, key=jax.random.key(0))
    x = jnp.asarray(space.rows, jnp.float32)
    standard = labeller.labels(space, theta, x)
    values = Conv(channels=(2,), kernel=3, output="linear").labels(space, theta, x)
    expected = (values - values.mean()) / values.std() / 3**0.5
    np.testing.assert_allclose(standard, jnp.clip(expected, -1, 1), atol=1e-5)


def test_its_gradient_is_that_of_finite_differences(space):
    with jax.enable_x64(True):
        labeller = Conv(channels=(2, 3), kernel=3, output="standard")
        theta = labeller.initial(space, key=jax.random.key(0)).astype(jnp.float64)
        x = jnp.asarray(space.rows)
        direction = jnp.sin(jnp.arange(theta.size, dtype=jnp.float64))

        def scored(t):
            return labeller.labels(space, t, x) @ jnp.cos(jnp.arange(30.0))

        step = 1e-7 * direction
        differences = (scored(theta + step) - scored(theta - step)) / 2e-7
        assert jax.grad(scored)(theta) @ direction == pytest.approx(float(differences), rel=1e-6)


def test_the_default_is_small_on_digits(tmp_path):
    np.save(tmp_path / "digits.npy", np.zeros((4, 28, 28)))
    digits = Images(source=str(tmp_path / "digits.npy"), held_out=0.0)
    assert Conv().size(digits) == (26 * 4) + (101 * 8) + (7 * 7 * 8 + 1) == 1305


def test_it_exists_on_images_only():
    with pytest.raises(ValueError, match="use space kind 'images', or labeller kind 'mlp'"):
        Conv().check(Sphere())


def test_images_that_its_second_layer_can_not_see_are_refused(space):
    Conv(channels=(2,), kernel=5).check(space)
    with pytest.raises(ValueError, match="layer 2 sees 4 × 4 pixels of images of 9 × 8"):
        Conv(channels=(2, 2), kernel=5).check(space)


def test_a_third_layer_is_refused():
    with pytest.raises(ValueError, match="at most 2 items"):
        settings_for(Conv)(kind="conv", channels=(2, 2, 2))

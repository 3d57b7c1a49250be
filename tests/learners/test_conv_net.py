"""The convolutional learner: what it computes, its derivative, what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.conv_net import ConvNet
from learners.convolution import convolve, windows
from protocols.registry import settings_for

LEARNER = ConvNet(channels=3, kernel=3, learning_rate=0.1, steps=6)


def seen_directly(images, filters, bias):
    """Filter, rectify and pool one number after the other; images [n, H, W, channel]."""
    count, height, width, _ = images.shape
    taps = np.asarray(filters, np.float64)
    kernel = round((taps.shape[0] / images.shape[3]) ** 0.5)
    reach = kernel // 2
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    rectified = np.zeros((count, height, width, taps.shape[1]))
    for n, i, j in np.ndindex(count, height, width):
        window = padded[n, i : i + kernel, j : j + kernel].ravel()
        rectified[n, i, j] = np.maximum(window @ taps + np.asarray(bias), 0)
    pooled = np.zeros((count, height // 2, width // 2, taps.shape[1]))
    for n, i, j in np.ndindex(pooled.shape[:3]):
        pooled[n, i, j] = rectified[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max(axis=(0, 1))
    return pooled


def images_and_labels(height, width):
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(9, height * width))
    return jnp.asarray(x), jnp.asarray(np.tanh(rng.normal(size=5)))


@pytest.mark.parametrize(
    ("height", "width", "channels", "kernel"), [(6, 6, 1, 5), (5, 8, 1, 3), (7, 4, 3, 3)]
)
def test_a_layer_is_a_convolution_rectified_and_pooled(height, width, channels, kernel):
    rng = np.random.default_rng(1)
    images = rng.normal(size=(4, height, width, channels)).astype(np.float32)
    filters = rng.normal(size=(kernel**2 * channels, 2)).astype(np.float32)
    bias = rng.normal(size=2).astype(np.float32)
    expected = seen_directly(images, filters, bias)
    got = convolve(windows(jnp.asarray(images), kernel), jnp.asarray(filters), jnp.asarray(bias))
    np.testing.assert_allclose(got.reshape(expected.shape), expected, atol=2e-6)


def test_its_answers_are_those_of_the_network_written_out():
    x, _ = images_and_labels(5, 6)
    learner = ConvNet(channels=3, kernel=3, shape=(5, 6))
    network = learner.initial(30, key=jax.random.key(0))
    (filters, bias), (weights, offset) = network.trained
    pooled = seen_directly(np.asarray(x).reshape(9, 5, 6, 1), filters, bias)
    expected = pooled.reshape(9, -1) @ np.asarray(weights)[:, 0] + np.asarray(offset)
    got = learner.respond(network, x.astype(jnp.float32), key=jax.random.key(0))
    np.testing.assert_allclose(got, expected, atol=2e-6)


def test_one_step_goes_down_the_gradient_of_xlas_own_convolution():
    with jax.enable_x64(True):
        x, z = images_and_labels(6, 6)
        learner = ConvNet(channels=3, kernel=3, learning_rate=0.1, steps=1)
        start = learner.initial(36, key=jax.random.fold_in(jax.random.key(0), 0)).trained

        def loss(weights):
            (filters, bias), (dense, offset) = weights
            images = x[:5].reshape(5, 6, 6, 1)
            seen = jax.lax.conv_general_dilated(
                images,
                filters.reshape(3, 3, 1, 3),
                (1, 1),
                "SAME",
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )
            pooled = jnp.max(jax.nn.relu(seen + bias).reshape(5, 3, 2, 3, 2, 3), axis=(2, 4))
            return jnp.mean(((pooled.reshape(5, -1) @ dense + offset)[:, 0] - z) ** 2)

        expected = jax.tree.map(lambda w, g: w - 0.1 * g, start, jax.grad(loss)(start))
        network, _ = learner.train(x[:5], z, key=jax.random.key(0))
        for ours, theirs in zip(
            jax.tree.leaves(network.trained), jax.tree.leaves(expected), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize("batch", [0, 3])
def test_its_derivative_in_the_labels_is_exact(batch):
    """Central differences in double precision, with steps too small to cross a kink."""
    with jax.enable_x64(True):
        x, z = images_and_labels(6, 6)
        learner = ConvNet(channels=3, kernel=3, learning_rate=0.1, steps=6, batch=batch)
        weights = jnp.cos(jnp.arange(4.0))

        def scored(labels):
            return weights @ learner.fit_predict(x[:5], labels, x[5:], key=jax.random.key(3))

        gradient = jax.grad(scored)(z)
        step = 1e-6
        differences = [
            (scored(z + step * e) - scored(z - step * e)) / (2 * step) for e in jnp.eye(5)
        ]
        np.testing.assert_allclose(gradient, np.array(differences), rtol=1e-7, atol=1e-9)


def test_black_images_leave_no_gradient_undefined():
    x = jnp.zeros((9, 36))

    def learn(z):
        return jnp.sum(LEARNER.fit_predict(x[:5], z, x[5:], key=jax.random.key(0)))

    assert bool(jnp.all(jnp.isfinite(jax.grad(learn)(jnp.arange(5.0)))))


def test_it_learns_where_a_bright_pixel_is():
    x = jnp.eye(36)
    z = jnp.where(jnp.arange(36) < 18, 1.0, -1.0)
    learner = ConvNet(channels=8, kernel=3, optimiser="adam", learning_rate=0.02, steps=200)
    network, losses = learner.train(x, z, key=jax.random.key(0))
    answers = learner.respond(network, x, key=jax.random.key(0))
    assert float(losses[-1]) < 0.1
    assert bool(jnp.all(jnp.sign(answers) == z))


class TestRefused:
    def test_features_that_are_no_square(self):
        with pytest.raises(ValueError, match=r"got stimuli of 12 features; give `shape`"):
            LEARNER.check(np.zeros((2, 12)))
        ConvNet(kernel=3, shape=(3, 4)).check(np.zeros((2, 12)))

    def test_a_shape_of_another_number_of_pixels(self):
        with pytest.raises(ValueError, match=r"images of 3 × 4 = 12 pixels.*correct `shape`"):
            ConvNet(kernel=3, shape=(3, 4)).check(np.zeros((2, 16)))

    def test_a_kernel_larger_than_the_image(self):
        with pytest.raises(ValueError, match="a kernel of 5 × 5 doesn't fit"):
            ConvNet(kernel=5).check(np.zeros((2, 16)))

    def test_an_even_kernel(self):
        with pytest.raises(ValueError, match="expected an odd number of pixels, got 4; use 5"):
            settings_for(ConvNet)(kind="conv_net", kernel=4)

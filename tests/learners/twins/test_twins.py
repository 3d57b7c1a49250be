"""Twins: each does what its learner does, has its optimum, and a fit finds it again."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.dot_product_kernel import DotProductKernel
from learners.twins.base import Belief, History, with_constant, with_one
from learners.twins.delta import Delta
from learners.twins.easiest import easiest, error_matrix, lessons
from learners.twins.fitting import Fitted, fit, log_likelihoods, unfitted
from learners.twins.low_rank import LowRank
from learners.twins.proportional import Proportional
from learners.twins.spectrum import Spectrum
from learners.twins.voice import Voice
from protocols.spaces.harmonics import spherical
from protocols.spaces.sphere import Sphere

TWINS = [Spectrum(), LowRank(rank=2), Delta()]
DEGREE, TRAIN, TEST = 2, 5, 7
DEGREES = jnp.array([1] * 3 + [2] * 5, jnp.int32)
SIZE = len(DEGREES)


def stimuli(count, key=0):
    return Sphere(dimensions=3).sample(count, key=jax.random.key(key))


def history(episodes, key=0, answers=None):
    keys = jax.random.split(jax.random.key(key), 3)
    x = Sphere(dimensions=3).sample(episodes * (TRAIN + TEST), key=keys[0])
    basis = spherical(x, DEGREE).reshape(episodes, TRAIN + TEST, SIZE)
    theta = jax.random.normal(keys[1], (episodes, SIZE)) / np.sqrt(SIZE)
    labels = jnp.einsum("etf,ef->et", basis, theta)
    return History(
        train=basis[:, :TRAIN],
        labels=labels[:, :TRAIN],
        test=basis[:, TRAIN:],
        test_labels=labels[:, TRAIN:],
        answers=jnp.zeros((episodes, TEST)) if answers is None else answers,
        happened=jnp.ones(episodes, bool),
        degrees=DEGREES,
    )


def parameters(twin, key=1):
    start = twin.start(SIZE, key=jax.random.key(key))
    leaves, structure = jax.tree.flatten(start)
    keys = jax.random.split(jax.random.key(key), len(leaves))
    noisy = [a + 0.3 * jax.random.normal(k, a.shape) for a, k in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(structure, noisy)


def answered(twin, params, before, noise=0.05, key=5):
    """The same episodes, answered by a learner that is the twin."""
    belief = twin.beliefs(params, before).mean
    said = belief + noise * jax.random.normal(jax.random.key(key), belief.shape)
    return History(**{**vars(before), "answers": said})


def test_a_spectrum_is_kernel_ridge_regression_on_that_kernel():
    params = {
        "log_eigenvalues": jnp.log(jnp.array([0.5, 2.0, 0.7, *[1.0] * 6])),
        "kept": jnp.array(-50.0),
    }
    learner = DotProductKernel(eigenvalues=(0.5, 2.0, 0.7), ridge=1.0)
    x = stimuli(TRAIN + TEST)
    z = jnp.sin(3 * x[:TRAIN, 0])
    basis = spherical(x, DEGREE)[None]
    episode = History(
        train=basis[:, :TRAIN],
        labels=z[None],
        test=basis[:, TRAIN:],
        test_labels=jnp.zeros((1, TEST)),
        answers=jnp.zeros((1, TEST)),
        happened=jnp.ones(1, bool),
        degrees=DEGREES,
    )
    expected = learner.fit_predict(x[:TRAIN], z, x[TRAIN:], key=jax.random.key(0))
    np.testing.assert_allclose(
        Spectrum().beliefs(params, episode).mean[0], expected, rtol=1e-4, atol=1e-5
    )


def test_carry_over_mixes_beliefs_as_habits_do():
    episodes = history(4)
    params = parameters(Spectrum())
    alone = {**params, "kept": jnp.array(-50.0)}
    phi, degrees = with_one(episodes.train), with_constant(DEGREES)
    weights = jnp.zeros(SIZE + 1)
    c = float(jax.nn.sigmoid(params["kept"]))
    for e in range(4):
        g = Spectrum().taught(alone, degrees, phi[e], episodes.labels[e][:, None])[:, 0]
        weights = (1 - c) * g + c * weights
    np.testing.assert_allclose(
        Spectrum().beliefs(params, episodes).mean[3],
        with_one(episodes.test)[3] @ weights,
        rtol=1e-4,
        atol=1e-5,
    )


def test_the_delta_rule_goes_trial_by_trial_over_all_episodes():
    episodes, params = history(3), parameters(Delta())
    rates = np.exp(np.asarray(params["log_rates"]))[np.asarray(with_constant(DEGREES))]
    kept = float(jax.nn.sigmoid(params["kept"]))
    w = np.zeros(SIZE + 1)
    for e in range(3):
        w = kept * w
        for f, z in zip(np.asarray(with_one(episodes.train))[e], episodes.labels[e], strict=True):
            w = w + rates * f * (float(z) - f @ w) / (1 + f @ (rates * f))
    np.testing.assert_allclose(
        Delta().beliefs(params, episodes).mean[2],
        np.asarray(with_one(episodes.test))[2] @ w,
        rtol=1e-4,
        atol=1e-5,
    )


def test_rows_that_are_empty_yet_change_nothing():
    episodes = history(3, key=2)
    emptied = History(
        **{
            k: jnp.concatenate([jnp.zeros_like(v[:2]), v])
            for k, v in vars(episodes).items()
            if k != "degrees" and v is not None
        },
        degrees=DEGREES,
    )
    for twin in TWINS:
        params = parameters(twin)
        np.testing.assert_allclose(
            twin.beliefs(params, emptied).mean[2:], twin.beliefs(params, episodes).mean, atol=1e-5
        )
        found = log_likelihoods(twin, Fitted(params, Voice.start()), emptied)
        assert not np.any(np.asarray(found[:2]))


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.kind)
class TestEveryTwin:
    def test_error_matrix_is_the_mean_error_of_lessons_over_fresh_stimuli(self, twin):
        params = parameters(twin)
        train = history(3, key=7).train
        theta = jax.random.normal(jax.random.key(8), (SIZE,))
        theta = theta / jnp.linalg.norm(theta)
        points = spherical(jnp.asarray(Sphere(dimensions=3).graded_basis().points), DEGREE)
        weights = Sphere(dimensions=3).graded_basis().weights
        errors = []
        for functions in train:
            phi = with_one(functions)
            z = functions @ theta
            w = twin.taught(params, with_constant(DEGREES), phi, z[:, None])[:, 0]
            errors.append(weights @ np.asarray(points @ theta - with_one(points) @ w) ** 2)
        matrix = error_matrix(twin, params, train, DEGREES)
        assert float(theta @ matrix @ theta) == pytest.approx(np.mean(errors), rel=1e-3)

    def test_fit_predicts_new_answers_better_than_where_it_began(self, twin):
        params = parameters(twin)
        train, test = (answered(twin, params, history(40, key=k), key=k) for k in (3, 4))
        start = unfitted(twin, SIZE, key=jax.random.key(0))
        fitted = fit(twin, start, train, steps=100)

        def score(fitted):
            return float(jnp.mean(log_likelihoods(twin, fitted, test)))

        right = Fitted(
            params, Voice(jnp.array(0.0), jnp.array(0.0), jnp.log(0.04), jnp.array(-9.0))
        )
        assert score(fitted) > score(start) + 0.3
        assert score(fitted) > score(right) - 0.25

    def test_episodes_without_weight_have_no_say(self, twin):
        episodes = answered(twin, parameters(twin), history(6))
        wild = History(**{**vars(episodes), "answers": episodes.answers.at[5].set(0.9)})
        weights = jnp.array([1.0] * 5 + [0.0])
        start = unfitted(twin, SIZE, key=jax.random.key(0))
        a, b = (fit(twin, start, h, weights, steps=5) for h in (episodes, wild))
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5), a, b)


def test_lessons_are_drawn_from_what_was_shown():
    episodes = history(3)
    empty = jax.tree.map(jnp.zeros_like, episodes)
    mixed = History(
        **{
            k: v if k == "degrees" else jnp.concatenate([getattr(empty, k), v])
            for k, v in vars(episodes).items()
            if v is not None
        }
    )
    drawn = np.asarray(lessons(mixed, key=jax.random.key(0))).reshape(-1, SIZE)
    shown = np.concatenate([episodes.train, episodes.test], axis=1).reshape(-1, SIZE)
    nearest = np.abs(drawn[:, None] - shown[None]).max(axis=2).min(axis=1)
    assert nearest.max() == 0


def test_easiest_is_the_optimum_beside_what_is_taken():
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))
    error = jnp.asarray(q @ np.diag([0.1, 0.2, 0.3, 0.4, 0.5]) @ q.T)
    first = easiest(error, jnp.zeros((5, 5)))
    second = easiest(error, jnp.outer(first, first))
    assert abs(float(first @ q[:, 0])) > 0.9999
    assert abs(float(second @ q[:, 1])) > 0.9999


def test_the_baseline_follows_the_right_answers_and_a_fixed_belief_but_no_lesson():
    episodes = history(3)
    params = {"gain": jnp.array(0.4), "innate": jnp.arange(SIZE) / 10.0}
    expected = 0.4 * episodes.test_labels + episodes.test @ params["innate"]
    np.testing.assert_allclose(Proportional().beliefs(params, episodes).mean, expected, rtol=1e-5)
    untaught = History(**{**vars(episodes), "labels": jnp.zeros_like(episodes.labels)})
    np.testing.assert_allclose(Proportional().beliefs(params, untaught).mean, expected, rtol=1e-5)


class TestVoice:
    def test_densities_of_answers_integrate_to_one_but_for_what_lies_beyond(self):
        voice = Voice(jnp.array(0.1), jnp.array(0.2), jnp.array(-1.5), jnp.array(-1.0))
        grid = jnp.linspace(-3, 3, 6001)
        at, grid = Belief(jnp.full_like(grid, 0.3)[None], 0.04), grid[None]
        density = jnp.exp(voice.log_likelihood(at, grid, jnp.array(False)))
        assert float(jnp.trapezoid(density, grid)[0]) == pytest.approx(1.0, abs=5e-3)

    def test_yes_and_no_are_all_there_is_when_answers_are_binary(self):
        voice = Voice(jnp.array(0.0), jnp.array(0.1), jnp.array(-1.5), jnp.array(-2.0))
        belief = Belief(history(2).test_labels)
        yes, no = (
            jnp.exp(voice.log_likelihood(belief, jnp.full((2, TEST), a), jnp.array(True)))
            for a in (1.0, -1.0)
        )
        np.testing.assert_allclose(yes + no, 1.0, rtol=1e-5)
        strongest = jnp.argmax(belief.mean)
        assert float(yes.ravel()[strongest]) == float(jnp.max(yes))

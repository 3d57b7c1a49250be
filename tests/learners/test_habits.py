"""A bad day: each habit does what its line says, and none costs anything where it isn't had."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.habits import Habits, Lessons, Moment
from learners.ridge import Ridge

LEARNER = Ridge(ridge=1e-3)
KEY = jax.random.key(0)
X = jax.random.normal(jax.random.key(1), (8, 3))
Z = X @ jnp.array([0.3, -0.2, 0.1])
AT = jax.random.normal(jax.random.key(2), (4000, 3))
NOTHING = Lessons(x=jnp.zeros((0, 8, 3)), z=jnp.zeros((0, 8)))


def answers(habits, before=NOTHING, key=KEY):
    return np.asarray(habits.answers(LEARNER, X, Z, AT, before, key=key))


PLAIN = np.asarray(LEARNER.fit_predict(X, Z, AT, key=KEY))


def test_without_habits_it_is_the_circuit():
    assert np.array_equal(answers(Habits()), PLAIN)


def test_lapses_are_answered_at_random_as_often_as_stated():
    lapsed = answers(Habits(lapses=0.25)) != PLAIN
    assert lapsed.mean() == pytest.approx(0.25, abs=0.03)
    said = answers(Habits(lapses=0.25))[lapsed]
    assert said.mean() == pytest.approx(0, abs=0.06)
    assert said.std() == pytest.approx(3**-0.5, abs=0.03)


def test_bias_and_noise_are_added():
    assert answers(Habits(bias=0.2)) == pytest.approx(PLAIN + 0.2, abs=1e-6)
    difference = answers(Habits(noise=0.5)) - PLAIN
    assert difference.std() == pytest.approx(0.5, rel=0.05)


def test_binary_answers_are_right_on_average():
    said = answers(Habits(binary=True))
    assert set(np.unique(said)) == {-1.0, 1.0}
    high = np.clip(PLAIN, -1, 1) > 0.5
    assert said[high].mean() == pytest.approx(np.clip(PLAIN, -1, 1)[high].mean(), abs=0.1)


def test_a_belief_follows_every_episode_by_what_isn_t_carried_over():
    x = jax.random.normal(jax.random.key(5), (3, 8, 3))
    z = jax.random.uniform(jax.random.key(6), (3, 8), minval=-1, maxval=1)
    belief = np.zeros(len(AT))
    for one in range(3):  # the oldest first
        made = np.asarray(LEARNER.fit_predict(x[one], z[one], AT, key=KEY))
        belief = 0.3 * made + 0.7 * belief
    expected = 0.3 * PLAIN + 0.7 * belief
    habits = Habits(carry_over=0.7, remembered=3)
    assert answers(habits, Lessons(x, z)) == pytest.approx(expected, abs=1e-4)


def test_an_untaught_learner_carries_nothing_over():
    untaught = Lessons(x=jnp.zeros((2, 8, 3)), z=jnp.zeros((2, 8)))
    habits = Habits(carry_over=0.5, remembered=2)
    assert answers(habits, untaught) == pytest.approx(0.5 * PLAIN, abs=1e-5)


def test_a_belief_fades_from_one_test_trial_to_the_next():
    faded = answers(Habits(forgetting=0.01))
    expected = PLAIN * 0.99 ** np.arange(1, len(AT) + 1)
    assert faded == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("passes", "part"), [(1, 0.4), (2, 0.64), (4, 0.8704)])
def test_every_pass_teaches_the_same_part_of_what_is_left(passes, part):
    assert answers(Habits(uptake=0.4, passes=passes)) == pytest.approx(part * PLAIN, abs=1e-5)


def test_a_learner_that_takes_everything_up_gains_nothing_by_further_passes():
    assert np.array_equal(answers(Habits(passes=5)), PLAIN)


def biases(habits, episodes, key=KEY):
    """The slow bias of many episodes."""
    at = jax.vmap(
        lambda episode: habits.answers(
            LEARNER, X, Z, AT[:1], NOTHING, key=KEY, moment=Moment(episode, key)
        )
    )
    return np.asarray(at(jnp.asarray(episodes)))[:, 0] - PLAIN[0]


def test_a_drifting_bias_has_the_stated_spread_and_time():
    drifted = biases(Habits(drift=0.3, drift_episodes=20.0), np.arange(20_000))
    assert drifted.std() == pytest.approx(0.3, rel=0.1)
    assert np.abs(np.diff(drifted)).max() < 0.3 * 0.5  # no jumps: it turns by π/40 an episode
    apart = np.corrcoef(drifted[:-40], drifted[40:])[0, 1]
    assert abs(apart) < 0.1
    near = np.corrcoef(drifted[:-2], drifted[2:])[0, 1]
    assert near > 0.95


def test_a_drifting_bias_follows_from_the_episode_alone():
    habits = Habits(drift=0.3)
    together = biases(habits, np.arange(100))
    assert np.array_equal(together[70:], biases(habits, np.arange(70, 100)))
    assert not np.allclose(together, biases(habits, np.arange(100), key=jax.random.key(9)))


def test_a_learner_that_drifts_has_to_know_when_it_is():
    with pytest.raises(ValueError, match="pass `moment`"):
        answers(Habits(drift=0.1))

"""The learner of single labels: its recursion, its parameters found again, and no look ahead."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.trial_by_trial import TrialByTrial, Trials, chosen_so_far, fit, learnt_before

SESSIONS, LENGTH = 16, 250
COUNT = SESSIONS * LENGTH
TRUE = {
    "innate": jnp.array([0.3, 0.2, -0.5]),
    "first": jnp.zeros(3),
    "log_rates": jnp.log(jnp.array([0.2, 0.02])),
    "kept": jnp.array(5.0),
    "kept_overnight": jnp.array(-1.0),
    "log_gain": jnp.array(1.0),
    "lapse": jnp.array(-3.0),
    "history": jnp.array([0.5]),
    "stay": jnp.array(2.0),
    "stay_kept": jnp.array(2.0),
}


def lived(count=COUNT, length=LENGTH, seed=20):
    """Stimuli, labels by the first of two features with a base rate that changes each session."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 2))
    bias = np.repeat(random.normal(size=count // length), length)
    label = np.sign(x[:, 0] + bias)
    begins = np.arange(count) % length == 0
    return Trials(
        functions=jnp.asarray(np.concatenate([np.ones((count, 1)), x], axis=1), jnp.float32),
        degrees=jnp.array([0, 1, 1]),
        label=jnp.asarray(label, jnp.float32),
        choice=jnp.ones(count),
        begins=jnp.asarray(begins),
        terms=jnp.asarray(np.where(begins, 0, np.roll(label, 1))[:, None], jnp.float32),
    )


def chosen_by(parameters, trials, seed):
    """Choices of a learner with these parameters, one after the other."""
    random = np.random.default_rng(seed)
    bare = dataclasses.replace(parameters, stay=jnp.array(0.0), lapse=jnp.array(-60.0))
    p = np.asarray(TrialByTrial().probability(bare, trials), np.float64)
    drive = np.log(p / (1 - p))
    lapse, kept = (float(jax.nn.sigmoid(v)) for v in (parameters.lapse, parameters.stay_kept))
    choices, mean = [], 0.0
    for without, begins in zip(drive, np.asarray(trials.begins), strict=True):
        mean = 0.0 if begins else mean
        right = lapse / 2 + (1 - lapse) / (1 + np.exp(-without - float(parameters.stay) * mean))
        choices.append(1.0 if random.random() < right else -1.0)
        mean = kept * mean + (1 - kept) * choices[-1]
    return dataclasses.replace(trials, choice=jnp.array(choices))


@pytest.fixture(scope="module")
def truth():
    return dataclasses.replace(TrialByTrial().start(3, 2, 1), **TRUE)


@pytest.fixture(scope="module")
def trials(truth):
    return chosen_by(truth, lived(), seed=21)


@pytest.fixture(scope="module")
def found(trials):
    return fit(TrialByTrial(), trials, jnp.ones(COUNT, bool))


def test_weights_follow_the_delta_rule_of_the_docstring(truth):
    trials = lived(count=40, length=20)
    rates = np.array([0.2, 0.02, 0.02])
    kept, overnight = 1 / (1 + np.exp(-5.0)), 1 / (1 + np.exp(1.0))
    weights, expected = np.zeros(3), []
    for t in range(40):
        weights = overnight * weights if t == 20 else weights
        expected.append(weights)
        phi = np.asarray(trials.functions[t], np.float64)
        error = float(trials.label[t]) - phi @ weights
        weights = kept * (weights + rates * phi * error / (1 + phi @ (rates * phi)))
    assert np.allclose(learnt_before(truth, trials), expected, atol=1e-5)


def test_what_is_not_taught_stays_at_nothing(truth):
    learnt = np.asarray(learnt_before(truth, lived(), taught=0))
    assert np.abs(learnt[1:, 0]).max() > 0.1
    assert not learnt[:, 1:].any()


def test_the_habit_of_a_session_is_a_mean_of_its_earlier_choices():
    trials = dataclasses.replace(lived(count=6, length=3), choice=jnp.array([1.0, 1, -1, -1, 1, 1]))
    assert chosen_so_far(jnp.array(0.0), trials).tolist() == [0, 0.5, 0.75, 0, -0.5, 0.25]


def test_parameters_of_a_made_up_learner_are_found_again(found):
    rates = np.exp(np.asarray(found.log_rates))
    assert 0.1 < rates[0] < 0.4
    assert 0.01 < rates[1] < 0.04
    assert 0.97 < jax.nn.sigmoid(found.kept) < 0.999  # 0.993
    assert np.abs(found.innate - TRUE["innate"]).max() < 0.35
    assert abs(float(found.log_gain) - 1) < 0.4
    assert abs(float(found.history[0]) - 0.5) < 0.25
    assert abs(float(found.stay) - 2) < 0.7
    assert jax.nn.sigmoid(found.lapse) < 0.15  # 0.047


def test_it_predicts_new_choices_better_than_a_fit_that_does_not_learn(truth, trials, found):
    new = chosen_by(truth, lived(seed=22), seed=23)

    def score(model, parameters):
        p = model.probability(parameters, new)
        return float(jnp.mean(jnp.log(jnp.where(new.choice > 0, p, 1 - p))))

    still = TrialByTrial(taught=-1)
    without = fit(still, trials, jnp.ones(COUNT, bool))
    best = score(TrialByTrial(), truth)
    assert score(TrialByTrial(), found) > best - 0.005
    assert score(still, without) < best - 0.015


def test_a_choice_changes_no_prediction_up_to_its_own(truth, trials):
    place = 300
    other = dataclasses.replace(trials, choice=trials.choice.at[place].multiply(-1))
    model = TrialByTrial()
    same, changed = (np.asarray(model.probability(truth, t)) for t in (trials, other))
    assert np.array_equal(same[: place + 1], changed[: place + 1])
    assert same[place + 1] != changed[place + 1]
    assert np.array_equal(same[2 * LENGTH :], changed[2 * LENGTH :])  # sessions begin anew


def test_choices_that_are_not_counted_do_not_change_a_fit():
    trials = lived(count=200, length=50)
    counted = jnp.arange(200) < 150
    other = dataclasses.replace(trials, choice=trials.choice.at[150:].multiply(-1))
    fits = [fit(TrialByTrial(), one, counted) for one in (trials, other)]
    same = jax.tree.map(lambda a, b: bool((a == b).all()), *fits)
    assert all(jax.tree.leaves(same))


def test_a_fit_to_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one choice"):
        fit(TrialByTrial(), lived(count=50, length=50), jnp.zeros(50, bool))

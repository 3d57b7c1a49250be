"""Residuals that are made up: each check sees what it is there for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from controller.fit.held_out import Prediction
from controller.fit.residuals import residuals
from learners.twins.base import History
from learners.twins.fitting import Fitted
from learners.twins.proportional import Proportional
from learners.twins.voice import Voice

EPISODES, TEST, NOISE = 60, 12, 0.2
RNG = np.random.default_rng(4)
LABELS = RNG.uniform(-0.8, 0.8, (EPISODES, TEST))
RIGHT = LABELS + NOISE * RNG.normal(size=LABELS.shape)


def checks(answers):
    """The checks of a model that says: the label, with that noise."""
    shape = (EPISODES, 3)
    history = History(
        train=jnp.zeros((*shape, 0)),
        labels=jnp.zeros(shape),
        test=jnp.zeros((*LABELS.shape, 0)),
        test_labels=jnp.asarray(LABELS, jnp.float32),
        answers=jnp.asarray(answers, jnp.float32),
        happened=jnp.ones(EPISODES, bool),
        degrees=jnp.zeros(0, jnp.int32),
    )
    voice = Voice(*map(jnp.array, (0.0, 0.0, float(np.log(NOISE - 0.01)), -20.0)))
    says = {"gain": jnp.array(1.0), "innate": jnp.zeros(0)}
    folds = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), Fitted(says, voice))
    found = residuals(Proportional(), Prediction(folds, folds, np.zeros(LABELS.shape), 4), history)
    return {check.name: check for check in found.checks}


def test_a_right_model_leaves_nothing():
    words = [check.word for check in checks(RIGHT).values()]
    assert words == [
        "no bias is left over",
        "answers follow the labels as predicted",
        "nothing changes in the course of an episode",
        "an answer says nothing about the next one",
        "answers are spread as predicted",
    ]


TREND = np.linspace(-0.2, 0.2, TEST)
STREAK = np.repeat(RNG.normal(size=(EPISODES, TEST // 3)), 3, axis=1)


@pytest.mark.parametrize(
    ("answers", "name", "word"),
    [
        (RIGHT + 0.1, "mean residual", "answers lie higher than predicted"),
        (RIGHT - 0.3 * LABELS, "slope on the label", "answers follow the labels less"),
        (RIGHT + TREND, "slope on the place in the episode", "answers rise in the course"),
        (RIGHT + 0.2 * STREAK, "correlation with the trial before", "goes on in the next one"),
        (
            LABELS + 2 * (RIGHT - LABELS),
            "distance of percentiles from uniform",
            "the model is too sure",
        ),
        (
            LABELS + 0.4 * (RIGHT - LABELS),
            "distance of percentiles from uniform",
            "isn't sure enough",
        ),
    ],
)
def test_what_is_wrong_is_said(answers, name, word):
    assert word in checks(answers)[name].word


def test_answers_of_yes_and_no_have_percentiles_too():
    yes = RNG.uniform(size=LABELS.shape) < (1 + LABELS) / 2
    found = checks(np.where(yes, 1.0, -1.0))
    assert found["distance of percentiles from uniform"].value < 0.08
    assert abs(found["mean residual"].value) < 3 * found["mean residual"].error

"""The one-standard-error rule, on scores that are made up."""

import numpy as np

from controller.fit.comparison import compare

RNG = np.random.default_rng(0)
BASE = RNG.normal(size=(50, 6))
NOISE = RNG.normal(size=(50, 6))


def test_the_smaller_of_two_that_predict_alike_is_named():
    scores = {"large": BASE, "small": BASE - 0.001 + 0.05 * NOISE}
    found = compare(scores, {"large": 9, "small": 5})
    assert (found.best, found.named, found.not_apart) == ("large", "small", ("large",))
    assert found.below_best["large"].value == 0


def test_a_smaller_one_that_is_clearly_worse_is_not():
    scores = {"large": BASE, "small": BASE - 0.1 + 0.05 * NOISE}
    found = compare(scores, {"large": 9, "small": 5})
    assert (found.best, found.named, found.not_apart) == ("large", "large", ())


def test_errors_are_between_episodes_and_paired():
    gap = RNG.normal(size=50)
    found = compare({"a": BASE, "b": BASE - 1 + 0.1 * gap[:, None]}, {"a": 1, "b": 1})
    assert np.isclose(found.below_best["b"].error, 0.1 * gap.std(ddof=1) / 50**0.5)
    assert np.isclose(found.held_out["a"].error, BASE.mean(axis=1).std(ddof=1) / 50**0.5)


def test_of_two_equally_small_ones_the_better_is_named():
    scores = {"a": BASE, "b": BASE - 0.002 + 0.05 * NOISE}
    assert compare(scores, {"a": 5, "b": 5}).named == "a"

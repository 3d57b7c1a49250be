"""Logistic regression, against other ways to the same weights."""

import numpy as np
import pytest
from scipy.optimize import minimize

from learners.logistic_regression import chances, fit_logistic


@pytest.fixture(scope="module")
def made():
    random = np.random.default_rng(0)
    terms = np.concatenate([np.ones((2000, 1)), random.normal(size=(2000, 3))], axis=1)
    weights = np.array([0.3, -1.0, 0.5, 0.0])
    return terms, weights, random.random(2000) < chances(weights, terms)


def test_another_method_from_another_start_finds_the_same_weights(made):
    terms, _, chosen = made

    def loss(weights):
        p = 1 / (1 + np.exp(-terms @ weights))
        return -np.log(np.where(chosen, p, 1 - p)).sum() + 0.5 * 2.0 * np.sum(weights**2)

    options = {"xatol": 1e-8, "fatol": 1e-8, "maxiter": 5000}
    other = minimize(loss, [2.0, 2.0, -2.0, 1.0], method="Nelder-Mead", options=options)
    assert other.success
    assert np.allclose(fit_logistic(terms, chosen, ridge=2.0), other.x, atol=1e-4)


def test_known_weights_are_found_within_their_error(made):
    terms, weights, chosen = made
    assert np.abs(fit_logistic(terms, chosen) - weights).max() < 0.2


def test_with_a_constant_alone_it_is_the_logit_of_the_share():
    chosen = np.arange(100) < 80
    found = fit_logistic(np.ones((100, 1)), chosen, ridge=0.0)
    assert found[0] == pytest.approx(np.log(4), abs=1e-6)


def test_no_trials_are_refused():
    with pytest.raises(ValueError, match="at least one trial"):
        fit_logistic(np.ones((0, 1)), np.zeros(0, bool))

"""The psychometric function is found again, with errors that are right."""

import numpy as np
import pytest

from controller.analysis.statistics.psychometric import fit_psychometric, probability

TRUE = (0.5, 4.0, 0.1, 0.05)


def answers(random, size, parameters=TRUE, scale=1.0):
    z = random.uniform(-1, 1, size)
    p = probability(z, *parameters)
    return scale * z, np.where(random.random(size) < p, 1.0, -1.0)


def test_parameters_are_found_within_their_errors():
    found = fit_psychometric(*answers(np.random.default_rng(0), 20_000), np.arange(20_000) // 20)
    values = (found.intercept, found.slope, found.low, found.high)
    errors = (found.intercept_se, found.slope_se, found.low_se, found.high_se)
    assert np.all(np.abs(np.subtract(values, TRUE)) < 3 * np.array(errors))
    assert max(errors[2:]) < 0.01
    assert found.lapse_rate == pytest.approx(0.15, abs=0.02)


def test_errors_are_the_spread_over_repetitions():
    random = np.random.default_rng(1)
    fits = [fit_psychometric(*answers(random, 2000), np.arange(2000) // 10) for _ in range(60)]
    for name in ("intercept", "slope", "low", "high"):
        spread = np.std([getattr(fit, name) for fit in fits], ddof=1)
        errors = [getattr(fit, f"{name}_se") for fit in fits]
        assert np.nanmedian(errors) == pytest.approx(spread, rel=0.4)


def test_the_unit_of_labels_is_that_of_the_slope():
    one, other = (
        fit_psychometric(*answers(np.random.default_rng(2), 3000, scale=scale), np.arange(3000))
        for scale in (1.0, 10.0)
    )
    assert other.slope == pytest.approx(one.slope / 10, rel=1e-3)
    assert other.slope_se == pytest.approx(one.slope_se / 10, rel=1e-3)
    assert other.low == pytest.approx(one.low, abs=1e-3)


def test_it_is_as_likely_as_a_fine_search_finds():
    z, answer = answers(np.random.default_rng(3), 400)
    z = np.round(z, 1)
    found = fit_psychometric(z, answer, np.arange(400))

    def loss(*parameters):
        p = np.clip(probability(z, *parameters), 1e-9, 1 - 1e-9)
        return -np.sum(np.log(np.where(answer > 0, p, 1 - p)))

    grids = (np.linspace(-1, 2, 7), np.linspace(1, 10, 10), *[np.linspace(0, 0.3, 7)] * 2)
    best = min(loss(*one) for one in np.stack(np.meshgrid(*grids), -1).reshape(-1, 4))
    assert loss(found.intercept, found.slope, found.low, found.high) <= best + 1e-6


def test_a_step_has_a_steep_slope_and_no_error_of_it():
    z = np.linspace(-1, 1, 200)
    found = fit_psychometric(z, np.sign(z), np.arange(200))
    assert found.slope > 40
    assert found.lapse_rate == pytest.approx(0, abs=1e-3)
    assert np.isnan([found.low_se, found.high_se]).all()


def test_a_curve_may_fall():
    z, answer = answers(np.random.default_rng(4), 3000)
    assert fit_psychometric(z, -answer, np.arange(3000)).slope == pytest.approx(-4, abs=1)


def test_few_units_have_no_errors():
    found = fit_psychometric(*answers(np.random.default_rng(5), 300), np.zeros(300, int))
    assert np.isfinite([found.slope, found.low]).all()
    assert np.isnan([found.slope_se, found.low_se]).all()

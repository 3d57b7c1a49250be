"""Wilson's interval is SciPy's, and takes halves."""

import math

import pytest
from scipy.stats import binomtest

from controller.analysis.statistics.wilson import wilson


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (7, 12), (0, 30), (250, 300)])
@pytest.mark.parametrize("level", [0.95, 0.6])
def test_it_is_that_of_scipy(right, n, level):
    theirs = binomtest(right, n).proportion_ci(level, method="wilson")
    assert wilson(right, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_half_lies_between_its_neighbours():
    low, half, high = (wilson(right, 10) for right in (6, 6.5, 7))
    assert low[0] < half[0] < high[0]
    assert low[1] < half[1] < high[1]


def test_of_nothing_nothing_is_known():
    assert all(math.isnan(end) for end in wilson(0, 0))

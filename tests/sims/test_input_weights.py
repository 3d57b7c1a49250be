import dataclasses

import numpy as np
import pytest

from controller.analysis.measures import HeldOut
from controller.analysis.summary import FoundFunction
from protocols.spaces.base import GradedBasis
from protocols.spaces.sphere import Sphere
from sims.figures.claims import Arm
from sims.figures.fig7e import heaviest_inputs
from sims.figures.fig7f import by_group_means
from sims.figures.input_weights import (
    group_means_fit,
    input_weights,
    largest_group_share,
    largest_share,
    share_on,
)

GROUPS = ((0, 1), (2, 3, 4))
POINTS = Sphere(dimensions=5).reference(400)
BASIS = GradedBasis(
    points=POINTS,
    weights=np.full(len(POINTS), 1 / len(POINTS)),
    values=np.ones((len(POINTS), 1)),
    degrees=np.zeros(1, np.int64),
    word="degree",
    exact=False,
)
NOTHING = FoundFunction(
    theta=np.zeros(1, np.float32),
    values=np.zeros(len(POINTS)),
    share={},
    power=1.0,
    affine_r2=1.0,
    held_out=HeldOut(0.0, 0.0, 0.0, 1),
    others=(),
    max_cosine=0.0,
)


def arm(values) -> Arm:
    return Arm((dataclasses.replace(NOTHING, values=values),), (), BASIS)


LINEAR = arm(0.5 + POINTS @ [0.0, 1.0, 0.0, -2.0, 0.0])


def test_the_weights_of_an_affine_function_are_its_slopes():
    np.testing.assert_allclose(input_weights(LINEAR), [0, 1, 0, -2, 0], atol=1e-12)


def test_shares_are_of_the_sum_of_squared_weights():
    assert largest_share(LINEAR) == pytest.approx(0.8)
    assert share_on(1)(LINEAR) == pytest.approx(0.2)
    assert largest_group_share(GROUPS)(LINEAR) == pytest.approx(0.8)


def test_a_function_of_group_means_is_explained_by_them_and_one_of_a_difference_is_not():
    of_means = arm(POINTS @ [1.0, 1.0, -0.5, -0.5, -0.5] - 0.2)
    assert group_means_fit(GROUPS)(of_means) == pytest.approx(1.0)
    assert group_means_fit(GROUPS)(arm(POINTS[:, 0] - POINTS[:, 1])) < 0.05


def test_a_constant_function_has_no_measures():
    constant = arm(np.zeros(len(POINTS)))
    assert np.isnan(largest_share(constant))
    assert np.isnan(group_means_fit(GROUPS)(constant))


def test_planes_show_the_heaviest_inputs_and_the_group_means():
    place, names = heaviest_inputs(LINEAR)
    assert 3 in [int(name[-1]) - 1 for name in names]
    assert np.array_equal(place[:, [int(n[-1]) - 1 for n in names].index(3)], POINTS[:, 3])
    means, _ = by_group_means(LINEAR)
    np.testing.assert_allclose(means[:, 0], (POINTS[:, 0] + POINTS[:, 1]) / 2)

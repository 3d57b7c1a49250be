"""The numbers behind a budget: intervals, prices, reliabilities, what is easiest."""

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from controller.document import load_experiment
from learners.dot_product_kernel import DotProductKernel
from protocols.library import ready
from sims.budget.ease import Ease, ease, terms
from sims.budget.errors import PlanError
from sims.budget.interval import NEVER, of_a_part, predictive
from sims.budget.price import presentations, price
from sims.budget.probe import Probe
from sims.budget.reliability import intraclass

DEFAULT, ANIMAL = ready()["default"], ready()["animal"]


def document(path=DEFAULT, *overrides):
    return load_experiment(path, overrides).value


@pytest.mark.parametrize(("n", "draw"), [(9, "gamma"), (19, "gamma"), (29, "gamma"), (5, "normal")])
def test_four_of_five_next_runs_fall_inside(n, draw):
    rng = np.random.default_rng(n)
    inside = 0
    for _ in range(4000):
        runs = rng.gamma(2.0, size=n + 1) if draw == "gamma" else np.exp(rng.normal(size=n + 1))
        inside += predictive(runs[:-1]).holds(runs[-1])
    assert abs(inside / 4000 - 0.8) < 0.025


def test_the_ends_are_order_statistics_where_their_ranks_are_whole():
    found = predictive([float(value) for value in range(19, 0, -1)])
    assert (found.low, found.median, found.high) == (2, 10, 18)
    assert (predictive(range(1, 10)).low, predictive(range(1, 10)).high) == (1, 9)


def test_ranks_that_are_not_whole_lie_between_two_runs():
    found = predictive([float(value) for value in range(1, 25)])
    assert found.low == pytest.approx(2.5)
    assert found.high == pytest.approx(22.5)


def test_runs_that_never_got_there_open_the_interval_but_leave_its_lower_end():
    found = predictive([*(100.0 + k for k in range(16)), NEVER, NEVER, NEVER])
    assert found.high == NEVER
    assert found.low == 101
    assert found.never == 3
    assert not predictive(range(1, 20)).holds(NEVER)
    assert found.holds(NEVER)
    assert math.isinf(predictive([NEVER] * 9).median)


def test_two_runs_of_which_one_never_got_there_have_no_upper_end():
    found = predictive([5.0, NEVER])
    assert (found.low, found.high) == (5.0, NEVER)


@pytest.mark.parametrize("values", [[], [0.0, 1.0], [-1.0]])
def test_no_interval_without_positive_numbers(values):
    with pytest.raises(ValueError, match="positive"):
        predictive(values)


def test_a_part_of_runs_has_an_interval_that_holds_it():
    low, high = of_a_part(29, 29)
    assert 0.9 < low < 1
    assert high == 1
    low, high = of_a_part(3, 10)
    assert low < 0.3 < high


def test_a_price_counts_what_the_animal_sees():
    assert presentations(document()) == 24
    assert presentations(document(DEFAULT, "habits.passes=3")) == 36
    schedule = ["training_blocks=2", "repeats=3", "catch=4", "anchors=1"]
    session = document(ANIMAL, *(f"session.schedule.{field}" for field in schedule))
    assert presentations(session) == 2 * 6 + 3 * 18 + 4 + 1


def test_days_and_animals_follow_from_the_trials_of_a_day():
    cost = price(document(), days_per_animal=2)
    assert (cost.days(300), cost.days(301), cost.animals(600), cost.animals(601)) == (1, 2, 1, 2)
    assert math.isinf(cost.days(NEVER))
    assert math.isinf(cost.animals(NEVER))
    assert price(document(ANIMAL)).trials_a_day == 900
    assert price(document(ANIMAL, "session.schedule.warm_up=50"), 200).trials_a_day == 150


def test_naive_animals_do_one_episode_each():
    cost = price(document(ANIMAL, 'session.subject.policy="naive"'))
    assert cost.animals(24 * 7) == 7


def test_a_day_that_is_all_warm_up_is_refused():
    with pytest.raises(PlanError, match="larger --trials-a-day"):
        price(document(ANIMAL, "session.schedule.warm_up=50"), 50)


def test_the_intraclass_correlation_is_the_share_of_variance_that_was_put_in():
    rng = np.random.default_rng(0)
    own = rng.normal(size=(3000, 1, 1)) * 0.5
    noise, shared = rng.normal(size=(3000, 4, 1)), 3 * rng.normal(size=(1, 4, 1))
    expected = 0.25 / 1.25
    assert intraclass([own + noise], common=False) == pytest.approx(expected, abs=0.03)
    assert intraclass([own + noise + shared], common=True) == pytest.approx(expected, abs=0.03)
    assert intraclass([own + noise + shared], common=False) < 0.1
    assert intraclass([np.zeros((4, 2, 1))], common=True) == 0


def test_functions_alike_to_a_learner_are_one_group_and_a_stage_may_find_any_of_them():
    found = Ease(np.array([0.1, 0.15, 0.19, 1.0, 1.9, 4.1]), np.eye(6))
    assert [found.group(stage) for stage in range(6)] == [3, 3, 3, 5, 5, 6]
    assert [count for count, _ in found.groups()] == [3, 2, 1]
    assert found.is_distinct(4)
    assert not found.is_distinct(5)


def test_what_a_kernel_finds_easiest_is_measured_on_it():
    design = document(DEFAULT, 'learner={kind="dot_product_kernel"}').design()
    basis = terms(design)
    found = ease(design, basis, key=jax.random.key(1), episodes=256)
    assert found.group(0) == 5  # second order, by its eigenvalues
    degrees = np.array(design.labeller.degrees(design.space))
    thetas = np.eye(15)[[0, 3, 8]]
    precision = basis.precision(design, found, 0, thetas)
    assert [int(degrees[i]) for i in (0, 3, 8)] == [1, 2, 3]
    assert precision[1] > 0.97
    assert max(precision[0], precision[2]) < 0.03


def test_a_network_labeller_is_judged_in_the_spaces_own_functions():
    linear = document(DEFAULT, 'learner={kind="dot_product_kernel"}').design()
    network = document(
        DEFAULT,
        'labeller={kind="mlp",hidden=[4]}',
        'objective.orthogonality="penalty"',
        'learner={kind="dot_product_kernel"}',
    ).design()
    basis = terms(network)
    assert basis.values.shape[1] == 24  # orders 1 to 4
    found = ease(network, basis, key=jax.random.key(1), episodes=256)
    assert found.group(0) == 5
    theta = network.labeller.initial(network.space, key=jax.random.key(2))
    precision = basis.precision(network, found, 0, np.asarray(theta)[None])
    assert 0 <= precision[0] <= 1
    assert terms(linear).values.shape[1] == 15


def test_a_learner_without_preference_has_nothing_to_be_found():
    design = document().design()
    alike = Ease(np.ones(15), np.eye(15))
    assert np.isnan(terms(design).precision(design, alike, 0, np.eye(15)[:2])).all()


def test_a_probe_asks_every_candidate_the_same_number_of_times_in_a_row():
    probe = Probe(population=6, together=2)
    state = probe.init(jnp.zeros(1), key=jax.random.key(0), trials=(1, 1))
    state = probe.asking(state, jnp.arange(3.0)[:, None])
    orders = set()
    for generation in range(8):
        asked = np.asarray(probe.ask({**state, "generation": jnp.int32(generation)})[0])[:, 0]
        assert list(asked[::2]) == list(asked[1::2])
        assert sorted(asked[::2]) == [0, 1, 2]
        orders.add(tuple(asked))
    assert len(orders) > 1


def test_a_kernel_of_other_eigenvalues_is_easier_elsewhere():
    design = document(DEFAULT, 'learner={kind="dot_product_kernel"}').design()
    first = DotProductKernel(eigenvalues=(0.1, 1.0, 0.1, 0.1))
    design = replace(design, panel=replace(design.panel, chosen=(first,)))
    found = ease(design, terms(design), key=jax.random.key(1), episodes=256)
    assert found.group(0) == 3

"""What every strategy promises. A new strategy is added to CASES and is tested."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import controller.strategies
from controller.arrays import from_arrays, to_arrays
from controller.statuses import Status
from controller.strategies.base import AbstractStrategy, Evaluations, Shown, StrategyError
from controller.strategies.es import ES
from controller.strategies.es_algorithms import tie_averaged_weights
from controller.strategies.gradient import Gradient
from controller.strategies.guard import tell
from controller.strategies.iterated import Iterated
from controller.strategies.random import RandomSearch
from controller.strategies.twin import Twin
from protocols.registry import discover

CASES = [
    ES(algorithm="DiscoveredES", population=16),
    ES(algorithm="CMA_ES", population=8),
    ES(algorithm="SNES", population=16),
    ES(algorithm="OpenES", population=16, learning_rate=0.1),
    ES(algorithm="Sep_CMA_ES", population=8),
    ES(algorithm="CMA_ES", population=8, mirrored=True, max_repeats=3),
    RandomSearch(population=16),
    Gradient(population=2, learning_rate=0.1),
    Iterated(population=2),
    Twin(population=2, twins=("low_rank",), steps=10, capacity=12),
]
GOAL = jnp.array([0.4, -0.3, 0.2, 0.1])
START = jnp.full(4, 0.05)
TRAIN, TESTS = 6, 12
EASY = GOAL / jnp.linalg.norm(GOAL)
PRIOR = 3.0 * jnp.outer(EASY, EASY) + 0.1 * (jnp.eye(4) - jnp.outer(EASY, EASY))
"""What a kernel learner takes for likely: the goal's direction comes back most whole."""


def answers_of_a_kernel(train, labels, test):
    gram = train @ PRIOR @ train.T + jnp.eye(len(train))
    return test @ PRIOR @ train.T @ jnp.linalg.solve(gram, labels)


def evaluate(theta, strategy, key=None):
    key = jax.random.key(3) if key is None else key
    loss = jnp.sum((theta - GOAL) ** 2, axis=1)
    slots = theta.shape[0]
    shown, labels, answers = None, jnp.zeros((slots, TESTS)), jnp.zeros((slots, TESTS))
    if strategy.needs_shown:
        basis = jax.random.normal(key, (slots, TRAIN + TESTS, 4))
        every = jnp.einsum("stf,sf->st", basis, theta)
        shown = Shown(
            train=basis[:, :TRAIN],
            train_labels=every[:, :TRAIN],
            test=basis[:, TRAIN:],
            degrees=jnp.array([1, 2, 3, 4], jnp.int32),
            earlier=jnp.zeros((1, 4)),
        )
        labels = every[:, TRAIN:]
        answers = jax.vmap(answers_of_a_kernel)(shown.train, shown.train_labels, shown.test)
    return Evaluations(
        shown=shown,
        theta=theta,
        fitness=loss,
        status=jnp.full(slots, Status.DONE, jnp.uint8),
        labels=labels,
        answers=answers,
        error=loss,
        error_se=jnp.zeros(slots),
        gradient=2 * (theta - GOAL) if strategy.needs_gradient else None,
    )


def search(strategy, state, generations):
    @jax.jit
    def generation(state, key):
        theta, state = strategy.ask(state)
        return tell(strategy, state, evaluate(theta, strategy, key))

    for index in range(generations):
        state = generation(state, jax.random.key(index))
    return state


def begin(strategy, key=0):
    return strategy.init(START, key=jax.random.key(key), trials=(TRAIN, TESTS))


def test_every_kind_that_is_found_is_a_case_here():
    found = discover(controller.strategies, AbstractStrategy, "biasloop.strategies")
    assert set(found) == {case.kind for case in CASES}


@pytest.mark.parametrize("strategy", CASES, ids=repr)
class TestEveryStrategy:
    def test_asks_for_as_many_candidates_as_it_says(self, strategy):
        theta, _ = strategy.ask(begin(strategy))
        assert theta.shape == (strategy.population, 4)

    def test_comes_nearer_to_the_optimum(self, strategy):
        state = search(strategy, begin(strategy), 60)
        found = strategy.recommended(state)
        if strategy.needs_shown:  # it finds a direction
            found = found * jnp.linalg.norm(GOAL) * jnp.sign(found @ GOAL)
        nearer = jnp.sum((found - GOAL) ** 2)
        assert float(nearer) < 0.5 * float(jnp.sum(GOAL**2))

    def test_goes_on_bit_for_bit_from_stored_arrays(self, strategy):
        state = search(strategy, begin(strategy), 3)
        restored = from_arrays(begin(strategy), to_arrays(state))
        a, b = (to_arrays(search(strategy, s, 2)) for s in (state, restored))
        assert a.keys() == b.keys()
        assert all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)

    def test_keeps_its_state_in_arrays_of_unchanging_type(self, strategy):
        before = jax.tree.map(lambda a: (a.shape, a.dtype), begin(strategy))
        after = jax.tree.map(lambda a: (a.shape, a.dtype), search(strategy, begin(strategy), 1))
        assert before == after

    def test_is_not_told_a_partial_generation(self, strategy):
        theta, state = strategy.ask(begin(strategy))
        partial = jax.tree.map(lambda a: a[:-1], evaluate(theta, strategy))
        with pytest.raises(StrategyError, match="a missing slot is not a bad one"):
            tell(strategy, state, partial)

    def test_is_not_told_a_slot_that_failed(self, strategy):
        theta, state = strategy.ask(begin(strategy))
        good = evaluate(theta, strategy)
        bad = good.__class__(**{**vars(good), "status": good.status.at[1].set(Status.FAILED)})
        with pytest.raises(StrategyError, match=r"1 \(failed\); run them again"):
            tell(strategy, state, bad)

    def test_is_not_told_a_fitness_that_is_no_number(self, strategy):
        theta, state = strategy.ask(begin(strategy))
        good = evaluate(theta, strategy)
        bad = good.__class__(**{**vars(good), "fitness": good.fitness.at[0].set(jnp.nan)})
        with pytest.raises(StrategyError, match=r"slot.s. 0 is not finite"):
            tell(strategy, state, bad)


def test_the_mean_is_recommended_and_not_the_luckiest_draw():
    strategy = CASES[2]
    state = search(strategy, begin(strategy), 1)
    assert np.array_equal(strategy.recommended(state), state["inner"].mean)
    assert not np.array_equal(strategy.recommended(state), state["inner"].best_solution)


def test_tied_candidates_share_the_weights_of_their_ranks():
    class Params:
        weights = jnp.array([0.7, 0.2, 0.1, 0.0])

    fitness = jnp.array([1.0, 0.5, 1.0, 2.0])
    shared = tie_averaged_weights(jnp.zeros((4, 1)), fitness, None, Params)
    np.testing.assert_allclose(shared, [0.15, 0.7, 0.15, 0.0], atol=1e-6)


def test_when_all_tie_every_candidate_weighs_the_same():
    class Params:
        weights = jnp.array([0.7, 0.2, 0.1, 0.0])

    shared = tie_averaged_weights(jnp.zeros((4, 1)), jnp.ones(4), None, Params)
    np.testing.assert_allclose(shared, [0.25] * 4, atol=1e-6)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (ES(algorithm="OpenES", population=7), "needs an even number, got 7; use 8"),
        (ES(algorithm="PGPE", population=9), "needs an even number, got 9; use 10"),
        (ES(algorithm="CMA_ES", population=1), "expected at least 2 for CMA_ES, got 1"),
        (ES(algorithm="SMES"), "expected one of .*SNES.*got 'SMES'"),
        (ES(mirrored=True, population=7), "mirrored pairs need an even number, got 7; use 8"),
        (ES(algorithm="PGPE", mirrored=True), "PGPE draws mirrored pairs by itself"),
        (ES(algorithm="xNES", mirrored=True), "xNES remembers what it drew.*SNES"),
    ],
    ids=["odd-openes", "odd-pgpe", "one", "unknown", "odd-pairs", "own-pairs", "no-pairs"],
)
def test_populations_that_an_algorithm_cannot_use_are_refused(strategy, message):
    with pytest.raises(StrategyError, match=message):
        strategy.check(4)

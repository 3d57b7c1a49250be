"""A population is looked at again while its candidates can't be told apart, and then told once."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from controller.analysis.summary import columns
from controller.replay import verify
from controller.runs import begin
from controller.statuses import Status
from controller.store import read
from controller.strategies.base import Evaluations
from controller.strategies.es import ES
from controller.strategies.es_repeats import another_look, no_look, reliability
from controller.strategies.guard import tell

START = jnp.array([0.5, -0.4, 0.3])


def evaluated(theta, fitness, error_se=1e3):
    slots = theta.shape[0]
    return Evaluations(
        theta=theta,
        fitness=fitness,
        status=jnp.full(slots, Status.DONE, jnp.uint8),
        labels=jnp.zeros((slots, 2)),
        answers=jnp.zeros((slots, 2)),
        error=fitness,
        error_se=jnp.full(slots, error_se),
        gradient=None,
    )


def begun(strategy):
    return strategy.init(START, key=jax.random.key(0), trials=(6, 12))


def noise(look, slots=8):
    return jax.random.normal(jax.random.key(look), (slots,))


def test_the_second_half_of_a_population_mirrors_the_first():
    strategy = ES(population=8, mirrored=True)
    theta, state = strategy.ask(begun(strategy))
    np.testing.assert_allclose(theta[:4] + theta[4:], 2 * jnp.tile(START, (4, 1)), atol=1e-6)
    plain, _ = ES(population=8).ask(state)
    np.testing.assert_array_equal(theta[:4], plain[:4])


def test_the_algorithm_is_told_means_after_the_last_look():
    strategy = ES(algorithm="CMA_ES", population=8, max_repeats=3, reliability=1.0)
    first, state = strategy.ask(begun(strategy))
    for look in range(3):
        theta, state = strategy.ask(state)
        np.testing.assert_array_equal(theta, first)
        np.testing.assert_array_equal(strategy.recommended(state), START)
        state = tell(strategy, state, evaluated(theta, noise(look)))
    plain = ES(algorithm="CMA_ES", population=8)
    theta, expected = plain.ask(begun(plain))
    means = sum(noise(look) for look in range(3)) / 3
    expected = tell(plain, expected, evaluated(theta, means))
    np.testing.assert_array_equal(strategy.recommended(state), plain.recommended(expected))
    assert int(state["tally"]["looks"]) == 0
    assert not np.array_equal(strategy.ask(state)[0], first)


def test_candidates_that_are_told_apart_at_once_are_not_looked_at_again():
    strategy = ES(population=8, max_repeats=3)
    theta, state = strategy.ask(begun(strategy))
    state = tell(strategy, state, evaluated(theta, jnp.arange(8.0), error_se=0.1))
    assert int(state["generation"]) == 1


@pytest.mark.parametrize("looks", [2, 4])
@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_reliability_is_the_part_of_the_variance_that_is_not_noise(looks, spread):
    slots = 4000
    own = spread * noise(100, slots)
    tally = no_look(slots, 1)
    for look in range(looks):
        common = 30.0 * look  # what a look adds to all of them alike is no noise
        tally = another_look(tally, jnp.zeros((slots, 1)), own + noise(look, slots) + common)
    latest = evaluated(jnp.zeros((slots, 1)), own)
    expected = spread**2 / (spread**2 + 1 / looks)
    assert float(reliability(tally, latest)) == pytest.approx(expected, abs=0.05)


def test_after_one_look_it_is_judged_by_the_standard_errors():
    slots = 4000
    fitness = 2.0 * noise(0, slots)
    tally = another_look(no_look(slots, 1), jnp.zeros((slots, 1)), fitness)
    latest = evaluated(jnp.zeros((slots, 1)), fitness, error_se=1.0)
    assert float(reliability(tally, latest)) == pytest.approx(1 - 1 / 4, abs=0.02)
    alike = evaluated(jnp.zeros((slots, 1)), jnp.zeros(slots), error_se=0.0)
    assert float(reliability(tally, alike)) == 0.0


def test_a_run_repeats_its_populations_on_new_stimuli_and_replays(small, tmp_path):
    document = small(
        "strategy.max_repeats=3",
        "strategy.reliability=0.8",
        "strategy.mirrored=true",
        "habits.lapses=0.3",
        "stages.count=1",
        "stages.generations=15",
    )
    assert begin(document, tmp_path / "run", control=False)
    tables = read(tmp_path / "run")
    theta = columns(tables, "candidates")["theta"].reshape(15, 6, -1)
    again = [np.array_equal(a, b) for a, b in pairwise(theta)]
    assert 4 < sum(again) < 14  # some are told at once or after two looks, none after four
    assert not any(all(again[i : i + 3]) for i in range(12))
    stimuli = columns(tables, "stimuli")["x"].reshape(15, -1)
    assert len(np.unique(stimuli, axis=0)) == 15
    assert verify(tmp_path / "run").difference is None

"""Iterated learning is power iteration on a linear learner, and follows it against smoothness."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from controller.analysis.summary import analyse, columns, summary
from controller.replay import verify
from controller.runs import begin, go_on
from controller.statuses import Status
from controller.store import read
from controller.strategies.base import Evaluations, Shown
from controller.strategies.guard import tell
from controller.strategies.iterated import Iterated
from protocols.documents import DocumentError

SIZE, TESTS = 5, 4000
ITERATED = ('strategy={kind="iterated"}', "episode.common_stimuli=false")


def told(strategy, state, gains, bias=0.0, key=0):
    """One generation of a learner that answers with `gains` times what it is taught."""
    theta, state = strategy.ask(state)
    shape = (strategy.population, TESTS, SIZE)
    basis = jax.random.normal(jax.random.key(key), shape)
    zeros = jnp.zeros(strategy.population)
    return tell(
        strategy,
        state,
        Evaluations(
            theta=theta,
            fitness=zeros,
            status=jnp.full(strategy.population, Status.DONE, jnp.uint8),
            labels=jnp.zeros(shape[:2]),
            answers=jnp.einsum("stf,f->st", basis, gains @ theta[0]) + bias,
            error=zeros,
            error_se=zeros,
            gradient=None,
            shown=Shown(
                train=basis[:, :6],
                train_labels=jnp.zeros((strategy.population, 6)),
                test=basis,
                degrees=jnp.arange(1, SIZE + 1, dtype=jnp.int32),
                earlier=jnp.zeros((1, SIZE)),
            ),
        ),
    )


def matrix(seed=0):
    """A symmetric positive matrix with distinct eigenvalues."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(SIZE, SIZE)))
    return q @ np.diag([0.9, 0.6, 0.4, 0.2, 0.1]) @ q.T, q


def test_without_memory_it_is_power_iteration():
    gains, _ = matrix()
    strategy = Iterated(population=1, memory=0.0, ridge=1e-6)
    start = jnp.arange(1.0, SIZE + 1)
    state, expected = (
        strategy.init(start, key=jax.random.key(0), trials=(6, TESTS)),
        np.asarray(start),
    )
    for step in range(4):
        state = told(strategy, state, gains, bias=0.3, key=step)
        expected = gains @ expected
        expected /= np.linalg.norm(expected)
        np.testing.assert_allclose(state["theta"], expected, atol=1e-3)


def test_what_is_left_is_the_eigenfunction_with_the_largest_gain():
    gains, eigenvectors = matrix(1)
    strategy = Iterated()
    state = strategy.init(jnp.ones(SIZE), key=jax.random.key(0), trials=(6, TESTS))
    for step in range(40):
        state = told(strategy, state, gains, key=step)
    assert abs(strategy.recommended(state) @ eigenvectors[:, 0]) > 0.999


def test_where_nobody_answers_nothing_changes():
    strategy = Iterated()
    state = strategy.init(jnp.arange(1.0, SIZE + 1), key=jax.random.key(0), trials=(6, TESTS))
    before = np.asarray(strategy.recommended(state))
    for step in range(3):
        state = told(strategy, state, jnp.zeros((SIZE, SIZE)), key=step)
    np.testing.assert_allclose(strategy.recommended(state), before, atol=1e-6)


def test_it_finds_what_the_kernel_finds_easy_in_a_thousand_trials(small, tmp_path):
    document = small(
        *ITERATED,
        "labeller.degree=3",
        "learner.width=100",
        "episode.train=6",
        "episode.test=18",
        "stages.generations=25",
        "stages.count=1",
        "habits.lapses=0.1",
    )
    assert begin(document, tmp_path / "run")
    (stage,) = summary(analyse(tmp_path / "run"))["stages"]
    assert stage["trials"] == 1200
    assert stage["share"]["1"] > 0.9
    assert stage["control"]["share"]["1"] < 0.6
    assert verify(tmp_path / "run").difference is None


def test_with_carry_over_a_run_can_be_replayed(small, tmp_path):
    document = small(*ITERATED, "habits.carry_over=0.7", "stages.generations=5")
    assert begin(document, tmp_path / "run")
    assert verify(tmp_path / "run").difference is None


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (('strategy={kind="iterated"}', "episode.common_stimuli=true"), "set it to false"),
        ((*ITERATED, 'labeller={kind="mlp"}', 'objective.orthogonality="penalty"'), "linear"),
        ((*ITERATED, 'objective.orthogonality="penalty"'), "projection"),
    ],
)
def test_what_it_can_t_work_with_is_refused(small, overrides, words):
    with pytest.raises(DocumentError, match=words):
        small(*overrides)


SETTLING = (
    'strategy={kind="iterated", settle=0.05, patience=5}',
    "episode.common_stimuli=false",
    *("learner.width=100", "episode.train=6", "episode.test=18", "labeller.degree=2"),
)


def test_a_stage_may_end_when_the_function_no_longer_moves(small, tmp_path):
    document = small(*SETTLING, "stages.generations=200")
    assert begin(document, tmp_path / "run")
    found = analyse(tmp_path / "run")
    assert [stage.finished for stage in found.stages] == [True, True]
    spent = [stage.generations for stage in found.stages]
    assert all(count % 5 == 0 and 10 <= count < 200 for count in spent)
    assert all(stage.found.share[1] > 0.8 for stage in found.stages)
    assert found.trials_total == sum(spent) * 2 * 24
    assert all(stage.control is not None for stage in found.stages)
    assert verify(tmp_path / "run").difference is None


def test_a_run_that_settles_and_is_interrupted_goes_on_as_if_nothing_had_happened(small, tmp_path):
    document = small(*SETTLING, "stages.generations=200")
    begin(document, tmp_path / "whole", control=False)
    asked = iter([False, False, True])
    begin(document, tmp_path / "cut", control=False, should_stop=lambda: next(asked, True))
    go_on(tmp_path / "cut")
    whole, cut = (columns(read(tmp_path / name), "generations") for name in ("whole", "cut"))
    for name in ("stage", "generation", "trials", "recommended"):
        np.testing.assert_array_equal(whole[name], cut[name])


def test_a_function_that_moves_ends_nothing():
    gains, _ = matrix()
    strategy = Iterated(population=1, memory=0.0, ridge=1e-6, settle=1e-4, patience=3)
    state = strategy.init(jnp.arange(1.0, SIZE + 1), key=jax.random.key(0), trials=(6, TESTS))
    settled = []
    for step in range(60):
        state = told(strategy, state, gains, key=step)
        settled.append(bool(strategy.settled(state)))
    assert not any(settled[:6])
    assert any(settled)
    assert all((step + 1) % 3 == 0 for step, still in enumerate(settled) if still)

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, PRNGKeyArray

from controller.document import root_key
from controller.engine import Engine
from controller.generation import MAX_ATTEMPTS, project
from controller.panel import Panel
from controller.position import first_position, situation
from controller.statuses import Status
from learners.base import AbstractLearner
from learners.ridge import Ridge
from protocols.episode import Episode


class Scripted(AbstractLearner):
    """Answers like ridge, but its answers are NaN for episodes whose key falls below a share."""

    kind = "scripted"
    share: float = 0.0

    def fit_predict(
        self,
        x: Float[Array, "train feature"],
        z: Float[Array, " train"],
        x_test: Float[Array, "test feature"],
        *,
        key: PRNGKeyArray,
    ) -> Float[Array, " test"]:
        answers = Ridge().fit_predict(x, z, x_test, key=key)
        return jnp.where(jax.random.uniform(key) < self.share, jnp.nan, answers)

    def check(self, points):
        pass


def engine(small, *overrides, **changes):
    experiment = small(*overrides).value
    return Engine(dataclasses.replace(experiment.design(), **changes), block=8), root_key(
        experiment
    )


def run(made, parts, *, stages=2, arm=0):
    made, root = made
    position = first_position(made, root, stages)
    position = dataclasses.replace(position, arm=arm)
    state, first, records = position.state, 0, []
    for count in parts:
        state, record, done = made.run(situation(position, root), state, first, count)
        records.append(jax.tree.map(lambda a, n=int(done): np.asarray(a)[:n], record))
        first += int(done)
    return jax.tree.map(lambda *parts: np.concatenate(parts), *records), state


def same(a, b):
    return all(
        np.array_equal(x, y, equal_nan=True)
        for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


@pytest.mark.parametrize(
    "overrides",
    [(), ("episode.common_stimuli=false",), ('strategy={kind="gradient", population=2}',)],
    ids=["es", "own stimuli", "gradient"],
)
def test_blocks_of_any_size_give_the_same_bits(small, overrides):
    made = engine(small, *overrides)
    assert same(run(made, [7])[0], run(made, [3, 1, 1, 2])[0])


def test_the_control_asks_no_learner_and_sees_the_same_first_candidates(small):
    made = engine(small)
    real, _ = run(made, [3])
    control, _ = run(made, [3], arm=1)
    assert np.all(control.attempts == 0)
    assert np.all(np.isnan(control.error))
    assert np.all(real.attempts == 1)
    assert np.array_equal(real.theta[0], control.theta[0])
    assert not np.array_equal(real.theta[2], control.theta[2])


def test_common_stimuli_are_the_same_for_all_slots_and_new_in_each_generation(small):
    common, _ = run(engine(small), [2])
    own, _ = run(engine(small, "episode.common_stimuli=false"), [2])
    assert common.stimuli.shape == (2, 1, 11, 3)
    assert own.stimuli.shape == (2, 6, 11, 3)
    assert not np.array_equal(common.stimuli[0], common.stimuli[1])
    assert not np.array_equal(own.stimuli[0, 0], own.stimuli[0, 1])


def test_a_slot_without_a_finite_answer_is_run_again_with_another_key(small):
    record, _ = run(engine(small, panel=Panel((Scripted(share=0.3),))), [8])
    assert len(record.status) == 8
    assert np.all(record.status == Status.DONE)
    assert record.attempts.max() > 1
    assert np.all(np.isfinite(record.answers))


def test_a_slot_that_never_answers_stops_the_block_before_its_generation_is_told(small):
    made, root = engine(small, panel=Panel((Scripted(share=1.1),)))
    position = first_position(made, root, 2)
    state, record, done = made.run(situation(position, root), position.state, 0, 5)
    assert int(done) == 0
    assert np.all(np.asarray(record.status[0]) == Status.FAILED)
    assert np.all(np.asarray(record.attempts[0]) == MAX_ATTEMPTS)
    assert same(jax.tree.map(_raw, state), jax.tree.map(_raw, position.state))


class Kinked(AbstractLearner):
    """Answers with finite numbers, whose derivative in the labels is not a number."""

    kind = "kinked"

    def fit_predict(
        self,
        x: Float[Array, "train feature"],
        z: Float[Array, " train"],
        x_test: Float[Array, "test feature"],
        *,
        key: PRNGKeyArray,
    ) -> Float[Array, " test"]:
        return Ridge().fit_predict(x, z, x_test, key=key) + jnp.sqrt(0 * jnp.sum(z))

    def check(self, points):
        pass


def test_a_slot_whose_gradient_is_no_number_is_never_told(small):
    made, root = engine(small, 'strategy={kind="gradient", population=2}', panel=Panel((Kinked(),)))
    position = first_position(made, root, 2)
    state, record, done = made.run(situation(position, root), position.state, 0, 5)
    assert int(done) == 0
    assert np.all(np.isfinite(np.asarray(record.answers[0])))
    assert np.all(np.asarray(record.status[0]) == Status.FAILED)
    assert same(state, position.state)


def _raw(leaf):
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def test_an_episode_has_no_test_labels():
    assert {field.name for field in dataclasses.fields(Episode)} == {
        "train_x",
        "train_z",
        "test_x",
    }


def test_projection_makes_theta_orthogonal_to_earlier_stages(small):
    made, _ = engine(small)
    rows = jax.random.normal(jax.random.key(0), (3, 15)).at[2].set(0)
    theta = project(made.design, rows, jax.random.normal(jax.random.key(1), (15,)))
    np.testing.assert_allclose(rows @ theta, 0, atol=1e-5)


def test_the_gradient_is_that_of_finite_differences(small):
    """∂fitness/∂θ through the learner, with the distribution and orthogonality terms."""
    made, root = engine(
        small,
        'strategy={kind="gradient", population=1}',
        'objective.orthogonality="penalty"',
        "objective.distribution.weight=0.5",
        'labeller.scale="none"',
    )
    design = made.design
    position = first_position(made, root, 2)
    earlier = position.earlier.at[0].set(jnp.linspace(-1, 1, 15))
    where = situation(dataclasses.replace(position, earlier=earlier, stage=1), root)

    def begun(strategy, theta):
        return dataclasses.replace(
            position.state, strategy=strategy.init(theta, key=root, trials=(1, 1))
        )

    def fitness(theta):
        state = begun(design.strategy, theta)
        return made.run(where, state, 0, 1)[1].fitness[0, 0]

    theta = 0.3 * jnp.cos(jnp.arange(15.0))
    rate = 1.0
    sgd = dataclasses.replace(
        design, strategy=type(design.strategy)(optimiser="sgd", learning_rate=rate)
    )
    after, _, _ = Engine(sgd, block=1).run(where, begun(sgd.strategy, theta), 0, 1)
    gradient = (theta - after.strategy["theta"]) / rate
    direction = jnp.sin(1 + jnp.arange(15.0))
    step = 2e-3
    numeric = (fitness(theta + step * direction) - fitness(theta - step * direction)) / (2 * step)
    assert float(gradient @ direction) == pytest.approx(float(numeric), rel=0.03)

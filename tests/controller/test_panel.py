"""Several learners judge one candidate: bounded games, and what is stored of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from controller.analysis.summary import analyse, summary
from controller.analysis.table import table
from controller.panel import Panel
from controller.replay import verify
from controller.runs import begin
from controller.store import read
from learners.habits import Lessons
from learners.random_features import RandomFeatures
from learners.ridge import Ridge
from protocols.documents import DocumentError
from protocols.episode import Episode

PAIR = Panel((RandomFeatures(),), neglected=Ridge())
SET = Panel((RandomFeatures(), RandomFeatures(width=20), Ridge()), agreement="worst")
NEGLECTED = ('neglected={kind="ridge"}',)
TOGETHER = ('together=[{kind="ridge"}, {kind="random_features", width=7}]',)


def episode(n=8):
    x = jax.random.normal(jax.random.key(0), (n + 5, 3))
    x = x / jnp.linalg.norm(x, axis=1, keepdims=True)
    return Episode(train_x=x[:n], train_z=x[:n, 0], test_x=x[n:])


def test_a_single_learner_s_error_is_left_as_it_is():
    errors = jnp.array([[0.2], [0.7]])
    assert np.array_equal(Panel((Ridge(),)).combined(errors), errors[:, 0])


def test_the_ratio_is_bounded_however_far_the_neglected_learner_goes_astray():
    errors = jnp.array([[0.1, 0.1], [0.1, 1e8], [0.0, 1.0], [1.0, 0.0]])
    np.testing.assert_allclose(PAIR.combined(errors), [0.5, 0.0, 0.0, 1.0], atol=1e-4)


def test_the_margin_rewards_the_neglected_learner_s_error_only_up_to_the_margin():
    margin = Panel((Ridge(),), neglected=Ridge(), contrast="margin", margin=0.8)
    errors = jnp.array([[0.1, 0.3], [0.1, 0.8], [0.1, 50.0]])
    np.testing.assert_allclose(margin.combined(errors), [0.6, 0.1, 0.1], rtol=1e-5)


def test_a_set_of_learners_counts_by_its_mean_or_by_its_worst():
    errors = jnp.array([[0.1, 0.4, 0.7]])
    assert float(SET.combined(errors)[0]) == pytest.approx(0.7)
    mean = Panel(SET.chosen, agreement="mean")
    assert float(mean.combined(errors)[0]) == pytest.approx(0.4)


def test_every_learner_answers_and_alike_learners_are_different_individuals():
    twins = Panel((RandomFeatures(width=5), RandomFeatures(width=5)))
    nothing = Lessons(x=jnp.zeros((0, 6, 3)), z=jnp.zeros((0, 6)))
    answers = twins.answers(episode(), nothing, key=jax.random.key(3))
    assert answers.shape == (2, 5)
    assert not np.allclose(answers[0], answers[1])


@pytest.mark.parametrize(("overrides", "learners"), [(NEGLECTED, 2), (TOGETHER, 3)])
@pytest.mark.parametrize("common", ["true", "false"])
def test_every_learner_s_trials_are_stored_and_can_be_replayed(
    small, tmp_path, overrides, learners, common
):
    folder = tmp_path / "run"
    document = small(*overrides, "stages.generations=4", f"episode.common_stimuli={common}")
    assert begin(document, folder)
    tables = read(folder)
    candidates = tables["candidates"].to_dataset()
    own = candidates["arm"] == 0
    assert int(own.sum()) == 2 * 4 * 6 * learners
    assert tables["trials"].sizes["trial"] == 2 * 4 * 6 * learners * 11
    asked = np.asarray(candidates["learner"][own]).reshape(-1, learners)
    assert np.array_equal(asked, np.tile(np.arange(learners), (len(asked), 1)))
    slots = np.asarray(candidates["slot"][own]).reshape(-1, learners)
    assert np.array_equal(slots, np.repeat(slots[:, :1], learners, axis=1))
    assert verify(folder).difference is None


def test_the_stored_errors_are_those_of_each_learner_s_stored_answers(small, tmp_path):
    folder = tmp_path / "run"
    assert begin(small(*NEGLECTED, "stages.generations=2"), folder, control=False)
    tables = read(folder)
    trials, candidates = tables["trials"].to_dataset(), tables["candidates"].to_dataset()
    test = np.asarray(trials["phase"]) == 1
    squared = (np.asarray(trials["label"]) - np.asarray(trials["answer"])) ** 2
    mean = squared[test].reshape(-1, 6).mean(axis=1)
    expected = mean / (np.asarray(candidates["label_power"]) + 1e-6)
    np.testing.assert_allclose(candidates["error"], expected, rtol=1e-3)
    labels = np.asarray(trials["label"]).reshape(-1, 2, 11)
    assert np.array_equal(labels[:, 0], labels[:, 1])


def test_the_summary_and_the_table_name_the_other_learners(small, tmp_path):
    folder = tmp_path / "run"
    assert begin(small(*NEGLECTED, "stages.generations=2"), folder)
    found = summary(analyse(folder))
    assert found["others"] == [{"learner": "ridge", "role": "neglected"}]
    assert found["stages"][0]["others_g_over_var"][0] > 0
    cells = [str(cell) for column in table(found).columns for cell in column.cells]
    assert any("neglected ridge: " in cell for cell in cells)


def test_a_neglected_learner_that_does_not_fit_the_space_is_named(small):
    with pytest.raises(DocumentError, match="neglected: dot_product_kernel needs unit vectors"):
        small(
            'space={kind="disk"}',
            'labeller={kind="mlp"}',
            'objective.orthogonality="penalty"',
            'learner={kind="ridge"}',
            'neglected={kind="dot_product_kernel"}',
        )

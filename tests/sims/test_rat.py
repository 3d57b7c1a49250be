"""The benchmark on the rat: nothing of a held-out choice is in its own prediction."""

import dataclasses

import numpy as np
import pytest

from controller.analysis.by_session import held_out
from learners.trial_by_trial import TrialByTrial
from protocols import tone_comparison
from protocols.behaviour import Behaviour
from sims.benchmarks import rat as benchmark
from sims.benchmarks import rat_figure

pytestmark = pytest.mark.skipif(not tone_comparison.is_installed(), reason="needs psytrack")


@pytest.fixture(scope="module")
def week() -> Behaviour:
    """Six short sessions of the rat."""
    rat = tone_comparison.read_rat()
    place = np.arange(len(rat.session)) - np.flatnonzero(rat.begins)[rat.session]
    kept = (rat.session < 6) & (place < 60)
    columns = ("stimuli", "label", "choice", "session", "follows")
    return dataclasses.replace(rat, **{name: getattr(rat, name)[kept] for name in columns})


@pytest.mark.parametrize("name", [benchmark.BASELINE, benchmark.LEARNER])
def test_a_held_out_choice_is_not_in_its_own_prediction(week, name):
    block, trial = week.session // 3, 100
    other = week.choice.copy()
    other[trial] = 1 - other[trial]
    changed = dataclasses.replace(week, choice=other)
    before, after = (held_out(benchmark.models(one)[name], block) for one in (week, changed))
    assert after[trial] == before[trial]
    assert week.follows[trial + 1]
    assert after[trial + 1] != before[trial + 1]  # it is history there


def test_functions_are_standardised_and_none_tells_the_half_of_the_sessions():
    rat = tone_comparison.read_rat()
    values = benchmark.functions(rat)
    assert values.shape == (20_000, len(benchmark.FUNCTIONS)) == (20_000, len(benchmark.DEGREES))
    assert np.allclose(values[:, 1:].mean(axis=0), 0)
    assert np.allclose(values[:, 1:].std(axis=0), 1)
    late = rat.session >= tone_comparison.FIRST_OF_SECOND_PAIRS
    assert all(abs(np.corrcoef(column, late)[0, 1]) < 0.25 for column in values[:, 1:].T)


def test_the_learner_without_learning_or_lapse_is_a_logistic_regression(week):
    trials = benchmark.lived(week)
    model = TrialByTrial(taught=-1)
    start = model.start(5, 3, 4)
    fitted = dataclasses.replace(start, lapse=start.lapse - 60, innate=start.innate + 0.3)
    expected = 1 / (1 + np.exp(-0.3 * benchmark.functions(week).sum(axis=1)))
    assert np.allclose(model.probability(fitted, trials), expected, atol=1e-5)


def test_the_figure_is_drawn(tmp_path):
    rat = tone_comparison.read_rat()
    flat = np.full(len(rat.choice), 0.5)
    probabilities = dict.fromkeys(rat_figure.SHOWN, flat)
    rat_figure.draw(rat, probabilities, benchmark.functions(rat), tmp_path / "rat.png")
    assert (tmp_path / "rat.png").read_bytes().startswith(b"\x89PNG")

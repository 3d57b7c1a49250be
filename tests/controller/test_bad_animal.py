"""Every strategy runs on an animal with every habit, and every run on it can be gone on with."""

from functools import partial

import numpy as np
import pytest

from controller.analysis.summary import columns
from controller.replay import verify
from controller.runs import begin, go_on
from controller.store import read
from protocols.documents import DocumentError

BAD = tuple(
    f"habits.{habit}"
    for habit in (
        *("lapses=0.1", "bias=0.1", "noise=0.2", "binary=true", "carry_over=0.5", "remembered=3"),
        *("forgetting=0.02", "drift=0.2", "drift_episodes=7.0", "uptake=0.6", "passes=2"),
    )
)
SHORT = ("stages.generations=5", "stages.count=2")
STRATEGIES = {
    "es": (),
    "iterated": ('strategy={kind="iterated"}', "episode.common_stimuli=false"),
    "random": ('strategy={kind="random", population=4}',),
}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_runs_replays_and_counts_every_presentation(small, tmp_path, strategy):
    document = small(*BAD, *SHORT, *STRATEGIES[strategy])
    assert begin(document, tmp_path / "run", control=False)
    assert verify(tmp_path / "run").difference is None
    tables = read(tmp_path / "run")
    episodes = 2 * 5 * document.value.strategy.build().population  # stages, generations, slots
    presented = 5 * 2 + 6  # two passes of training, test
    assert columns(tables, "generations")["trials"].sum() == episodes * presented
    assert columns(tables, "stages")["trials"].sum() == episodes * presented
    assert tables["trials"].sizes["trial"] == episodes * 11  # each is stored once
    answers = columns(tables, "trials")["answer"]
    assert set(answers[~np.isnan(answers)]) == {-1.0, 1.0}


def test_a_run_that_was_interrupted_goes_on_as_if_it_had_not_been(small, tmp_path):
    document = small(*BAD, *SHORT)
    assert begin(document, tmp_path / "whole", control=False)
    wishes = iter([False, False, True])
    stopping = partial(next, wishes, True)
    assert not begin(document, tmp_path / "cut", control=False, should_stop=stopping)
    assert go_on(tmp_path / "cut")
    whole, cut = (columns(read(tmp_path / name), "trials")["answer"] for name in ("whole", "cut"))
    assert np.array_equal(whole, cut, equal_nan=True)


def test_a_slow_bias_goes_on_from_generation_to_generation(small, tmp_path):
    """The mean error of the answers, episode by episode, is the bias; it makes no jumps."""
    document = small(
        "habits.drift=1.0",
        "habits.drift_episodes=60.0",
        "stages.generations=40",
        "stages.count=1",
        "strategy.population=4",
        "strategy.std=0.001",  # always nearly the same function
        "labeller.degree=1",
        "learner.width=400",
        "episode.train=20",
        "episode.test=40",
    )
    assert begin(document, tmp_path / "run", control=False)
    table = columns(read(tmp_path / "run"), "trials")
    error = (table["answer"] - table["label"]).reshape(160, 60)[:, 20:].mean(axis=1)
    assert error.std() > 0.3
    assert np.abs(np.diff(error)).max() < 0.25


def test_a_document_says_once_how_often_training_trials_are_shown(small):
    session = (
        'session.plan={kind="two_choice"}',
        'session.feedback={kind="magnitude", valve="valve_left", least_ul=1.0, most_ul=5.0}',
        "session.schedule.training_blocks=3",
    )
    with pytest.raises(DocumentError, match=r"habits.passes: .* here 3, got 2"):
        small(*session, "habits.passes=2")
    assert small(*session, "habits.passes=3").value.design().trials_per_generation == 6 * 21

"""A learner that diverges is named, with the step at which it did."""

import pytest

from controller.loop import LearnerFailedError
from controller.runs import begin

DIVERGES = '{kind="relu_net", hidden=[8], learning_rate=1e12, steps=9}'


def test_the_message_names_the_learner_and_the_training_step(small, tmp_path):
    wild = small(f"learner={DIVERGES}", "stages.generations=3")
    with pytest.raises(
        LearnerFailedError,
        match=r"Learner 'relu_net' .* diverged at step [2-9]; lower its learning_rate",
    ):
        begin(wild, tmp_path / "run")


def test_of_several_learners_the_one_that_failed_is_named(small, tmp_path):
    wild = small(f"neglected={DIVERGES}", "stages.generations=3")
    with pytest.raises(LearnerFailedError, match="Learner 'relu_net'"):
        begin(wild, tmp_path / "run")

"""A small experiment that runs in about a second, once compiled."""

import pytest

from controller.document import Experiment
from protocols.documents import parse
from protocols.library import ready

SMALL = (
    'name="small"',
    "learner.width=12",
    "episode.train=5",
    "episode.test=6",
    "strategy.population=6",
    "stages.count=2",
    "stages.generations=20",
)


@pytest.fixture(scope="session")
def small():
    """Return a function from overrides to the small document."""
    text = ready()["default"].read_text("utf-8")

    def make(*overrides):
        return parse(text, Experiment, overrides=(*SMALL, *overrides))

    return make

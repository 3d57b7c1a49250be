"""A small store of each kind that a fit has to cope with."""

import pytest

from controller.fit.answers import read_answers
from controller.runs import begin

STORE = (
    'strategy={kind="random", population=5}',
    "episode.common_stimuli=false",
    "episode.test=10",
    "labeller.degree=2",
    "objective.reference_points=64",
    "habits.noise=0.05",
)


@pytest.fixture(scope="session")
def brief(small):
    """Return a function from overrides to a document whose labels are random."""
    return lambda *overrides: small(*STORE, *overrides)


@pytest.fixture(scope="session")
def stored(brief, tmp_path_factory):
    """Return a function from overrides to a finished store's folder."""

    def make(*overrides):
        folder = tmp_path_factory.mktemp("fit") / "store"
        assert begin(brief(*overrides), folder, control=False)
        return folder

    return make


@pytest.fixture(scope="session")
def decoy(stored):
    """Answers of a kernel that prefers second order: 40 episodes."""
    return read_answers(
        stored(
            'learner={kind="dot_product_kernel", eigenvalues=[0.1, 0.2, 1.0], ridge=0.1}',
            "stages.count=1",
            "stages.generations=8",
        )
    )


@pytest.fixture(scope="session")
def linear(stored):
    """Folder of the answers of a linear regression: 20 episodes."""
    return stored(
        'learner={kind="ridge", ridge=0.1, intercept=true}',
        "stages.count=1",
        "stages.generations=4",
    )

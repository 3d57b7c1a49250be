"""Two small stores: one finished, with its control; one stopped in its second stage, without."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from controller.analysis.measures import HeldOut, affine_fit, shares, variance
from controller.analysis.summary import analyse, summary
from controller.runs import begin

sys.path.insert(0, str(Path(__file__).parent))  # modules that several tests use

GENERATIONS = 6
BRIEF = (  # all that the tests count on, whatever the default document says
    f"stages.generations={GENERATIONS}",
    "objective.reference_points=64",
    'objective.orthogonality="projection"',
    "objective.distribution.weight=0.0",
    "labeller.degree=3",
)


@pytest.fixture(scope="session")
def finished(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("analysis") / "finished"
    document = small(*BRIEF, "objective.distribution.weight=0.5")
    assert begin(document, folder)
    return analyse(folder)


@pytest.fixture(scope="session")
def stopped(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("analysis") / "stopped"
    seen, asked = [], []

    def in_stage_two():  # after its first block is launched
        if seen and (seen[-1].stage, seen[-1].generation) >= (0, GENERATIONS):
            asked.append(True)
        return len(asked) > 1

    stopping = {"on_progress": seen.append, "should_stop": in_stage_two}
    assert not begin(small(*BRIEF), folder, control=False, **stopping)
    return analyse(folder)


@pytest.fixture(scope="session")
def record(finished):
    """The finished store's summary, as a reader of its JSON has it."""
    return json.loads(json.dumps(summary(finished), allow_nan=False))


@pytest.fixture(scope="session")
def constant(finished):
    """The finished store, as if its first stage had found a function that is zero."""
    stage = finished.stages[0]
    zero = np.zeros_like(stage.found.values)
    found = replace(
        stage.found,
        theta=np.zeros_like(stage.found.theta),
        values=zero,
        share=shares(finished.basis, zero),
        power=variance(finished.basis, zero),
        affine_r2=affine_fit(finished.basis, zero),
        held_out=HeldOut(math.inf, math.nan, math.inf, 40),
    )
    return replace(finished, stages=(replace(stage, found=found), *finished.stages[1:]))

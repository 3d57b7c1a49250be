"""Stores that reports are made of: finished, interrupted without control, and one at a rig."""

import sys
from pathlib import Path

import pytest

from controller.analysis.side_by_side.stores import read_stores
from controller.rehearsal_commands import rehearse
from controller.runs import begin

sys.path.insert(0, str(Path(__file__).parent))  # a module that several tests use
GENERATIONS = 6
BRIEF = (f"stages.generations={GENERATIONS}", "objective.reference_points=64", "labeller.degree=3")
AT_RIG = ("stages.count=1", "stages.generations=2", "strategy.population=2", "labeller.degree=2")


@pytest.fixture(scope="session")
def finished(small, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "finished"
    assert begin(small(*BRIEF), folder)
    return folder


@pytest.fixture(scope="session")
def stopped(small, tmp_path_factory) -> Path:
    """Interrupted in its second stage; there is no control."""
    folder = tmp_path_factory.mktemp("report") / "stopped"
    seen, asked = [], []

    def in_stage_two():  # after its first block is launched
        if seen and (seen[-1].stage, seen[-1].generation) >= (0, GENERATIONS):
            asked.append(True)
        return len(asked) > 1

    stopping = {"on_progress": seen.append, "should_stop": in_stage_two}
    assert not begin(small(*BRIEF), folder, control=False, **stopping)
    return folder


@pytest.fixture(scope="session")
def at_rig(tmp_path_factory) -> Path:
    """One session of a simulated animal on an emulated rig."""
    folder = tmp_path_factory.mktemp("report") / "at_rig"
    wanted = {"out": folder, "control": True, "behaviour": [], "sessions": 1}
    assert rehearse(("animal", list(AT_RIG), 5), "emulated", **wanted) == (True, folder)
    return folder


@pytest.fixture(scope="session")
def described(finished, stopped, at_rig):
    """The three stores, read once."""
    stores, unreadable = read_stores([finished, stopped, at_rig])
    assert not unreadable
    return dict(zip(("finished", "stopped", "at_rig"), stores, strict=True))

"""A small experiment that an animal can be asked, with a planner: what imports JAX."""

from pathlib import Path

from session_world import World

from controller.document import Experiment
from controller.planner import Planner
from controller.session.planning import Opening
from protocols.documents import Document, parse
from protocols.library import ready

N_TRAIN, N_TEST, SLOTS, STAGES, GENERATIONS = 4, 6, 4, 2, 2
SMALL = (
    'name="small"',
    "learner.width=20",
    f"episode.train={N_TRAIN}",
    f"episode.test={N_TEST}",
    f"strategy.population={SLOTS}",
    f"stages.count={STAGES}",
    f"stages.generations={GENERATIONS}",
)


def small_document(*overrides: str) -> Document[Experiment]:
    """Return it, with some of it changed."""
    text = ready()["animal"].read_text("utf-8")
    return parse(text, Experiment, overrides=(*SMALL, *overrides))


def opening(folder: Path, **changes) -> Opening:
    """Return how it is opened on an emulated rig."""
    values = {"document": None, "overrides": (), "origin": "emulated", "control": False}
    return Opening(folder, **(values | changes))


def world_of(planner: Planner, folder: Path, **changes) -> World:
    """Return the world of sessions that this planner serves."""
    world = World(folder, waits=False, planning=planner, **changes)
    world.queue.close()
    world.queue = planner.queue
    return world

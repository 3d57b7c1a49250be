"""Two animals on an emulated rig that answer left or right, with anchors and catch trials."""

import pytest

from controller.analysis.source import open_source
from controller.document import Experiment
from controller.rehearsal import Rehearsal, rehearse
from learners.simulated_subject import Behaviour
from protocols.documents import parse
from protocols.library import ready
from protocols.rig_document import load_rig
from protocols.rigs import ready as ready_rigs

BRIEF = (
    'name="brief"',
    "learner.width=20",
    "labeller.degree=2",
    "episode.train=4",
    "episode.test=6",
    "strategy.population=4",
    "stages.count=1",
    "stages.generations=40",
    "session.trials=120",
    'session.plan={kind="two_choice", left="lick_left", right="lick_right"}',
    'session.feedback={kind="sign", valve="valve_left", volume_ul=3.0}',
    "session.schedule={anchors=2, catch=1, training_blocks=2, warm_up=2}",
)
MORNING_NS = 1_772_442_000 * 10**9
DAY_NS = 86_400 * 10**9
DAYS = (("m1", 2, {"lapses": 0.2}), ("m2", 1, {"lapses": 0.5, "bias": 0.4}), ("m1", 2, {}))
"""Who comes for how many sessions, and how it behaves."""


@pytest.fixture(scope="session")
def at_rig(tmp_path_factory):
    """Return the source of an experiment that has begun: five sessions of two animals."""
    folder = tmp_path_factory.mktemp("answers") / "brief"
    document = parse(ready()["animal"].read_text("utf-8"), Experiment, overrides=BRIEF)
    rig, settings = load_rig(ready_rigs()["emulated"])
    mapping, day = rig.value.mapping, 0
    for subject, sessions, behaviour in DAYS:
        rehearsal = Rehearsal(
            folder=folder,
            settings=settings,
            mapping=None if mapping is None else mapping.build(),
            rig_document=rig.text,
            behaviour=Behaviour(**behaviour),
            begin_utc_ns=MORNING_NS + day * DAY_NS,
            control=False,
        )
        begun = document if day == 0 else None
        assert not rehearse(rehearsal, begun, subject=subject, sessions=sessions)
        day += sessions
    return open_source(folder)

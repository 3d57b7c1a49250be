"""The same document on a circuit and on a rig with an animal made of it: the same numbers."""

import numpy as np
import pytest

from controller.analysis.presented import answered
from controller.analysis.record import describe
from controller.analysis.sections.episodes import EPISODES
from controller.analysis.sections.psychometric import PSYCHOMETRIC
from controller.analysis.sections.reliability import RELIABILITY
from controller.analysis.source import open_source
from controller.document import Experiment
from controller.rehearsal import Rehearsal, rehearse
from controller.runs import begin
from learners.simulated_subject import Behaviour
from protocols.documents import parse
from protocols.library import ready
from protocols.rig_document import load_rig
from protocols.rigs import ready as ready_rigs

BRIEF = (
    'learner={kind="ridge", ridge=0.1, intercept=true}',  # nothing random in it
    'strategy={kind="random", population=5}',  # so that labels don't follow from answers
    "labeller.degree=2",
    "stages.count=1",
    "stages.generations=4",
    "session.plan.full=25",
)
STEP = 2 / 25  # of an answer that is a number of licks
SECTIONS = (PSYCHOMETRIC, EPISODES, RELIABILITY)
MORNING_NS = 1_772_442_000 * 10**9


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("agreement")
    document = parse(ready()["animal"].read_text("utf-8"), Experiment, overrides=BRIEF)
    assert begin(document, folder / "circuit", control=False)
    rig, settings = load_rig(ready_rigs()["emulated"])
    mapping = rig.value.mapping
    rehearsal = Rehearsal(
        folder=folder / "rig",
        settings=settings,
        mapping=None if mapping is None else mapping.build(),
        rig_document=rig.text,
        behaviour=Behaviour(),
        begin_utc_ns=MORNING_NS,
        control=False,
    )
    assert rehearse(rehearsal, document)
    return open_source(folder / "circuit"), open_source(folder / "rig")


def test_labels_are_the_same_and_answers_as_near_as_licks_can_say(sources):
    circuit, rig = ((*answered(source, "test").values(),)[0] for source in sources)
    assert len(circuit) == len(rig) == 20 * 18
    for one, other in zip(ordered(circuit), ordered(rig), strict=True):
        assert np.array_equal(one[:2], other[:2])
        assert np.clip(one[2], -1, 1) == pytest.approx(other[2], abs=2 * STEP)


def ordered(trials):
    """Rows of episode, label and answer, whatever the order in which they were shown."""
    return sorted(zip(trials.episode.tolist(), trials.label.tolist(), trials.answer, strict=True))


def test_what_is_described_of_them_agrees(sources):
    circuit, rig = (describe(source, SECTIONS) for source in sources)
    (curve,), (other,) = (one["psychometric"]["subjects"] for one in (circuit, rig))
    for key in ("n", "episodes", "answers"):
        assert curve[key] == other[key]
    assert curve["bins"]["n"] == other["bins"]["n"]
    assert curve["bins"]["label"] == pytest.approx(other["bins"]["label"])
    assert curve["bins"]["answer"] == pytest.approx(other["bins"]["answer"], abs=STEP)
    assert curve["fit"]["slope"] == pytest.approx(other["fit"]["slope"], abs=STEP)
    course, on_rig = (one["episodes"]["subjects"][0]["test"] for one in (circuit, rig))
    assert course["error"]["overall"] == pytest.approx(on_rig["error"]["overall"], abs=STEP)
    for one in (circuit, rig):  # their errors differ: no animal answers beyond 1
        (stage,) = one["reliability"]["stages"]
        assert (stage["evaluations"], stage["generations"], stage["test_trials"]) == (20, 4, 18)

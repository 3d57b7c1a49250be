"""The planner: the same proposals after a kill, each generation told once, nothing else let in."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from animal_experiment import (
    GENERATIONS,
    N_TEST,
    N_TRAIN,
    SLOTS,
    STAGES,
    opening,
    small_document,
)
from session_world import MORNING_NS, SpyRig, World, told

from controller.document import load_experiment
from controller.planner import Planner
from controller.replay import verify
from controller.session import planner_link
from controller.session.errors import NotReady, PlannerFailed
from controller.session.planner_link import RESTARTS, PlannerLink
from controller.session.planning import FINISHED, STATE
from controller.session.queue import Result
from controller.session.session import LOOK_S
from controller.session.start import run_session
from controller.statuses import Status
from controller.store import GenerationBlock, History, status
from hardware.interface import Present, Wait
from protocols.library import ready

EPISODE = N_TRAIN + N_TEST
BEGIN_NS = time.monotonic_ns()


@pytest.fixture(scope="module")
def document():
    return small_document()


def asked(planner):
    """Lease every open slot; the assignments."""
    leases = []
    while [one for one in planner.queue.slots() if one.status == Status.PROPOSED]:
        leases.append(planner.queue.lease(f"m{len(leases)}", "s", 20))
    return leases


def answer(planner, leases):
    """Bring made-up answers that follow from the stimuli alone."""
    for lease in leases:
        answers = np.tanh(lease.assignment.test_x[:, 0]).astype(np.float32)
        planner.queue.finish(lease, Result(answers, 10, 1))


def arrays(leases):
    return [
        part.tobytes()
        for lease in leases
        for one in [lease.assignment]
        for part in (one.train_x, one.train_z, one.test_x, np.array([one.seed]))
    ]


def blocks(folder):
    with History(folder) as history:
        return [frame for _, frame in history.frames() if isinstance(frame, GenerationBlock)]


def test_a_planner_that_was_killed_proposes_the_same_again(document, tmp_path):
    found = []
    for name in ("one", "two"):
        folder = tmp_path / name
        with Planner.begin(opening(folder), document) as planner:
            planner.nudge()
            first = asked(planner)
            answer(planner, first)
            if name == "one":
                planner.nudge()
                second = asked(planner)
        if name == "two":  # it died before it had told them, and its queue's new slots with it
            with Planner.begin(opening(folder), None) as planner:
                planner.nudge()
                second = asked(planner)
        found.append(arrays(first) + arrays(second))
    assert found[0] == found[1]
    assert len(found[0]) == 2 * SLOTS * 4


def test_a_stage_ends_when_its_strategy_has_settled(tmp_path):
    settling = small_document(
        'strategy={kind="iterated", population=4, settle=0.5, patience=3}', "stages.generations=40"
    )
    with Planner.begin(opening(tmp_path / "e"), settling) as planner:
        while planner.queue.read(STATE) != FINISHED:
            planner.nudge()
            answer(planner, asked(planner))
    spent = [sum(frame.stage == stage for frame in blocks(tmp_path / "e")) for stage in range(2)]
    assert all(count % 3 == 0 and 0 < count < 40 for count in spent)
    assert status(tmp_path / "e")["exit_status"] == "finished"
    assert verify(tmp_path / "e").difference is None


def test_two_planners_tell_each_generation_once(document, tmp_path):
    with (
        Planner.begin(opening(tmp_path / "e"), document) as one,
        Planner.begin(opening(tmp_path / "e"), document) as other,
    ):
        while one.queue.read(STATE) != FINISHED:
            one.nudge()
            other.nudge()
            answer(one, asked(one))
            other.nudge()
            one.nudge()
        other.nudge()
    told = [(frame.stage, frame.first_generation) for frame in blocks(tmp_path / "e")]
    assert told == [(s, g) for s in range(STAGES) for g in range(GENERATIONS)]
    assert status(tmp_path / "e")["exit_status"] == "finished"
    replayed = verify(tmp_path / "e")
    assert (replayed.difference, replayed.generations) == (None, STAGES * GENERATIONS)


def test_no_test_label_is_in_an_assignment(document, tmp_path):
    with Planner.begin(opening(tmp_path / "e"), document) as planner:
        planner.nudge()
        for lease in asked(planner):
            one = lease.assignment
            assert len(one.train_z) == len(one.train_x)
            assert len(one.test_x) == N_TEST


def test_an_experiment_of_another_origin_is_refused(document, tmp_path):
    Planner.begin(opening(tmp_path / "e"), document).close()
    with pytest.raises(NotReady, match=r"is emulated, this rig is simavr.*--out"):
        Planner.begin(opening(tmp_path / "e", origin="simavr"), document)


def test_an_experiment_that_was_begun_with_another_protocol_is_refused(document, tmp_path):
    Planner.begin(opening(tmp_path / "e"), document).close()
    with pytest.raises(NotReady, match="begun with another protocol"):
        Planner.begin(opening(tmp_path / "e"), small_document("seed=1"))


def test_an_empty_folder_without_a_document_is_refused(tmp_path):
    with pytest.raises(NotReady, match="no document was given"):
        Planner.begin(opening(tmp_path / "e"), None)
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (['strategy={kind="gradient"}'], "needs the learner's gradient"),
        (['together=[{kind="random_features", width=10}]'], "an animal is one learner"),
        (['neglected={kind="random_features", width=10}'], "an animal is one learner"),
    ],
)
def test_what_no_animal_can_be_asked_is_refused_before_anything_is_made(
    tmp_path, overrides, message
):
    with pytest.raises(NotReady, match=message):
        Planner.begin(opening(tmp_path / "e"), small_document(*overrides))
    assert not (tmp_path / "e").exists()


def test_a_protocol_without_a_session_is_refused(tmp_path):
    with pytest.raises(NotReady, match="no \\[session\\]"):
        Planner.begin(opening(tmp_path / "e"), load_experiment(ready()["default"]))


# the planner in a process of its own


class Passing:
    """A clock that passes as this computer's does, on the day of the rig's calibration."""

    def utc_ns(self):
        return MORNING_NS + self.passed_ns()

    def passed_ns(self):
        return time.monotonic_ns() - BEGIN_NS

    def sleep(self, seconds):
        time.sleep(seconds)


@pytest.fixture
def link(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(small_document().text, "utf-8")
    said = []
    with PlannerLink(opening(tmp_path / "e", document=path), said.append) as running:
        running.said = said
        running.made = running.plan()
        yield running


def session(link, folder, *, signalled=None, patience_s=60.0):
    """Run a session, in whose fifth trial the planner is sent a signal; its world and ending."""

    def paced(instruction, number):
        if isinstance(instruction, Wait) and instruction.duration_s == LOOK_S:
            time.sleep(0.02)
        if signalled is not None and isinstance(instruction, Present) and number == 5:
            os.kill(link.pid, signalled)

    world = World(folder, wrap=lambda rig: SpyRig(rig, fail=paced), planning=link)
    with world.queue:
        start = world.start(plan=link.made, clock=Passing(), patience_s=patience_s)
        return world, run_session(start)


def test_a_planner_that_is_killed_is_started_again_and_never_waited_for(link, tmp_path):
    world, ending = session(link, tmp_path / "e", signalled=signal.SIGKILL)
    assert ending.status == "finished", (ending, link.said)
    assert [text for text in link.said if "is started again" in text] == link.said
    assert world.rig.presented == STAGES * GENERATIONS * SLOTS * EPISODE
    assert verify(tmp_path / "e").difference is None


def test_a_planner_that_stands_still_is_waited_for_with_everything_off(link, tmp_path, monkeypatch):
    begin_s = time.monotonic()
    world, ending = session(link, tmp_path / "e", signalled=signal.SIGSTOP, patience_s=1.0)
    assert time.monotonic() - begin_s < 10
    assert (ending.status, world.rig.presented) == ("no_slot", SLOTS * EPISODE)
    assert [text for text in world.said if text.startswith("waiting: no slot is open")]
    waits = world.rig.calls[-1 - world.rig.calls[::-1].index(Wait(LOOK_S)) :]
    assert waits[1] == "make_safe"
    (store,) = world.sessions()
    assert told(store).of("waiting_for_planner")

    # also when a store is closed that it publishes: then it is ended, and started again later
    os.kill(link.pid, signal.SIGCONT)
    link.follow(store)
    monkeypatch.setattr(planner_link, "UNFOLLOW_S", 0.5)
    pid = link.pid
    os.kill(pid, signal.SIGSTOP)
    link.follow(Path())
    assert "is ended" in link.said[-1]
    _, ending = session(link, tmp_path / "e")
    assert ending.status == "finished", (ending, link.said)
    assert link.pid != pid


def test_a_planner_that_dies_again_and_again_ends_the_session(link):
    for _ in range(RESTARTS):
        os.kill(link.pid, signal.SIGKILL)
        nudge_until_restarted(link)
    os.kill(link.pid, signal.SIGKILL)
    with pytest.raises(PlannerFailed, match=f"died {RESTARTS + 1} times"):
        nudge_until_restarted(link)


def nudge_until_restarted(link):
    pid, deadline_s = link.pid, time.monotonic() + 5
    while link.pid == pid:
        assert time.monotonic() < deadline_s
        link.nudge()

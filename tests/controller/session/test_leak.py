"""What is sent to display and device can't depend on a test label.

The same experiment is run twice, once with the labels of its test stimuli permuted where they live,
in the planner. What is sent is the same, byte for byte; a plan that peeks is caught by the same
comparison.
"""

import time
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np
import pytest
from animal_experiment import N_TEST, N_TRAIN, SLOTS, opening, small_document, world_of
from session_world import NoPlanning, settings, told

from controller.engine import Engine
from controller.generation import Proposal
from controller.planner import Planner
from controller.session.clock import ComputerClock
from controller.session.start import run_session
from hardware.interface import Deliver, Flip, Present, Pulse
from hardware.messages import Request
from hardware.rig import NativeRig
from hardware.simulated_board import SimulatedBoard
from hardware.wire import unframe
from protocols.mappings.base import AbstractMapping
from protocols.mappings.colour import ColourMapping
from protocols.plans.go_nogo import GoNoGo
from protocols.trials import Phase, Shown

QUICK = 'session.plan={kind="go_nogo", delay_s=0.0, window_s=0.02, interval_s=0.005}'
ASIDE = frozenset(
    [Request.HELLO, Request.PING, Request.HEARTBEAT, Request.STATUS, Request.LEDGER, Request.REPORT]
)
"""What is asked at moments that nobody decides, and carries nothing of a trial."""


@final
@dataclass(frozen=True, slots=True)
class ColourAndLine(AbstractMapping):
    """A stimulus on the screen and on a line of the device at once: both could tell something."""

    kind: ClassVar[str] = "colour and line"

    def check_dim(self, dim: int) -> None:
        """Any."""

    def scene(self, stimulus):
        return ColourMapping().scene(stimulus)

    def shown(self, stimulus, photodiode):
        del photodiode
        width_us = 10_000 + round(1000 * float(stimulus[0]))
        return Shown(self.scene(stimulus), Pulse("odour_1", width_us=width_us))


def permute_test_labels(monkeypatch):
    """Turn the order of the test labels around, wherever sessions could get them from."""
    propose = Engine.propose

    def permuted(self, *arguments):
        asked = propose(self, *arguments)
        n = self.design.n_train
        labels = jnp.concatenate([asked.labels[:, :n], jnp.flip(asked.labels[:, n:], 1)], 1)
        assert not np.array_equal(labels, asked.labels)
        return Proposal(asked.stimuli, labels)

    monkeypatch.setattr(Engine, "propose", permuted)


def let_the_plan_peek(monkeypatch):
    """Smuggle the labels of all stimuli past the planner, to a plan that waits by their sign."""
    labels, propose, trial = {}, Engine.propose, GoNoGo.trial

    def noted(self, *arguments):
        asked = propose(self, *arguments)
        for x, of_slots in zip(np.asarray(asked.stimuli), np.asarray(asked.labels), strict=False):
            for point, label in zip(x, of_slots, strict=True):
                labels[ColourMapping().scene(point)] = label
        return asked

    def peeking(self, shown, reward):
        plan = trial(self, shown, reward)
        instruction = next(plan)
        late_us = 2000 if labels.get(shown.scene, 0) > 0 else 0
        instruction = replace(
            instruction, trial=replace(instruction.trial, delay_us=1000 + late_us)
        )
        event = yield instruction
        try:
            plan.send(event)
        except StopIteration as end:
            return end.value

    monkeypatch.setattr(Engine, "propose", noted)
    monkeypatch.setattr(GoNoGo, "trial", peeking)


def emulated_traffic(document, folder):
    """Return what the rig was told in every trial, with the trial's phase."""
    with Planner.begin(opening(folder), document) as planner:
        planner.nudge()
        world = world_of(planner, folder)
        run_session(world.start(plan=planner.plan, planning=planner))
        sent = [one for one in world.rig.calls if isinstance(one, Present | Deliver)]
        (session,) = world.sessions()
    return told(session).trials, [repr(one).encode() for one in sent]


def test_on_an_emulated_rig_nothing_depends_on_a_test_label(tmp_path, monkeypatch):
    document = small_document(QUICK)
    trials, sent = emulated_traffic(document, tmp_path / "one")
    permute_test_labels(monkeypatch)
    trials_again, again = emulated_traffic(document, tmp_path / "two")
    phases = [one.phase for one in trials]
    assert phases.count(Phase.TEST) == 2 * 2 * SLOTS * N_TEST
    assert len(sent) == len(trials)
    assert [one.index for one in trials] == [one.index for one in trials_again]
    assert sent == again
    # there was something to see: the stimuli differ, and training brings rewards
    assert len(set(sent)) > 2 * SLOTS
    assert {b"Pulse(" in one for one in sent} == {False, True}
    rewarded = [b"Pulse(" in one for one in sent]
    assert not any(
        here for here, phase in zip(rewarded, phases, strict=True) if phase == Phase.TEST
    )


def peeked(monkeypatch, run):
    """Run twice with a plan that peeks, the second time with permuted labels."""
    with monkeypatch.context() as patch:
        let_the_plan_peek(patch)
        first = run("one")
    permute_test_labels(monkeypatch)
    let_the_plan_peek(monkeypatch)
    return first, run("two")


def test_a_plan_that_peeks_is_caught_on_an_emulated_rig(tmp_path, monkeypatch):
    document = small_document(QUICK)

    def run(name):
        return emulated_traffic(document, tmp_path / name)[1]

    sent, again = peeked(monkeypatch, run)
    assert sent != again


class RecordedDisplay:
    """A screen that shows nothing and writes down what it is sent."""

    def __init__(self):
        self.sent = []

    def start_prepare(self, scene):
        self.sent.append(repr(scene).encode())

    def wait_prepared(self, timeout_s):
        del timeout_s
        return True

    def start_present(self):
        self.sent.append(b"present")

    def start_clear(self):
        self.sent.append(b"clear")

    def wait_flip(self, timeout_s):
        del timeout_s
        return Flip(time.monotonic_ns(), 0)


def requests(written):
    """Return what was asked by bytes on a port, in its order and each once; counters set aside."""
    found, last = [], None
    for part in b"".join(written).split(b"\0"):
        if not part:
            continue
        message = unframe(part)
        if message == last:  # sent again, as nothing had answered in time
            continue
        last = message
        if Request(message.kind) not in ASIDE:
            found.append(bytes([message.kind]) + message.payload)
    return found


def board_traffic(document, folder, monkeypatch):
    """Return what a fresh board and a display were sent in the first generation."""
    import serial

    written, display, write = [], RecordedDisplay(), serial.Serial.write

    def noted(self, data):
        written.append(bytes(data))
        return write(self, data)

    begin = opening(folder, origin="simavr")
    with (
        SimulatedBoard() as board,
        Planner.begin(begin, document) as planner,
        monkeypatch.context() as patch,
    ):
        patch.setattr(serial.Serial, "write", noted)
        planner.nudge()
        world = world_of(planner, folder)
        world.settings = settings(date.today())  # noqa: DTZ011  the rig's own day

        def make_rig(rewards):
            return NativeRig(world.settings, board.port, display=display, keep=rewards.keep)

        ending = run_session(
            world.start(
                plan=planner.plan,
                make_rig=make_rig,
                mapping=ColourAndLine(),
                clock=ComputerClock(),
                origin="simavr",
                planning=NoPlanning(),
            )
        )
        assert ending.status == "no_slot"
    return requests(written), display.sent


@pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")
def test_on_a_board_nothing_depends_on_a_test_label_and_a_plan_that_peeks_is_caught(
    tmp_path, monkeypatch
):
    document = small_document(QUICK)
    sent, shown = board_traffic(document, tmp_path / "one", monkeypatch)
    with monkeypatch.context() as patch:
        permute_test_labels(patch)
        assert board_traffic(document, tmp_path / "two", monkeypatch) == (sent, shown)
        let_the_plan_peek(patch)
        peeked_at, _ = board_traffic(document, tmp_path / "three", monkeypatch)
    trials = [one for one in sent if one[0] == Request.TRIAL]
    assert len(trials) == SLOTS * (N_TRAIN + N_TEST)
    assert len(set(shown)) > N_TRAIN + N_TEST
    with monkeypatch.context() as patch:
        let_the_plan_peek(patch)
        assert board_traffic(document, tmp_path / "four", monkeypatch)[0] != peeked_at

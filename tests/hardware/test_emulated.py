"""The rig without hardware does what the board does: the same trials, bounds and refusals."""

import time
from contextlib import contextmanager

import pytest

from hardware.emulated import EmulatedRig, Touch
from hardware.interface import (
    Deliver,
    DeviceFault,
    GoEdge,
    Limits,
    Present,
    Pulse,
    Refused,
    Trial,
    Wait,
)
from hardware.messages import Outcome
from hardware.rig import NativeRig
from hardware.rig_settings import Output, RigSettings
from hardware.simulated_board import CYCLES_PER_US

SETTINGS = RigSettings(
    name="bench",
    port="simavr",
    lease_ms=300,
    outputs={
        "valve_left": Output("valve", Limits(60_000, 20_000, 600_000_000)),
        "puff": Output("puff", Limits(100_000, 500_000, 60_000_000)),
        "odour_1": Output("odour", Limits(3_000_000, 0, 4_000_000_000)),
    },
    inputs={"lick_left": "response", "lick_right": "response", "photodiode": "photodiode"},
)
REWARD = Pulse("valve_left", width_us=30_000)


class Both:
    """One animal before either rig."""

    def __init__(self, board=None):
        self.board, self.touches = board, ()

    @contextmanager
    def opened(self):
        if self.board is None:
            with EmulatedRig(SETTINGS, lambda _: self.touches) as rig:
                self.rig = rig
                rig.arm()
                yield self
            return
        with NativeRig(SETTINGS, self.board.port) as rig:
            self.rig = rig
            rig.arm()
            yield self

    def present(self, trial, *touches):
        """Run a trial; touches come so many µs after its beginning."""
        self.touches = tuple(Touch(line, after_us) for line, after_us in touches)
        if self.board is not None:
            begin = self.board.cycle()
            for line, after_us in touches:
                self.board.touch(line, at_cycle=begin + after_us * CYCLES_PER_US)
        return self.rig.perform(Present(trial))

    def stand_still(self, duration_s):
        if self.board is None:
            self.rig.stand_still(duration_s)
        else:
            time.sleep(duration_s)


BOARD = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")


@pytest.fixture(params=["emulated", pytest.param("simavr", marks=BOARD)])
def rig(request):
    board = request.getfixturevalue("board") if request.param == "simavr" else None
    with Both(board).opened() as both:
        yield both


def test_the_first_response_in_the_window_brings_its_outcome(rig):
    trial = Trial({"lick_left": REWARD, "lick_right": None}, window_us=300_000, delay_us=50_000)
    event = rig.present(
        trial, ("lick_left", 20_000), ("lick_left", 150_000), ("lick_right", 200_000)
    )
    assert (event.trial.outcome, event.trial.line) == (Outcome.RESPONDED, "lick_left")
    assert event.trial.pulsed in event.pulsed
    assert abs(event.trial.pulsed.width_us - 30_000) < 100
    assert event.trial.open_us - event.trial.go_us == 50_000
    assert event.trial.response_us > event.trial.open_us
    assert [edge.line for edge in event.edges[:2]] == ["lick_left"] * 2


def test_without_a_response_the_other_outcome_comes(rig):
    trial = Trial(
        {"lick_left": REWARD},
        window_us=100_000,
        otherwise=Pulse("puff", width_us=20_000, delay_us=30_000),
    )
    event = rig.present(trial, ("lick_right", 50_000))
    assert (event.trial.outcome, event.trial.line) == (Outcome.NO_RESPONSE, None)
    assert event.trial.pulsed.line == "puff"
    assert 0 <= event.trial.pulsed.start_us - event.trial.go_us - 130_000 < 1000


def test_an_output_as_go_is_switched_on(rig):
    trial = Trial({"lick_left": None}, window_us=50_000, go=Pulse("odour_1", width_us=80_000))
    event = rig.present(trial)
    assert event.trial.outcome == Outcome.NO_RESPONSE
    rest = () if event.pulsed else rig.rig.perform(Wait(0.1)).pulsed
    assert [pulsed.line for pulsed in (*event.pulsed, *rest)] == ["odour_1"]


def test_without_the_go_edge_there_is_no_trial(rig):
    trial = Trial(
        {"lick_left": REWARD}, window_us=50_000, go=GoEdge("photodiode", timeout_us=60_000)
    )
    event = rig.present(trial, ("lick_left", 10_000))
    assert (event.trial.outcome, event.trial.go_us, event.pulsed) == (Outcome.NO_GO, None, ())


@pytest.mark.parametrize("status", ["OVER_MAX", "TOO_SOON"])
def test_what_is_over_a_limit_is_refused_and_latched(rig, status):
    width_us = 100_001 if status == "OVER_MAX" else 1000
    if status == "TOO_SOON":
        rig.rig.perform(Wait(0.6))  # of the test before
        rig.rig.perform(Deliver(Pulse("puff", width_us=1000)))
    with pytest.raises(Refused, match=status):
        rig.rig.perform(Deliver(Pulse("puff", width_us=width_us)))
    with pytest.raises(DeviceFault, match=status):
        rig.rig.perform(Wait(0.01))


def test_a_trial_that_asks_for_too_much_never_begins(rig):
    trial = Trial({"lick_left": Pulse("valve_left", width_us=60_001)}, window_us=10_000)
    with pytest.raises(Refused, match="OVER_MAX"):
        rig.present(trial, ("lick_left", 5000))


def test_nothing_is_switched_on_while_disarmed(rig):
    rig.rig.make_safe()
    with pytest.raises(Refused, match="NOT_ARMED"):
        rig.rig.perform(Deliver(REWARD))


def test_a_session_that_stands_still_loses_its_lease(rig):
    rig.stand_still(0.5)
    with pytest.raises(DeviceFault, match="LEASE"):
        rig.rig.perform(Deliver(REWARD))


def test_time_without_hardware_is_its_own(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
    rig = EmulatedRig(SETTINGS, lambda _: ())
    rig.arm()
    rig.perform(Wait(3600.0))
    rig.perform(Present(Trial({"lick_left": None}, window_us=5_000_000)))
    assert rig.now_us == 3_605_000_000
    assert rig.identity.origin == "emulated"


def test_its_budget_ends(monkeypatch):
    rig = EmulatedRig(SETTINGS, lambda _: ())
    rig.arm()
    for _ in range(600):
        rig.perform(Deliver(Pulse("puff", width_us=100_000)))
        rig.perform(Wait(1.0))
    with pytest.raises(Refused, match="OVER_BUDGET"):
        rig.perform(Deliver(Pulse("puff", width_us=1)))

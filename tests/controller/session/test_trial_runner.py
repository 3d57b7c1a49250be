"""Safety belongs to the driver: the gate looks first, and off comes before everything else."""

import pytest

from controller.session.errors import Refusal
from controller.session.trial_runner import TrialRunner
from hardware.interface import Deliver, Event, Pulse, Pulsed, RigError, SafeState, Wait
from hardware.messages import Outcome
from protocols.trials import Response

DONE = Response(1.0, Outcome.RESPONDED)
WATER = Deliver(Pulse("valve_left", volume_ul=4.0))
PULSED = Pulsed("valve_left", 1, 0, 40_000, cut=False)


class Rig:
    """Says what is done to it."""

    def __init__(self, told):
        self.told, self.fails, self.stuck = told, None, False

    def perform(self, instruction):
        self.told.append(instruction)
        if self.fails is not None:
            raise self.fails
        return Event(instruction, 0, pulsed=(PULSED,) if instruction is WATER else ())

    def make_safe(self):
        self.told.append("safe")
        if self.stuck:
            raise RigError("it doesn't answer")
        return SafeState((), armed=False, verified=True)


class Gate:
    def __init__(self):
        self.refuses = False

    def check(self, instruction):
        if self.refuses:
            raise Refusal("too much")


@pytest.fixture
def told():
    return []


@pytest.fixture
def rig(told):
    return Rig(told)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def runner(rig, gate):
    return TrialRunner(rig, gate, lambda event: None)


def plan(told):
    try:
        yield Wait(1.0)
        yield WATER
        return DONE
    finally:
        told.append("closed")


def test_a_plan_runs_to_its_end_and_its_events_are_kept_once(runner, told):
    assert runner.run(plan(told)) is DONE
    assert told == [Wait(1.0), WATER, "closed"]
    events, overhead_us = runner.take()
    assert [event.instruction for event in events] == [Wait(1.0), WATER]
    assert overhead_us >= 0
    assert runner.take()[0] == []


def test_what_is_refused_is_never_performed_and_the_rig_is_safe_before_the_plan_knows(
    runner, gate, told
):
    gate.refuses = True
    with pytest.raises(Refusal):
        runner.run(plan(told))
    assert told == ["safe", "closed"]


@pytest.mark.parametrize("error", [RigError("gone"), KeyboardInterrupt(), SystemExit(1)])
def test_whatever_is_raised_the_rig_is_safe_before_the_plan_knows(runner, rig, told, error):
    rig.fails = error
    with pytest.raises(type(error)):
        runner.run(plan(told))
    assert told[1:] == ["safe", "closed"]


def test_a_mistake_of_the_plan_makes_the_rig_safe(runner, told):
    def broken():
        yield Wait(1.0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        runner.run(broken())
    assert told == [Wait(1.0), "safe"]


def test_a_plan_is_closed_even_if_the_rig_can_not_be_made_safe(runner, rig, told):
    rig.fails, rig.stuck = RigError("gone"), True
    with pytest.raises(RigError, match="doesn't answer"):
        runner.run(plan(told))
    assert told[1:] == ["safe", "closed"]


def test_pulses_that_are_stored_apart_count_once(runner):
    event = runner.perform(WATER)
    other = runner.perform(WATER)
    runner.apart(event)
    events, _ = runner.take()
    assert [one.pulsed for one in events] == [(), (PULSED,)]
    assert event.pulsed == other.pulsed == (PULSED,)

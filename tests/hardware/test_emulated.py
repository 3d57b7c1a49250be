"""The rig without hardware does what the board does: the same trials, bounds and refusals."""

import time
from contextlib import contextmanager

import pytest

from hardware.emulated import EmulatedRig
from hardware.interface import (
    Ask,
    Clear,
    Deliver,
    DeviceFault,
    GoEdge,
    Limits,
    Present,
    Pulse,
    Refused,
    RigError,
    Shape,
    Trial,
    Wait,
)
from hardware.messages import Outcome
from hardware.rig import NativeRig
from hardware.rig_settings import Output, RigSettings
from hardware.simulated_board import CYCLES_PER_US
from hardware.subject import Touch

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


class Script:
    """An animal that touches what it is told, and writes down what it feels."""

    def __init__(self, *touches, typed=None):
        self.touched = [Touch(*touch) for touch in touches]
        self.typed, self.felt = typed, []

    def touches(self, present):
        return self.touched

    def feel(self, report):
        self.felt.append(report)

    def say(self, ask):
        return self.typed


class Both:
    """One animal before either rig."""

    def __init__(self, board=None):
        self.board, self.animal = board, Script()

    @contextmanager
    def opened(self):
        if self.board is None:
            with EmulatedRig(SETTINGS, self.animal) as rig:
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
        self.animal.touched = [Touch(line, after_us) for line, after_us in touches]
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


def test_a_line_that_is_not_there_is_named(rig):
    with pytest.raises(RigError, match="nose"):
        rig.present(Trial({"nose": None}, window_us=10_000))


def test_edges_are_numbered_as_they_come_and_each_is_told_once(rig):
    trial = Trial({}, window_us=60_000)
    licks = [("lick_left", 10_000), ("lick_right", 12_000), ("lick_left", 58_000)]
    edges = rig.present(trial, *licks).edges + rig.rig.perform(Wait(0.05)).edges
    assert [edge.line[5:] for edge in edges] == ["left", "right", "left", "right", "left", "left"]
    assert [edge.level for edge in edges] == [True, True, False, False, True, False]
    assert sorted(edges, key=lambda edge: edge.t_us) == list(edges)
    numbers = [edge.number for edge in edges]
    assert sorted(set(numbers)) == numbers
    assert rig.rig.perform(Wait(0.01)).edges == ()


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
    rig = EmulatedRig(SETTINGS, Script())
    rig.arm()
    rig.perform(Wait(3600.0))
    rig.perform(Present(Trial({"lick_left": None}, window_us=5_000_000)))
    assert rig.now_us == 3_605_000_000
    assert rig.identity.origin == "emulated"


def test_its_budget_ends():
    rig = EmulatedRig(SETTINGS, Script())
    rig.arm()
    for _ in range(600):
        rig.perform(Deliver(Pulse("puff", width_us=100_000)))
        rig.perform(Wait(1.0))
    with pytest.raises(Refused, match="OVER_BUDGET"):
        rig.perform(Deliver(Pulse("puff", width_us=1)))


def opened(*touches, **kwargs):
    animal = Script(*touches, **kwargs)
    rig = EmulatedRig(SETTINGS, animal)
    rig.arm()
    return rig, animal


def test_the_animal_feels_what_comes_in_a_trial_and_outside_one():
    rig, animal = opened(("lick_left", 10_000))
    event = rig.perform(Present(Trial({"lick_left": REWARD}, window_us=100_000)))
    assert animal.felt == [event.trial]
    assert event.trial.pulsed.line == "valve_left"
    (given,) = rig.perform(Deliver(Pulse("puff", width_us=20_000))).pulsed
    assert (animal.felt[1].pulsed, animal.felt[1].go_us) == (given, None)


def test_a_trial_that_never_began_is_not_felt():
    rig, animal = opened(("lick_left", 10_000))
    edge = GoEdge("photodiode", timeout_us=60_000)
    rig.perform(Present(Trial({"lick_left": REWARD}, window_us=100_000, go=edge)))
    assert animal.felt == []


def test_a_scene_is_seen_by_the_photodiode_and_begins_the_trial():
    rig, _ = opened(("lick_left", 10_000))
    trial = Trial({"lick_left": REWARD}, window_us=100_000, go=GoEdge("photodiode"))
    event = rig.perform(Present(trial, (Shape("disc"),)))
    assert event.flip.photodiode_us == event.trial.go_us
    assert event.trial.response_us == event.trial.go_us + 10_000
    assert rig.perform(Clear()).flip.photodiode_us > event.flip.photodiode_us


def test_a_person_types_what_was_asked():
    assert opened(typed="7")[0].perform(Ask("how good?", 10.0)).typed == "7"
    assert opened()[0].perform(Ask("how good?", 10.0)).typed is None


def test_every_pulse_is_kept_once_and_its_ids_differ():
    kept = []
    rig = EmulatedRig(SETTINGS, Script(("lick_left", 10_000)), keep=kept.append)
    rig.arm()
    trial = Trial({"lick_left": REWARD}, window_us=50_000, go=Pulse("odour_1", width_us=90_000))
    told = [*rig.perform(Present(trial)).pulsed, *rig.perform(Deliver(REWARD)).pulsed]
    assert kept == told
    assert [one.line for one in kept] == ["odour_1", "valve_left", "valve_left"]
    assert len({one.id for one in kept}) == 3
    assert rig.rest().pulsed == ()


def test_two_emulated_devices_were_never_the_same_boot():
    identities = [EmulatedRig(SETTINGS, Script()).identity for _ in range(20)]
    assert len({identity.boot_id for identity in identities}) == 20
    names = [line.name for line in identities[0].lines]
    assert names == [*SETTINGS.inputs, *SETTINGS.outputs]


def test_leaving_disarms_it():
    with EmulatedRig(SETTINGS, Script()) as rig:
        rig.arm()
    with pytest.raises(Refused, match="NOT_ARMED"):
        rig.perform(Deliver(REWARD))
    safe = rig.make_safe()
    assert (safe.outputs_on, safe.armed, safe.verified) == ((), False, True)

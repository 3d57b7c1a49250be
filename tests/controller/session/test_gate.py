"""No more than an animal may get, and nothing that a rig can't give."""

from datetime import timedelta
from math import nan

import pytest
from hypothesis import given as over
from hypothesis import settings as tries
from hypothesis import strategies as st
from session_samples import LIMITS, SETTINGS, TODAY

from controller.session.day import Given
from controller.session.errors import Refusal
from controller.session.gate import SafetyGate
from hardware.interface import Ask, Clear, Deliver, GoEdge, Present, Pulse, Trial, Wait

WATER = Pulse("valve_left", volume_ul=4.0)
PUFF = Pulse("air", width_us=50_000)
LED = Pulse("led", width_us=500_000)


def trial(*, left=None, right=None, otherwise=None, go=None):
    responses = {"lick_left": left, "lick_right": right}
    return Present(Trial(responses, window_us=10**6, otherwise=otherwise, go=go))


@pytest.fixture
def given():
    return Given()


@pytest.fixture
def gate(settings, limits, given):
    return SafetyGate(settings, limits, given, TODAY)


def test_what_switches_nothing_on_is_always_allowed(gate, given):
    given.water_ul, given.puffs = 100.2, 4  # as measured, a little more than was asked
    for instruction in (Wait(1.0), Clear(), Ask("?", 1.0), trial(), trial(go=GoEdge("door"))):
        gate.check(instruction)


def test_a_day_may_be_filled_to_its_last_drop(gate, given):
    given.water_ul = 96.0
    gate.check(Deliver(WATER))
    given.water_ul = 96.0 + 1e-3
    with pytest.raises(Refusal, match=r"m1 has had 96 of 100 µl today; 4 µl more are too much"):
        gate.check(Deliver(WATER))


def test_a_days_sum_is_not_off_by_its_rounding(gate, given):
    given.water_ul = sum([0.1] * 960)
    assert given.water_ul != 96.0
    gate.check(Deliver(WATER))


def test_water_that_is_no_number_is_too_much(gate, given):
    given.water_ul = nan
    with pytest.raises(Refusal, match="nan of 100"):
        gate.check(Deliver(WATER))


def test_of_a_trials_alternatives_the_largest_counts(gate, given):
    given.water_ul = 94.0
    small, large = Pulse("valve_left", volume_ul=2.0), Pulse("valve_right", volume_ul=5.0)
    six, seven = Pulse("valve_left", volume_ul=6.0), Pulse("valve_left", volume_ul=7.0)
    gate.check(trial(left=small, right=large, otherwise=six))
    for too_much in (
        trial(left=seven),
        trial(right=small, otherwise=seven),
        trial(otherwise=seven),
    ):
        with pytest.raises(Refusal, match="7 µl more"):
            gate.check(too_much)


def test_an_output_that_is_the_go_comes_on_top(gate, given):
    given.water_ul = 92.0
    gate.check(trial(go=WATER, left=WATER))
    with pytest.raises(Refusal, match="9 µl more"):
        gate.check(trial(go=WATER, otherwise=Pulse("valve_left", volume_ul=5.0)))


def test_puffs_are_counted_by_their_number(gate, given):
    given.puffs = 2
    gate.check(trial(left=PUFF, right=PUFF, otherwise=PUFF))
    with pytest.raises(Refusal, match="2 of 3 air puffs"):
        gate.check(trial(go=PUFF, left=PUFF))
    given.puffs = 3
    gate.check(trial(left=WATER))
    with pytest.raises(Refusal, match="3 of 3 air puffs"):
        gate.check(Deliver(PUFF))


def test_lights_are_neither_water_nor_air(gate, given):
    given.water_ul, given.puffs = 100.0, 3
    gate.check(Deliver(LED))
    gate.check(trial(go=LED, left=LED))


@pytest.mark.parametrize(
    ("pulse", "words"),
    [
        (
            Pulse("valve_up", volume_ul=4.0),
            r"'valve_up' is no output of the rig bench \(outputs: v",
        ),
        (Pulse("lick_left", width_us=1000), "'lick_left' is no output"),
        (Pulse("valve_dry", volume_ul=4.0), "valve_dry of the rig bench has no calibration"),
        (Pulse("valve_dry", width_us=40_000), "valve_dry of the rig bench has no calibration"),
        (Pulse("valve_left", volume_ul=9.0), "outside the weighed range"),
        (Pulse("valve_left", volume_ul=0.0), "outside the weighed range"),
        (Pulse("valve_left", volume_ul=-4.0), "outside the weighed range"),
        (Pulse("valve_left", volume_ul=nan), "outside the weighed range"),
        (Pulse("valve_left", width_us=90_000), "outside the weighed range"),
        (Pulse("valve_left", width_us=0), "outside the weighed range"),
        (Pulse("valve_right", volume_ul=6.5), "75 ms on valve_right: .* at most the rig's 60 ms"),
        (Pulse("air", width_us=100_001), "100.001 ms on air: .* at most the rig's 100 ms"),
        (Pulse("air", width_us=0), "at least 0.001 ms"),
        (Pulse("led", width_us=-5), "at least 0.001 ms"),
        (Pulse("air", volume_ul=1.0), "air is no valve"),
        (Pulse("valve_left"), "a volume or a width"),
        (Pulse("valve_left", volume_ul=4.0, width_us=40_000), "a volume or a width"),
    ],
)
def test_a_pulse_that_the_rig_can_not_give_is_refused(gate, pulse, words):
    with pytest.raises(Refusal, match=words):
        gate.check_pulse(pulse)
    for instruction in (
        Deliver(pulse),
        trial(left=pulse),
        trial(otherwise=pulse),
        trial(go=pulse),
    ):
        with pytest.raises(Refusal, match=words):
            gate.check(instruction)


def test_a_width_of_a_valve_is_counted_as_the_water_that_it_is(gate, given):
    given.water_ul = 96.0
    gate.check(Deliver(Pulse("valve_left", width_us=40_000)))
    with pytest.raises(Refusal, match="6 µl more"):
        gate.check(Deliver(Pulse("valve_left", width_us=60_000)))


def test_an_old_calibration_is_trusted_for_neither_volumes_nor_widths(settings, limits):
    gate = SafetyGate(settings, limits, Given(), TODAY + timedelta(days=40))
    for pulse in (WATER, Pulse("valve_left", width_us=40_000)):
        with pytest.raises(Refusal, match="expired"):
            gate.check_pulse(pulse)
    gate.check_pulse(PUFF)


volumes = st.floats(2.0, 5.0) | st.floats(allow_nan=True)
widths = st.integers(-10, 200_000)
lines = st.sampled_from(["valve_left", "valve_right", "valve_dry", "air", "led", "nothing"])
pulses = st.builds(Pulse, lines, volume_ul=volumes) | st.builds(Pulse, lines, width_us=widths)
maybe = st.none() | pulses
trials = st.builds(
    lambda left, right, otherwise, go: trial(left=left, right=right, otherwise=otherwise, go=go),
    maybe,
    maybe,
    maybe,
    maybe,
)
chosen = st.integers(0, 2)


def delivered(instruction, choice):
    """Return the pulses that come of an instruction when the animal chooses."""
    if isinstance(instruction, Deliver):
        return [instruction.pulse]
    one = instruction.trial
    alternatives = [*one.responses.values(), one.otherwise]
    return [pulse for pulse in (one.go, alternatives[choice]) if pulse is not None]


@tries(max_examples=200, deadline=None)
@over(st.lists(st.tuples(trials | st.builds(Deliver, pulses), chosen), max_size=40))
def test_nothing_that_is_allowed_ever_gives_more_than_a_day_may(sequence):
    given = Given()
    gate = SafetyGate(SETTINGS, LIMITS, given, TODAY)
    for instruction, choice in sequence:
        try:
            gate.check(instruction)
        except Refusal:
            continue
        for pulse in delivered(instruction, choice):
            output = SETTINGS.outputs[pulse.line]
            width_us = SETTINGS.width_us(pulse, TODAY)
            assert 0 < width_us <= output.limits.max_us
            given.puffs += output.kind == "puff"
            if output.kind == "valve":  # as the device measures it
                given.water_ul += SETTINGS.calibrations[pulse.line].volume_ul(width_us)
        assert given.water_ul <= LIMITS.water_max_ul + 1e-3
        assert given.puffs <= LIMITS.puffs_max

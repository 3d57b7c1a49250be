"""What every feedback promises. A new one is added to CASES and is tested."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.interface import Pulse
from protocols.feedbacks.magnitude import Magnitude
from protocols.feedbacks.probability import Probability
from protocols.feedbacks.sign import Sign
from protocols.session_document import FEEDBACKS

CASES = {
    "sign": Sign(),
    "sign of a light": Sign(valve="led", width_ms=200.0),
    "sign with a puff": Sign(punishment="puff", punishment_ms=30.0),
    "magnitude": Magnitude(),
    "magnitude, narrow": Magnitude(valve="valve_right", least_ul=2.0, most_ul=2.5),
    "probability": Probability(),
    "probability of a light": Probability(valve="led", width_ms=200.0),
}
VALUES = st.floats(-1, 1)
CHANCES = st.floats(0, 1, exclude_max=True)


@pytest.fixture(params=CASES, scope="module")
def feedback(request):
    return CASES[request.param]


def size(pulse):
    return pulse.width_us if pulse.volume_ul is None else pulse.volume_ul


def felt(feedback, pulse):
    if pulse is None:
        return feedback.perceived(None, None)
    return feedback.perceived(pulse.line, pulse.volume_ul)


def test_every_kind_that_is_found_is_a_case_here():
    assert {feedback.kind for feedback in CASES.values()} == set(FEEDBACKS)


class TestEveryFeedback:
    @given(value=VALUES, chance=CHANCES)
    def test_an_outcome_is_one_pulse_within_what_was_announced(self, feedback, value, chance):
        pulse = feedback.outcome(value, chance)
        if pulse is None:
            return
        assert (pulse.volume_ul is None) != (pulse.width_us is None)
        assert size(pulse) > 0
        assert size(pulse) <= max(
            size(one)
            for one in feedback.largest()
            if one.line == pulse.line and (one.volume_ul is None) == (pulse.volume_ul is None)
        )

    @given(value=VALUES, chance=CHANCES)
    def test_what_is_felt_is_a_valence_or_nothing(self, feedback, value, chance):
        perceived = felt(feedback, feedback.outcome(value, chance))
        assert perceived is None or -1 - 1e-9 <= perceived <= 1 + 1e-9

    def test_the_ends_are_told_without_a_doubt(self, feedback):
        for chance in (0.0, 0.5, np.nextafter(1.0, 0.0)):
            assert felt(feedback, feedback.outcome(1.0, chance)) == pytest.approx(1.0)
            assert felt(feedback, feedback.outcome(-1.0, chance)) == pytest.approx(-1.0)

    @given(line=st.sampled_from(["valve_left", "valve_right"]))
    def test_a_reward_is_felt_alike_at_any_spout(self, feedback, line):
        reward = feedback.outcome(1.0, 0.0)
        assert feedback.perceived(line, reward.volume_ul) == felt(feedback, reward)

    def test_it_is_equal_to_one_with_the_same_settings(self, feedback):
        assert type(feedback)() == type(feedback)()


@given(value=VALUES)
def test_magnitude_is_felt_as_it_was_meant(value):
    feedback = Magnitude(least_ul=1.0, most_ul=5.0)
    assert felt(feedback, feedback.outcome(value, 0.3)) == pytest.approx(value, abs=1e-9)


def test_magnitude_grows_in_proportion_and_ends_at_its_ends():
    feedback = Magnitude(least_ul=1.0, most_ul=5.0)
    volumes = [feedback.outcome(value, 0.0).volume_ul for value in (-2, -1, -0.5, 0, 1, 2)]
    assert volumes == [1.0, 1.0, 2.0, 3.0, 5.0, 5.0]


def test_nothing_is_no_feedback_where_feedback_always_brings_something():
    assert Magnitude().perceived(None, None) is None
    assert Magnitude().perceived("puff", None) is None
    assert Sign(punishment="puff").perceived(None, None) is None
    assert Sign().perceived(None, None) == -1.0
    assert Probability().perceived(None, None) == -1.0


@given(value=VALUES, chance=CHANCES)
def test_sign_tells_the_sign_and_nothing_else(value, chance):
    feedback = Sign(volume_ul=3.0, punishment="puff", punishment_ms=30.0)
    expected = {
        1.0: Pulse("valve_left", volume_ul=3.0),
        0.0: None,
        -1.0: Pulse("puff", width_us=30_000),
    }
    assert feedback.outcome(value, chance) == expected[float(np.sign(value))]
    assert Sign(volume_ul=3.0).outcome(-abs(value), chance) is None


@pytest.mark.parametrize("value", [-1.0, -0.7, -0.25, 0.0, 0.1, 0.8, 1.0])
def test_the_frequency_of_rewards_is_half_of_one_plus_the_value(value):
    chances = (np.arange(1000) + 0.5) / 1000
    feedback = Probability()
    rewarded = [feedback.outcome(value, chance) is not None for chance in chances]
    assert np.mean(rewarded) == pytest.approx((1 + value) / 2, abs=1e-3)
    means = [felt(feedback, feedback.outcome(value, chance)) for chance in chances]
    assert np.mean(means) == pytest.approx(value, abs=2e-3)


def test_a_line_that_is_no_valve_is_switched_by_time():
    assert Probability(valve="led", width_ms=200.0).largest() == (Pulse("led", width_us=200_000),)
    assert Sign(valve="led", width_ms=0.5).outcome(1.0, 0.0) == Pulse("led", width_us=500)


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match=r"most_ul: expected more than least_ul \(4\), got 4"):
        Magnitude(least_ul=4.0, most_ul=4.0)
    with pytest.raises(ValueError, match="punishment: expected another line than the reward's"):
        Sign(punishment="valve_left")

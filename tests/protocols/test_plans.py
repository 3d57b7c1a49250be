"""What every plan promises. A new plan is added to CASES and is tested."""

import subprocess
import sys
from dataclasses import dataclass, fields
from datetime import date

import pytest

from hardware.calibration import ValveCalibration, Weighing
from hardware.emulated import EmulatedRig
from hardware.interface import (
    Ask,
    Deliver,
    Edge,
    Event,
    GoEdge,
    Limits,
    Present,
    Pulse,
    Shape,
    TrialReport,
    Wait,
)
from hardware.messages import Outcome
from hardware.rig_settings import Output, RigSettings
from hardware.subject import Touch
from protocols.plans.base import AbstractPlan, no_reward
from protocols.plans.conditioning import Conditioning
from protocols.plans.go_nogo import GoNoGo
from protocols.plans.graded import Graded
from protocols.plans.rating import Rating
from protocols.plans.two_choice import TwoChoice
from protocols.session_document import PLANS
from protocols.trials import Shown

DAY = date(2026, 5, 1)
SETTINGS = RigSettings(
    name="bench",
    port="emulated",
    lease_ms=300,
    outputs={
        "valve_left": Output("valve", Limits(60_000, 20_000, 600_000_000)),
        "valve_right": Output("valve", Limits(60_000, 20_000, 600_000_000)),
        "puff": Output("puff", Limits(100_000, 500_000, 60_000_000)),
    },
    inputs={"lick_left": "response", "lick_right": "response", "photodiode": "photodiode"},
    calibrations={
        valve: ValveCalibration(
            valve, DAY, 30, tuple(Weighing.of_volume(ms * 1000, ms * 0.1) for ms in (10, 20, 50))
        )
        for valve in ("valve_left", "valve_right")
    },
)
SHOWN = Shown((Shape("disc"),), GoEdge("photodiode"))
CASES = {  # each with the largest difference between an answer that is meant and one that is read
    "conditioning": (Conditioning(), 0.1),
    "conditioning, fine": (Conditioning(window_s=3.0, full=100), 0.01),
    "graded": (Graded(), 0.1),
    "graded, coarse": (Graded(full=1, delay_s=0.0), 1.0),
    "go_nogo": (GoNoGo(), 1.0),
    "two_choice": (TwoChoice(), 1.0),
    "rating": (Rating(), 0.125),
    "rating, two steps": (Rating(steps=2), 1.0),
}
LICKED = {name: plan for name, (plan, _) in CASES.items() if plan.inputs}


@dataclass
class Script:
    """A subject that does what it was told, and writes down what it felt."""

    touched: tuple[Touch, ...] = ()
    typed: str | None = None

    def __post_init__(self) -> None:
        self.felt = []

    def touches(self, present):
        return self.touched

    def feel(self, report):
        if report.pulsed is not None:
            self.felt.append(report.pulsed)

    def say(self, ask):
        return self.typed


def reward(value: float) -> Pulse | None:
    """Bring 3 µl for what is good, a puff for what is bad."""
    return Pulse("valve_left", volume_ul=3.0) if value > 0 else Pulse("puff", width_us=20_000)


def run(plan, *touches, reward=no_reward, typed=None, shown=SHOWN):
    """Run one trial; return the response, the instructions and what was felt."""
    subject = Script(tuple(Touch(*touch) for touch in touches), typed)
    given = []
    with EmulatedRig(SETTINGS, subject, today=DAY) as rig:
        rig.arm()
        trialling = plan.trial(shown, reward)
        try:
            instruction = next(trialling)
            while True:
                given.append(instruction)
                instruction = trialling.send(rig.perform(instruction))
        except StopIteration as end:
            return end.value, given, [pulsed.line for pulsed in subject.felt]


def acted(plan, answer, **kwargs):
    touches = plan.act(answer, 300_000)
    return run(plan, *touches, typed=plan.words(answer), **kwargs)


def replied(plan, event):
    """Answer a plan's first instruction with an event; return its response."""
    trialling = plan.trial(SHOWN, no_reward)
    next(trialling)
    with pytest.raises(StopIteration) as end:
        trialling.send(event)
    return end.value.value


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def test_every_kind_that_is_found_is_a_case_here():
    assert {plan.kind for plan, _ in CASES.values()} == set(PLANS)


class TestEveryPlan:
    def test_reads_the_answer_that_is_meant(self, case):
        plan, resolution = case
        for number in range(-20, 21):
            answer = number / 20
            response, _, _ = acted(plan, answer)
            assert response.answer is not None
            assert abs(response.answer - answer) <= resolution + 1e-9
            assert response.flaw is None

    def test_reads_both_ends_exactly_and_what_lies_beyond_as_the_ends(self, case):
        plan, _ = case
        for answer, end in ((-1.0, -1.0), (-7.0, -1.0), (1.0, 1.0), (7.0, 1.0)):
            assert acted(plan, answer)[0].answer == end

    def test_reads_the_same_however_slow_the_subject_is(self, case):
        plan, _ = case
        for reaction_us in (0, 10_000, 10**9):
            touches = plan.act(1.0, reaction_us)
            assert run(plan, *touches, typed=plan.words(1.0))[0].answer == 1.0

    def test_switches_nothing_on_in_a_trial_without_feedback(self, case):
        plan, _ = case
        for answer in (-1.0, 0.0, 1.0):
            _, given, felt = acted(plan, answer)
            assert felt == []
            assert not any(isinstance(one, Deliver) for one in given)
            trial = given[0].trial
            assert [*trial.responses.values(), trial.otherwise] == [None] * (
                len(trial.responses) + 1
            )

    def test_brings_the_outcome_that_the_answer_is_worth(self, case):
        plan, _ = case
        values = []

        def written(value):
            values.append(value)
            return reward(value)

        for answer in (-1.0, 0.0, 1.0):
            worth = plan.worth(answer)
            _, _, felt = acted(plan, answer, reward=written)
            expected = [] if worth is None else ["valve" if worth > 0 else "puff"]
            assert [line.split("_")[0] for line in felt] == expected
            assert worth is None or worth in values

    def test_says_beforehand_which_pulses_it_may_ask_for(self, case):
        plan, _ = case
        possible = plan.outputs([Pulse("valve_left", volume_ul=3.0), Pulse("puff", width_us=1)])
        lines = {pulse.line for pulse in possible}
        for answer in (-1.0, 1.0):
            for asked in acted(plan, answer, reward=reward)[1]:
                pulses = [asked.pulse] if isinstance(asked, Deliver) else []
                if isinstance(asked, Present):
                    pulses = [*asked.trial.responses.values(), asked.trial.otherwise]
                assert {pulse.line for pulse in pulses if pulse is not None} <= lines

    def test_shows_the_stimulus_and_leaves_the_pause_to_its_driver(self, case):
        plan, _ = case
        _, given, _ = acted(plan, 1.0, reward=reward)
        assert (given[0].scene, given[0].trial.go) == (SHOWN.scene, SHOWN.go)
        assert not any(isinstance(one, Wait) for one in given)
        assert plan.interval_s >= 0

    def test_runs_without_a_stimulus_and_with_a_line_as_stimulus(self, case):
        plan, _ = case
        touches = plan.act(1.0, 300_000)
        for shown in (Shown((), None), Shown(None, Pulse("puff", width_us=50_000))):
            assert run(plan, *touches, typed=plan.words(1.0), shown=shown)[0].answer == 1.0

    @pytest.mark.parametrize("outcome", [Outcome.NO_GO, Outcome.CANCELLED, Outcome.FAULTED])
    def test_a_trial_that_went_wrong_tells_nothing_and_why(self, case, outcome):
        plan, _ = case
        report = TrialReport(1, outcome, None, None, None, None)
        response = replied(plan, Event(Present, 0, report))
        assert (response.answer, response.outcome) == (None, outcome)
        assert ("photodiode" in response.flaw) == (outcome == Outcome.NO_GO)

    def test_a_report_that_never_came_tells_nothing(self, case):
        plan, _ = case
        response = replied(plan, Event(Present, 0))
        assert response.answer is None
        assert response.flaw

    def test_all_its_settings_have_defaults_and_it_is_a_frozen_dataclass(self, case):
        plan, _ = case
        assert type(plan)() == type(plan)()
        assert isinstance(plan, AbstractPlan)
        with pytest.raises((AttributeError, TypeError)):
            plan.interval_s = 1.0
        assert {one.name for one in fields(plan)} >= {"interval_s"}


@pytest.mark.parametrize("plan", LICKED.values(), ids=LICKED)
class TestEveryPlanWithLicks:
    def test_licks_before_the_window_do_not_count(self, plan):
        early = [(line, round(plan.delay_s * 1e6) - 1) for line in plan.inputs]
        response, _, felt = run(plan, *early, reward=lambda _: None)
        assert response.answer in {None, -1.0}
        assert (response.licks, response.latency_us, felt) == (0, None, [])

    def test_licks_after_the_window_do_not_count(self, plan):
        late_us = round((plan.delay_s + plan.window_s) * 1e6)
        response, _, _ = run(plan, *[(line, late_us) for line in plan.inputs])
        assert response.answer in {None, -1.0}
        assert response.licks == 0

    def test_the_latency_is_from_the_go_to_the_first_lick_in_the_window(self, plan):
        line = plan.inputs[-1]
        at_us = round(plan.delay_s * 1e6) + 123_456
        response, _, _ = run(plan, (line, at_us), (line, at_us + 200_000))
        assert (response.line, response.latency_us) == (line, at_us)
        assert response.licks >= 1


@pytest.mark.parametrize("plan", [Conditioning(), Graded()])
class TestCountedLicks:
    def test_each_lick_counts_until_there_are_enough(self, plan):
        for count in range(14):
            licks = [(plan.lick, 300_000 + 50_000 * number) for number in range(count)]
            response, _, _ = run(plan, *licks)
            assert response.answer == pytest.approx(min(1.0, 2 * count / plan.full - 1))
            assert response.licks == count

    def test_only_its_own_line_and_only_the_beginning_of_a_lick_counts(self, plan):
        licks = [("lick_right", 300_000), (plan.lick, 400_000)]
        assert run(plan, *licks)[0].licks == 1

    def test_lost_events_make_the_count_unknown(self, plan):
        report = TrialReport(1, Outcome.NO_RESPONSE, None, 1000, 2000, None)
        edges = (Edge(plan.lick, True, 3000, 0),)
        response = replied(plan, Event(Present, 0, report, edges=edges, missing_events=1))
        assert response.answer is None
        assert "lost" in response.flaw

    def test_more_licks_than_fit_the_window_are_refused(self, plan):
        with pytest.raises(ValueError, match=r"full: expected at most 10 licks in window_s = 0\.2"):
            type(plan)(full=11, window_s=0.2)


def test_the_outcome_of_conditioning_comes_at_the_windows_end_without_a_lick_too():
    _, given, felt = run(Conditioning(), reward=reward)
    assert felt == ["valve_left"]
    assert given[0].trial.otherwise == reward(1.0)


def test_graded_approach_is_rewarded_after_the_window_and_only_if_there_was_a_lick():
    assert run(Graded(), ("lick_left", 300_000), reward=reward)[2] == ["valve_left"]
    response, given, felt = run(Graded(), reward=reward)
    assert (response.answer, felt, len(given)) == (-1.0, [], 1)


def test_go_nogo_keeps_the_devices_answer_when_edges_were_lost():
    report = TrialReport(1, Outcome.RESPONDED, "lick_left", 1000, 2000, 5000)
    response = replied(GoNoGo(), Event(Present, 0, report, missing_events=3))
    assert (response.answer, response.latency_us) == (1.0, 4000)


def test_a_choice_that_was_not_made_tells_nothing():
    response, _, felt = run(TwoChoice(), reward=reward)
    assert (response.answer, response.outcome) == (None, Outcome.NO_RESPONSE)
    assert response.flaw == "no choice was made"
    assert felt == []


@pytest.mark.parametrize("label", [1.0, -1.0])
def test_a_choice_is_rewarded_at_its_own_spout_and_punished_as_the_feedback_says(label):
    def given(value):
        return reward(value * label)

    left, right = (
        run(TwoChoice(), (side, 300_000), reward=given)[2] for side in ("lick_left", "lick_right")
    )
    assert right == (["valve_right"] if label > 0 else ["puff"])
    assert left == (["puff"] if label > 0 else ["valve_left"])


def test_both_sides_may_share_a_spout_and_need_a_detector_each():
    shared = TwoChoice(right_valve="valve_left")
    assert run(shared, ("lick_right", 300_000), reward=reward)[2] == ["valve_left"]
    assert [pulse.line for pulse in shared.outputs([reward(1.0)])] == ["valve_left"]
    with pytest.raises(ValueError, match="right: expected another input than left"):
        TwoChoice(left="lick_right")


def test_in_doubt_go_nogo_licks_since_who_never_licks_never_learns():
    assert list(GoNoGo().act(0.0, 0)) != []
    assert list(GoNoGo().act(-0.01, 0)) == []


class TestRating:
    @pytest.mark.parametrize("typed", ["1", " 9 ", "5\n", "007"])
    def test_numbers_in_the_range_are_answers(self, typed):
        response, given, _ = run(Rating(), typed=typed)
        assert response.answer == (int(typed) - 1) / 4 - 1
        assert isinstance(given[1], Ask)
        assert "1 to 9" in given[1].prompt

    @pytest.mark.parametrize(
        "typed",
        ["", "0", "10", "-3", "4.5", "five", "²", "1e0", "9" * 5000, "\x1b[A", "5 5", "nan"],
    )
    def test_nonsense_tells_nothing_and_never_raises(self, typed):
        response, _, felt = run(Rating(), typed=typed, reward=reward)
        assert response.answer is None
        assert "expected a number from 1 to 9" in response.flaw
        assert len(response.flaw) < 120
        assert felt == []

    def test_nothing_within_the_time_tells_nothing(self):
        response, _, _ = run(Rating(timeout_s=7.0))
        assert response.answer is None
        assert "within 7 s" in response.flaw

    def test_feedback_follows_the_rating_so_that_the_rating_can_not_follow_the_feedback(self):
        _, given, felt = run(Rating(), typed="3", reward=reward)
        assert [type(one) for one in given] == [Present, Ask, Deliver]
        assert felt == ["valve_left"]

    def test_nobody_is_asked_about_a_stimulus_that_was_not_seen(self):
        shown = Shown((Shape("disc"),), GoEdge("lick_left", timeout_us=1000))
        response, given, _ = run(Rating(), typed="3", shown=shown)
        assert (response.answer, len(given)) == (None, 1)


def test_plans_do_not_import_jax_which_the_process_of_the_trials_does_without():
    code = (
        "import sys, protocols.session_document as d; assert d.PLANS and d.FEEDBACKS;"
        "import learners.animal, protocols.context; print('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

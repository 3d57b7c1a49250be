"""A simulated animal: between the rig's touches and pulses it is the learner that it is made of."""

from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hardware.calibration import ValveCalibration, Weighing
from hardware.emulated import EmulatedRig
from hardware.interface import Deliver, Limits, Pulse
from hardware.messages import Outcome
from hardware.rig_settings import Output, RigSettings
from learners.animal import AnimalLearner, Quality
from learners.dot_product_kernel import DotProductKernel
from learners.simulated_subject import Behaviour, SimulatedSubject
from protocols.assignment import Assignment
from protocols.feedbacks.magnitude import Magnitude
from protocols.feedbacks.probability import Probability
from protocols.feedbacks.sign import Sign
from protocols.mappings.colour import ColourMapping
from protocols.plans.base import no_reward
from protocols.plans.conditioning import Conditioning
from protocols.plans.go_nogo import GoNoGo
from protocols.plans.graded import Graded
from protocols.plans.rating import Rating
from protocols.plans.two_choice import TwoChoice
from protocols.schedule import Schedule
from protocols.trials import Phase, Response, Shown

DAY = date(2026, 5, 1)
VALVES = ("valve_left", "valve_right")
SETTINGS = RigSettings(
    name="bench",
    port="emulated",
    lease_ms=300,
    outputs={valve: Output("valve", Limits(100_000, 0, 2_000_000_000)) for valve in VALVES}
    | {
        "puff": Output("puff", Limits(100_000, 0, 2_000_000_000)),
        "led": Output("led", Limits(500_000, 0, 2_000_000_000)),
    },
    inputs={"lick_left": "response", "lick_right": "response", "photodiode": "photodiode"},
    calibrations={
        valve: ValveCalibration(
            valve, DAY, 30, tuple(Weighing.of_volume(ms * 1000, ms * 0.1) for ms in (5, 20, 80))
        )
        for valve in VALVES
    },
)
LEARNER = DotProductKernel()
FINE = Conditioning(window_s=4.0, full=200)
MAPPING = ColourMapping()
COMPILED = {}
"""The first subject's compiled learner, for all: it is the same one."""


def assigned(slot=0, *, seed=5, labels=None, attempt=0):
    train, test = 8, 6
    random = np.random.default_rng(100 + slot)
    x = random.standard_normal((train + test, 3))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    z = 0.7 * x[:train, 0] - 0.4 * x[:train, 1] if labels is None else labels
    z = np.asarray(z, np.float32)
    return Assignment(0, 0, slot, attempt, x[:train], z, x[train:], seed)


def volume_ul(pulsed):
    known = SETTINGS.calibrations.get(pulsed.line)
    return None if known is None else known.volume_ul(pulsed.width_us)


@dataclass
class Frame:
    """A trial as a session stores it."""

    index: int
    phase: Phase
    stimulus: int
    label: float
    answer: float
    outcome: int
    volume_ul: float
    x: np.ndarray
    pulse_width_us: np.ndarray
    touched: tuple = ()


class Bench:
    """A subject on an emulated rig, and what a session does with them."""

    def __init__(self, plan=FINE, feedback=None, behaviour=None, **schedule):
        self.plan, self.feedback = plan, feedback or Magnitude()
        self.subject = SimulatedSubject(LEARNER, plan, self.feedback, volume_ul, behaviour)
        self.subject._predict = COMPILED.setdefault("", self.subject._predict)
        self.rig = EmulatedRig(SETTINGS, self.subject, today=DAY)
        self.rig.arm()
        self.schedule = Schedule(**schedule)
        self.frames: list[Frame] = []

    def run(self, assignment, *, wash_out=0, earlier=(), until=None):
        """Run an episode, or go on with one; stop before trial `until`."""
        self.frames = list(earlier)
        self.subject.episode(assignment, self.frames)
        known = {frame.index: frame for frame in earlier}

        def one(asked):
            if asked.index in known:
                frame = known[asked.index]
                answer = None if np.isnan(frame.answer) else frame.answer
                return Response(answer, Outcome(frame.outcome))
            if asked.index == until:
                raise InterruptedError
            return self.trial(asked)

        learner = AnimalLearner(self.schedule, Quality(max_flawed=1.0), wash_out=wash_out)
        return learner.evaluate(assignment, one)

    def trial(self, asked):
        shown = MAPPING.nothing("photodiode")
        if asked.stimulus is not None:
            shown = MAPPING.shown(asked.stimulus, "photodiode")
        self.subject.shown(shown, asked.stimulus)
        reward = no_reward
        if asked.label is not None:
            reward = lambda value: self.feedback.outcome(  # noqa: E731
                value * asked.label, asked.planned.chance
            )
        response, events = self.instruct(self.plan.trial(shown, reward))
        pulses = [pulse for event in events for pulse in event.pulsed]
        blank = np.full(3, np.nan, np.float32)
        self.frames.append(
            Frame(
                asked.index,
                asked.planned.phase,
                asked.planned.stimulus,
                np.nan if asked.label is None else asked.label,
                np.nan if response.answer is None else response.answer,
                int(response.outcome),
                sum(volume_ul(pulse) or 0.0 for pulse in pulses),
                blank if asked.stimulus is None else asked.stimulus,
                np.array([pulse.width_us for pulse in pulses]),
                tuple(
                    edge.t_us - (events[0].trial.go_us or 0)
                    for edge in events[0].edges
                    if edge.level
                ),
            )
        )
        return response

    def instruct(self, trialling):
        events = []
        try:
            instruction = next(trialling)
            while True:
                events.append(self.rig.perform(instruction))
                instruction = trialling.send(events[-1])
        except StopIteration as end:
            return end.value, events

    def answers(self, phase=Phase.TEST):
        return [frame.answer for frame in self.frames if frame.phase == phase]

    def memory(self):
        """What it has learned of this candidate, in order."""
        now = self.subject._now
        return [] if now.x is None else list(zip(now.x.tolist(), now.z.tolist(), strict=True))


def predicted(assignment, at=None):
    at = assignment.test_x if at is None else at
    x, z, at = (jnp.asarray(each) for each in (assignment.train_x, assignment.train_z, at))
    return np.asarray(LEARNER.fit_predict(x, z, at, key=jax.random.key(assignment.seed)))


def learned(bench, assignment):
    """Return the value that it learned of each training stimulus."""
    rows = {tuple(x): row for row, x in enumerate(assignment.train_x.tolist())}
    return {rows[tuple(x)]: z for x, z in bench.memory()}


class TestWithoutBehaviourOfItsOwn:
    def test_it_answers_as_its_learner_within_the_resolution_of_licks(self):
        assignment, bench = assigned(), Bench()
        answered = bench.run(assignment)
        expected = np.clip(predicted(assignment), -1, 1)
        assert np.ptp(expected) > 0.5
        np.testing.assert_allclose(answered.answers, expected, atol=1 / 200 + 1e-3)

    def test_it_learns_each_training_label_once_and_nothing_in_the_test(self):
        assignment, bench = assigned(), Bench(repeats=3, catch=2, anchors=4)
        bench.run(assignment)
        assert len(bench.memory()) == 8
        known = learned(bench, assignment)
        for row, label in enumerate(assignment.train_z):
            assert known[row] == pytest.approx(label, abs=1e-3)

    def test_repeats_of_a_test_stimulus_are_answered_alike(self):
        answered = Bench(repeats=4).run(assigned())
        np.testing.assert_array_equal(answered.standard_error, 0)

    def test_it_does_nothing_where_nothing_is_shown(self):
        answered = Bench(catch=3).run(assigned())
        assert answered.catch_answer == -1.0

    def test_alternating_training_is_learned_as_it_comes(self):
        assignment, bench = assigned(), Bench(order="alternating")
        answered = bench.run(assignment)
        whole = np.clip(predicted(assignment), -1, 1)
        assert np.abs(answered.answers - whole).max() > 0.05
        assert len(bench.memory()) == 8

    @pytest.mark.parametrize("plan", [Graded(window_s=4.0, full=200), Rating(steps=201)])
    def test_feedback_that_follows_the_trial_is_learned_too(self, plan):
        assignment, bench = assigned(), Bench(plan, training_blocks=1)
        answered = bench.run(assignment)
        np.testing.assert_allclose(
            answered.answers, np.clip(predicted(assignment), -1, 1), atol=0.01
        )

    def test_on_the_left_it_learns_the_opposite_of_what_it_got_for_the_left(self):
        assignment, bench = assigned(), Bench(TwoChoice())
        answered = bench.run(assignment)
        sides = set(bench.answers(Phase.TRAINING))
        assert sides == {-1.0, 1.0}
        known = learned(bench, assignment)
        for row, label in enumerate(assignment.train_z):
            assert known[row] == pytest.approx(label, abs=1e-3)
        np.testing.assert_array_equal(answered.answers, np.sign(predicted(assignment)))

    def test_a_naive_one_tries_a_lick_so_that_go_nogo_can_be_learned(self):
        labels = [1, 1, 1, 1, 1, 1, 1, 1]
        bench = Bench(GoNoGo(), Sign())
        answered = bench.run(assigned(labels=labels))
        assert bench.memory()
        assert (answered.answers == 1.0).any()

    def test_who_withholds_learns_nothing(self):
        bench = Bench(GoNoGo(), Sign(punishment="puff"), Behaviour(bias=-2.0))
        bench.run(assigned())
        assert bench.memory() == []


class TestWhatDidNotCome:
    @pytest.mark.parametrize("feedback", [Sign(), Sign(punishment="puff"), Probability()])
    def test_no_reward_in_training_is_learned_as_bad(self, feedback):
        labels = np.array([1, -1, 1, -1, 1, -1, 1, -1])
        assignment, bench = assigned(labels=labels), Bench(FINE, feedback)
        bench.run(assignment)
        assert learned(bench, assignment) == dict(enumerate(labels))

    def test_lights_instead_of_water_are_felt(self):
        labels = np.array([1, -1, 1, -1, 1, -1, 1, -1])
        assignment, bench = assigned(labels=labels), Bench(FINE, Sign(valve="led", width_ms=200.0))
        bench.run(assignment)
        assert learned(bench, assignment) == dict(enumerate(labels))

    def test_probabilities_are_learned_as_means(self):
        labels = np.array([-1, -0.6, -0.2, 0, 0.2, 0.5, 0.8, 1.0])
        assignment = assigned(labels=labels)
        bench = Bench(FINE, Probability(), training_blocks=100)
        bench.subject._predict = lambda x, z, at, key: np.zeros(len(at))  # is quick
        bench.run(assignment)
        sums = dict.fromkeys(range(8), 0.0)
        rows = {tuple(x): row for row, x in enumerate(assignment.train_x.tolist())}
        for x, z in bench.memory():
            sums[rows[tuple(x)]] += z / 100
        np.testing.assert_allclose(list(sums.values()), labels, atol=0.25)
        assert len(bench.memory()) == 800

    def test_a_free_reward_after_a_test_trial_teaches_nothing(self):
        assignment, bench = assigned(), Bench()
        bench.run(assignment)
        before = bench.memory()
        bench.rig.perform(Deliver(Pulse("valve_left", volume_ul=5.0)))
        bench.subject.shown(MAPPING.nothing(None), None)
        assert bench.memory() == before


class TestBehaviour:
    def test_lapses_are_a_part_of_the_trials_and_their_answers_are_anything(self):
        bench = Bench(FINE, None, Behaviour(lapses=0.3), repeats=100)
        bench.run(assigned())
        answers = np.array(bench.answers()).reshape(100, 6)
        rows = np.array([f.stimulus for f in bench.frames if f.phase == Phase.TEST])
        expected = np.clip(predicted(assigned()), -1, 1)[rows]
        lapsed = answers.ravel()[np.abs(answers.ravel() - expected) > 0.01]
        assert len(lapsed) / 600 == pytest.approx(0.3, abs=0.05)
        assert (np.histogram(lapsed, 4, (-1, 1))[0] / len(lapsed)).min() > 0.15

    def test_the_lapse_rate_that_an_experimenter_sees_is_the_one_it_has(self):
        labels = np.array([1, -1, 1, -1, 1, -1, 1, -1]) * 0.8
        bench = Bench(FINE, None, Behaviour(lapses=0.4), anchors=1000)
        answered = bench.run(assigned(labels=labels))
        right = np.sign(predicted(assigned(labels=labels), at=assigned().train_x)) == np.sign(
            labels
        )
        floor = 2 * (1 - right.mean())
        assert answered.lapse_rate == pytest.approx(0.4 + 0.6 * floor, abs=0.08)

    @pytest.mark.parametrize("bias", [-0.3, 0.25])
    def test_a_bias_is_added_to_every_answer(self, bias):
        assignment = assigned()
        answered = Bench(FINE, None, Behaviour(bias=bias)).run(assignment)
        expected = np.clip(predicted(assignment) + bias, -1, 1)
        np.testing.assert_allclose(answered.answers, expected, atol=1 / 200 + 1e-3)

    def test_when_sated_it_does_nothing_until_the_next_session(self):
        bench = Bench(Rating(steps=201), Sign(volume_ul=4.0), Behaviour(sated_ul=20.0, lapses=0.5))
        assignment = assigned(labels=[1] * 8)
        bench.run(assignment)
        spoken = [not np.isnan(answer) for answer in bench.answers(Phase.TRAINING)]
        assert spoken == [True] * 5 + [False] * 3
        assert np.isnan(bench.answers()).all()
        bench.subject.begin_session()
        bench.run(assignment)
        assert not np.isnan(bench.answers(Phase.TRAINING)[0])

    def test_it_drinks_free_rewards_too(self):
        bench = Bench(FINE, None, Behaviour(sated_ul=10.0))
        for _ in range(2):
            bench.rig.perform(Deliver(Pulse("valve_right", volume_ul=5.0)))
        bench.run(assigned())
        assert set(bench.answers()) == {-1.0}

    def test_reaction_times_are_log_normal_about_their_median(self):
        plan = GoNoGo(window_s=10.0)
        behaviour = Behaviour(reaction_ms=400.0, reaction_spread=0.3, bias=2.0)
        bench = Bench(plan, Sign(), behaviour, repeats=100)
        bench.run(assigned())
        first = [frame.touched[0] for frame in bench.frames]
        seconds = np.array(first) / 1e6 - plan.delay_s
        assert np.median(seconds) == pytest.approx(0.4, rel=0.05)
        assert np.std(np.log(seconds)) == pytest.approx(0.3, rel=0.1)

    def test_reaction_times_without_a_spread_are_the_median(self):
        bench = Bench(GoNoGo(), Sign(), Behaviour(reaction_spread=0.0, bias=2.0))
        bench.run(assigned())
        assert {frame.touched[0] for frame in bench.frames} == {500_000}

    def test_carry_over_mixes_in_what_it_learned_of_the_candidate_before(self):
        one, two = assigned(0), assigned(1)
        bench = Bench(FINE, None, Behaviour(carry_over=0.25))
        np.testing.assert_allclose(  # there is none before the first
            bench.run(one).answers, np.clip(predicted(one), -1, 1), atol=1 / 200 + 1e-3
        )
        answered = bench.run(two)
        before = predicted(replace(one, seed=two.seed), at=two.test_x)
        expected = np.clip(0.75 * predicted(two) + 0.25 * before, -1, 1)
        np.testing.assert_allclose(answered.answers, expected, atol=1 / 200 + 2e-3)

    def test_without_carry_over_the_candidate_before_is_forgotten(self):
        one, two = assigned(0), assigned(1)
        bench = Bench()
        bench.run(one)
        np.testing.assert_array_equal(bench.run(two).answers, Bench().run(two).answers)

    def test_the_same_episode_is_run_alike_and_another_attempt_is_not(self):
        behaviour = Behaviour(lapses=0.5)
        one, same, other = (
            Bench(FINE, None, behaviour).run(assigned(attempt=attempt)) for attempt in (0, 0, 1)
        )
        np.testing.assert_array_equal(one.answers, same.answers)
        assert (one.answers != other.answers).any()

    def test_ratings_beyond_the_scale_are_its_ends(self):
        bench = Bench(Rating(), None, Behaviour(bias=2.0))
        assert (bench.run(assigned()).answers == 1.0).all()


BEHAVIOURS = {
    "plain": Behaviour(),
    "lapsing": Behaviour(lapses=0.4, bias=0.1),
    "carrying over": Behaviour(carry_over=0.3),
}
WAYS = {
    "conditioning, magnitude": (FINE, Magnitude()),
    "conditioning, sign": (FINE, Sign()),
    "conditioning, probability": (FINE, Probability()),
    "conditioning, light": (FINE, Probability(valve="led", width_ms=200.0)),
    "go_nogo, puff": (GoNoGo(), Sign(punishment="puff")),
    "two_choice, magnitude": (TwoChoice(), Magnitude()),
    "two_choice, puff": (TwoChoice(), Sign(punishment="puff")),
    "graded, sign": (Graded(), Sign()),
    "rating, light": (Rating(), Sign(valve="led", width_ms=200.0)),
}


class TestAnEpisodeThatIsTakenUpAgain:
    @pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)
    @pytest.mark.parametrize("way", WAYS)
    def test_goes_on_as_the_unbroken_one(self, way, behaviour):
        before, assignment = assigned(0), assigned(1)
        schedule = {"order": "alternating", "catch": 1}
        whole = Bench(*WAYS[way], behaviour, **schedule)
        whole.run(before)
        unbroken = whole.run(assignment)
        for until in (3, 9):
            broken = Bench(*WAYS[way], behaviour, **schedule)
            broken.run(before)
            with pytest.raises(InterruptedError):
                broken.run(assignment, until=until)
            broken.subject.begin_session()
            again = broken.run(assignment, earlier=broken.frames)
            np.testing.assert_array_equal(again.answers, unbroken.answers)
            assert [f.answer for f in broken.frames] == pytest.approx(
                [f.answer for f in whole.frames], nan_ok=True
            )
            np.testing.assert_allclose(
                [z for _, z in broken.memory()], [z for _, z in whole.memory()], atol=1e-6
            )

    def test_by_another_program_too(self):
        assignment = assigned()
        whole = Bench(FINE, None, BEHAVIOURS["lapsing"])
        unbroken = whole.run(assignment)
        other = Bench(FINE, None, BEHAVIOURS["lapsing"])
        again = other.run(assignment, earlier=whole.frames[:5])
        np.testing.assert_array_equal(again.answers, unbroken.answers)

    def test_what_was_felt_but_not_stored_did_not_happen(self):
        assignment, bench = assigned(), Bench()
        with pytest.raises(InterruptedError):
            bench.run(assignment, until=4)
        bench.subject.episode(assignment, bench.frames[:2])
        assert len(bench.memory()) == 2

    def test_a_trial_whose_stimulus_was_not_seen_taught_nothing(self):
        bench, assignment = Bench(FINE, Sign()), assigned()
        with pytest.raises(InterruptedError):
            bench.run(assignment, until=2)
        unseen = replace(
            bench.frames[0],
            answer=np.nan,
            outcome=int(Outcome.NO_GO),
            volume_ul=0.0,
            pulse_width_us=np.empty(0, int),
        )
        bench.subject.episode(assignment, [unseen, bench.frames[1]])
        assert len(bench.memory()) == 1


def test_licks_are_spread_over_the_window_in_order():
    bench = Bench()
    bench.run(assigned())
    for frame in bench.frames:
        assert all(one <= other for one, other in pairwise(frame.touched))


def test_a_scene_that_it_was_not_told_of_is_nothing_to_it():
    bench = Bench()
    bench.subject.episode(assigned(), [])
    shown = Shown((), None)
    response, _ = bench.instruct(bench.plan.trial(shown, no_reward))
    assert (response.answer, response.licks) == (-1.0, 0)

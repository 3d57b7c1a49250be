"""An animal as a learner: means, flaws, void episodes; and no way for a test label to get out."""

import dataclasses
import math
from datetime import date

import numpy as np
import pytest

from hardware.calibration import ValveCalibration, Weighing
from hardware.emulated import EmulatedRig
from hardware.interface import Limits, Present, Pulse
from hardware.messages import Outcome, Request
from hardware.program import trial_values
from hardware.rig_settings import Output, RigSettings
from hardware.subject import Touch
from hardware.wire import encode
from learners.animal import AGAIN, AnimalLearner, Quality, TrialRequest, request
from protocols.assignment import Assignment
from protocols.feedbacks.base import AbstractFeedback
from protocols.feedbacks.magnitude import Magnitude
from protocols.feedbacks.probability import Probability
from protocols.feedbacks.sign import Sign
from protocols.mappings.colour import ColourMapping
from protocols.plans.base import no_reward
from protocols.schedule import Planned, Schedule
from protocols.session_document import PLANS
from protocols.trials import Phase, Response

FED_BACK = {Phase.TRAINING, Phase.WARM_UP, Phase.WASH_OUT}


def assigned(train=4, test=5, seed=7, labels=None):
    random = np.random.default_rng(3)
    x = random.uniform(-0.5, 0.5, (train + test, 3)).astype(np.float32)
    z = np.linspace(-1, 1, train) if labels is None else np.asarray(labels)
    return Assignment(0, 1, 2, 0, x[:train], z.astype(np.float32), x[train:], seed)


def told(answer):
    return Response(answer, Outcome.RESPONDED)


FLAWED = Response(None, Outcome.NO_GO, flaw="no edge")


class Animal:
    """Answers by phase and stimulus: a list of answers each, used up in turn; None is flawed."""

    def __init__(self, test=None, anchors=None, catch=0.0, default=0.5):
        self.asked: list[TrialRequest] = []
        self.test, self.anchors = {row: list(given) for row, given in (test or {}).items()}, anchors
        self.catch, self.default = catch, default

    def __call__(self, asked):
        self.asked.append(asked)
        planned, answer = asked.planned, self.default
        if planned.phase == Phase.TEST and self.test.get(planned.stimulus):
            answer = self.test[planned.stimulus].pop(0)
        if planned.phase == Phase.ANCHOR and self.anchors is not None:
            answer = self.anchors(planned.stimulus)
        if planned.phase == Phase.CATCH:
            answer = self.catch
        return FLAWED if answer is None else told(answer)


def evaluate(animal, assignment=None, quality=None, wash_out=0, **schedule):
    learner = AnimalLearner(Schedule(**schedule), quality or Quality(), wash_out=wash_out)
    return learner.evaluate(assignment or assigned(), animal)


class TestAnswers:
    def test_repeated_presentations_become_a_mean_with_its_standard_error(self):
        given = {0: [0.0, 0.5, 1.0], 1: [-1.0, -1.0, -1.0], 2: [0.25, None, 0.75]}
        answered = evaluate(Animal(given, default=0.5), repeats=3)
        np.testing.assert_allclose(answered.answers, [0.5, -1.0, 0.5, 0.5, 0.5])
        # sample standard deviations .5, 0 and √.125 over the root of the presentations
        expected = [0.5 / math.sqrt(3), 0.0, math.sqrt(0.125) / math.sqrt(2), 0.0, 0.0]
        np.testing.assert_allclose(answered.standard_error, expected, rtol=1e-6)
        assert answered.answers.dtype == answered.standard_error.dtype == np.float32
        assert answered.presentations == 4 + 3 * 5
        assert answered.void is None

    def test_one_presentation_has_no_standard_error(self):
        answered = evaluate(Animal())
        assert np.isnan(answered.standard_error).all()

    def test_answers_of_other_phases_count_for_nothing(self):
        animal = Animal({row: [0.25] for row in range(5)}, lambda _: -1.0, catch=1.0, default=-1.0)
        answered = evaluate(animal, catch=3, anchors=3, warm_up=2, wash_out=2)
        np.testing.assert_allclose(answered.answers, [0.25] * 5)
        assert answered.catch_answer == 1.0
        assert answered.presentations == 4 + 5 + 3 + 3 + 2

    def test_without_catch_trials_and_anchors_there_is_nothing_to_say_of_them(self):
        answered = evaluate(Animal())
        assert math.isnan(answered.catch_answer)
        assert math.isnan(answered.anchors_right)
        assert math.isnan(answered.lapse_rate)


class TestFlawedTrials:
    def test_a_stimulus_without_an_answer_is_shown_again(self):
        animal = Animal({2: [None, 0.75]})
        answered = evaluate(animal)
        assert answered.answers[2] == 0.75
        assert answered.presentations == 4 + 5 + 1
        assert answered.flawed == pytest.approx(1 / 6)
        assert answered.void is None
        again = animal.asked[-1]
        assert (again.index, again.label, again.planned.phase) == (9, None, Phase.TEST)
        assert np.array_equal(again.stimulus, assigned().test_x[2])

    def test_a_stimulus_that_has_an_answer_already_is_not(self):
        assert evaluate(Animal({2: [None, 0.75]}), repeats=2).presentations == 4 + 10

    def test_after_some_rounds_the_episode_is_void(self):
        animal = Animal({2: [None] * 99, 4: [None] * 99})
        answered = evaluate(animal)
        assert answered.presentations == 4 + 5 + 2 * AGAIN
        assert answered.void == "2 of 5 test stimuli have no answer"
        assert np.isnan(answered.answers[[2, 4]]).all()

    def test_too_many_flawed_trials_make_it_void_though_all_have_an_answer(self):
        animal = Animal({row: [None, 0.5] for row in range(3)})
        answered = evaluate(animal, quality=Quality(max_flawed=0.3))
        assert answered.flawed == 3 / 8
        assert (
            answered.void
            == "38% of the test trials told nothing, more than the 30% that are allowed"
        )
        assert (
            evaluate(
                Animal({row: [None, 0.5] for row in range(3)}), quality=Quality(max_flawed=0.4)
            ).void
            is None
        )

    def test_training_that_wasn_t_shown_makes_it_void_though_all_has_an_answer(self):
        class Dark(Animal):
            def __call__(self, asked):
                response = super().__call__(asked)
                dark = asked.planned.phase == Phase.TRAINING and asked.planned.stimulus < 2
                return FLAWED if dark else response

        assert "50% of the training trials weren't shown" in evaluate(Dark()).void
        assert evaluate(Dark(), quality=Quality(max_flawed=0.5)).void is None

    def test_what_ends_a_session_ends_the_episode(self):
        def run(asked):
            raise InterruptedError

        with pytest.raises(InterruptedError):
            evaluate(run)

    def test_an_episode_that_is_taken_up_again_is_asked_the_rest_alone(self):
        script = {2: [None, None, 0.75]}
        whole = Animal(script)
        first = evaluate(whole, catch=1, anchors=2)
        kept = dict(zip((one.index for one in whole.asked), replay(script, whole), strict=True))
        asked = []

        def run(one):
            if one.index in kept and one.index < 8:
                return kept[one.index]
            asked.append(one.index)
            return kept[one.index]

        second = evaluate(run, catch=1, anchors=2)
        np.testing.assert_array_equal(first.answers, second.answers)
        assert asked == list(range(8, first.presentations))


def replay(script, animal):
    """Return what an animal with this script answered to what it was asked."""
    other = Animal(script)
    return [other(one) for one in animal.asked]


class TestAnchors:
    LABELS = (-1.0, -0.5, 0.5, 1.0)

    def test_they_are_right_by_the_labels_sign(self):
        right = {0: -0.1, 1: -1.0, 2: -0.5, 3: 1.0}  # the third is wrong
        answered = evaluate(Animal(anchors=right.get), assigned(labels=self.LABELS), anchors=4)
        assert answered.anchors_right == 0.75
        assert answered.lapse_rate == 0.5
        assert answered.void is None

    def test_an_answer_of_zero_is_half_right_and_a_label_of_zero_says_nothing(self):
        assigned_ = assigned(labels=(0.0, -0.5, 0.5, 1.0))
        answered = evaluate(Animal(anchors=lambda _: 0.0), assigned_, anchors=4)
        assert (answered.anchors_right, answered.lapse_rate) == (0.5, 1.0)
        right = evaluate(Animal(anchors={0: 1.0, 1: -1, 2: 1, 3: 1}.get), assigned_, anchors=4)
        assert right.anchors_right == 1.0

    def test_too_few_right_ones_make_the_episode_void(self):
        quality = Quality(min_anchors_right=0.6)
        answered = evaluate(
            Animal(anchors=lambda _: 1.0), assigned(labels=self.LABELS), quality, anchors=4
        )
        assert answered.void == "50% of the anchors were right, less than the 60% that are needed"

    def test_anchors_that_all_went_wrong_are_no_proof_of_quality(self):
        quality = Quality(min_anchors_right=0.6)
        answered = evaluate(Animal(anchors=lambda _: None), None, quality, anchors=4)
        assert "none of the anchors can be judged" in answered.void
        assert evaluate(Animal(anchors=lambda _: None), anchors=4).void is None

    @pytest.mark.parametrize("lapses", [0.0, 0.2, 0.5, 1.0])
    def test_the_lapse_rate_is_that_of_a_lapsing_animal(self, lapses):
        random = np.random.default_rng(11)
        labels = np.array(self.LABELS)

        def answer(row):
            guess = random.random() < lapses
            return random.uniform(-1, 1) if guess else labels[row]

        answered = evaluate(Animal(anchors=answer), assigned(labels=labels), anchors=4000)
        assert answered.lapse_rate == pytest.approx(lapses, abs=0.04)
        assert answered.lapse_rate <= 1.0


class TestLabels:
    def test_only_trials_with_feedback_have_a_label(self):
        animal, assignment = Animal(), assigned()
        evaluate(animal, assignment, catch=2, anchors=3, repeats=2, training_blocks=2, wash_out=3)
        assert {one.planned.phase for one in animal.asked} == set(Phase) - {Phase.WARM_UP}
        for one in animal.asked:
            assert (one.label is not None) == (one.planned.phase in FED_BACK)
            if one.planned.phase == Phase.TRAINING:
                assert one.label == assignment.train_z[one.planned.stimulus]
            if one.planned.phase == Phase.WASH_OUT:
                assert one.label == one.planned.valence
        assert [one.index for one in animal.asked] == list(range(len(animal.asked)))

    def test_each_phase_shows_its_own_stimuli(self):
        animal, assignment = Animal(), assigned()
        evaluate(animal, assignment, catch=1, anchors=2, wash_out=2)
        for one in animal.asked:
            row, phase = one.planned.stimulus, one.planned.phase
            if phase == Phase.CATCH:
                assert one.stimulus is None
            else:
                table = assignment.test_x if phase == Phase.TEST else assignment.train_x
                assert np.array_equal(one.stimulus, table[row])

    def test_warm_up_is_like_training(self):
        asked = request(assigned(), -1, Planned(Phase.WARM_UP, 2, 0.5))
        assert (asked.index, asked.label) == (-1, float(assigned().train_z[2]))

    def test_an_assignment_has_no_place_for_a_test_label(self):
        names = [field.name for field in dataclasses.fields(Assignment)]
        assert [name for name in names if name.startswith("test")] == ["test_x"]
        assert [name for name in names if name.endswith("_z")] == ["train_z"]


DAY = date(2026, 5, 1)
SETTINGS = RigSettings(
    name="bench",
    port="emulated",
    lease_ms=300,
    outputs={
        valve: Output("valve", Limits(60_000, 0, 600_000_000))
        for valve in ("valve_left", "valve_right")
    }
    | {"puff": Output("puff", Limits(100_000, 0, 600_000_000))},
    inputs={"lick_left": "response", "lick_right": "response", "photodiode": "photodiode"},
    calibrations={
        valve: ValveCalibration(
            valve, DAY, 30, tuple(Weighing.of_volume(ms * 1000, ms * 0.1) for ms in (5, 20, 60))
        )
        for valve in ("valve_left", "valve_right")
    },
)
LINES = [*SETTINGS.inputs, *SETTINGS.outputs]


class Indifferent:
    """A subject that does the same whatever it is shown and given."""

    def touches(self, present):
        return [Touch("lick_left", 400_000), Touch("lick_right", 600_000)]

    def feel(self, report):
        pass

    def say(self, ask):
        return "2"


def sent(plan, feedback: AbstractFeedback, assignment, **schedule):
    """Run an episode; return each trial's phase with all that a rig is told, as bytes."""
    recorded: list[tuple[Phase, list[bytes]]] = []
    mapping = ColourMapping()

    def run(asked):
        shown = mapping.nothing("photodiode")
        if asked.stimulus is not None:
            shown = mapping.shown(asked.stimulus, "photodiode")
        reward = no_reward
        if asked.label is not None:
            reward = lambda value: feedback.outcome(value * asked.label, asked.planned.chance)  # noqa: E731
        trialling, told_ = plan.trial(shown, reward), []
        recorded.append((asked.planned.phase, told_))
        try:
            instruction = next(trialling)
            while True:
                told_.append(as_bytes(instruction))
                instruction = trialling.send(rig.perform(instruction))
        except StopIteration as end:
            return end.value

    with EmulatedRig(SETTINGS, Indifferent(), today=DAY) as rig:
        rig.arm()
        AnimalLearner(Schedule(**schedule), Quality(), wash_out=2).evaluate(assignment, run)
    return recorded


def as_bytes(instruction) -> bytes:
    if not isinstance(instruction, Present):
        return repr(instruction).encode()
    values = trial_values(
        instruction.trial, LINES.index, lambda pulse: SETTINGS.width_us(pulse, DAY)
    )
    frame = encode(Request.TRIAL, 0, **values | {"id": 0})
    return frame + repr((instruction.scene, instruction.keep)).encode()


@pytest.mark.parametrize("order", ["training first", "alternating"])
@pytest.mark.parametrize(
    "feedback", [Magnitude(), Sign(punishment="puff"), Probability()], ids=lambda one: one.kind
)
@pytest.mark.parametrize("plan", PLANS)
def test_what_a_rig_is_told_in_test_trials_is_the_same_whatever_the_labels(plan, feedback, order):
    settings = {"order": order, "repeats": 2, "catch": 2, "anchors": 3}
    labels = np.array([-1.0, -0.4, 0.3, 1.0])
    one, other = (
        sent(PLANS[plan](), feedback, assigned(labels=permuted), **settings)
        for permuted in (labels, labels[::-1])
    )
    assert [phase for phase, _ in one] == [phase for phase, _ in other]
    without = [
        (phase, ours, theirs)
        for (phase, ours), (_, theirs) in zip(one, other, strict=True)
        if phase not in FED_BACK
    ]
    assert {phase for phase, _, _ in without} == {Phase.TEST, Phase.CATCH, Phase.ANCHOR}
    assert len(without) == 5 * 2 + 2 + 3
    for _, ours, theirs in without:
        assert b"".join(ours) == b"".join(theirs)
    training = [[told_ for phase, told_ in run if phase == Phase.TRAINING] for run in (one, other)]
    assert training[0] != training[1]


def test_bytes_of_a_trial_do_tell_its_outcomes():
    shown = ColourMapping().nothing(None)
    plan = PLANS["go_nogo"]()
    with_, without = (
        as_bytes(next(plan.trial(shown, reward)))
        for reward in (lambda _: Pulse("puff", width_us=1000), no_reward)
    )
    assert with_ != without

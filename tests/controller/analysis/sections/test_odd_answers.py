"""Sections about answers, given next to nothing, or what is made so that the truth is known."""

import json
import math

import numpy as np
import pytest
from made_sources import of_sessions, session, simulated

from controller.analysis.figure_files import figure
from controller.analysis.plots.style import style
from controller.analysis.record import describe
from controller.analysis.sections.anchors import ANCHORS
from controller.analysis.sections.carry_over import CARRY_OVER
from controller.analysis.sections.episodes import EPISODES
from controller.analysis.sections.habits import HABITS
from controller.analysis.sections.psychometric import PSYCHOMETRIC
from controller.analysis.sections.reactions import REACTIONS
from controller.analysis.sections.reliability import RELIABILITY
from controller.analysis.terminal import rich_table

SECTIONS = (PSYCHOMETRIC, EPISODES, HABITS, ANCHORS, REACTIONS, CARRY_OVER, RELIABILITY)
NAN = float("nan")
TRAINING = ["training"] * 40


def described(source):
    """Return what is said, after every table and picture of it was made."""
    record = describe(source, SECTIONS)
    json.dumps(record, allow_nan=False)
    for section in SECTIONS:
        if (numbers := record.get(section.name)) is None:
            continue
        for table in section.tables(numbers):
            assert all(len(row) == len(table.columns) for row in table.rows)
            rich_table(table)
        for picture in section.pictures:
            if picture.panels(numbers):
                with style():
                    figure(picture, numbers).draw_without_rendering()
    return record


def test_a_simulated_store_without_trials_says_nothing():
    assert described(simulated(np.zeros((0, 4)), np.zeros((0, 4)))) == {}


def test_a_session_without_trials_says_nothing():
    assert described(of_sessions(session(0, [], [], []))) == {}


def test_one_trial_is_one_trial():
    record = described(of_sessions(session(0, ["training"], [0.5], [1.0])))
    (curve,) = record["psychometric"]["subjects"]
    assert (curve["n"], curve["bins"]["n"], curve["bins"]["low"]) == (1, [1], [None])
    assert curve["no_fit"] == "1 trials, fewer than 30"
    assert record["episodes"]["subjects"][0]["training"]["right"]["mean"] == [1.0]
    assert record["habits"]["subjects"][0]["missed"]["part"] == 0
    assert record.keys() == {"psychometric", "episodes", "habits"}


def test_answers_that_are_all_missing_are_missed():
    phases = ["training"] * 3 + ["anchor", "catch"]
    record = described(of_sessions(session(0, phases, [1.0] * 3 + [NAN] * 2, [NAN] * 5)))
    assert record.keys() == {"habits", "anchors"}
    (subject,) = record["habits"]["subjects"]
    assert subject["missed"]["n"] == 4
    assert subject["missed"]["part"] == 1
    assert [subject[key] for key in ("lapses", "catch", "intercept")] == [None] * 3
    assert record["anchors"]["subjects"][0]["n"] == 0
    assert record["anchors"]["subjects"][0]["right"] is None


def test_catch_trials_alone_are_not_missed():
    record = described(of_sessions(session(0, ["catch"] * 3, [NAN] * 3, [NAN] * 3)))
    assert record["habits"]["subjects"][0]["missed"] is None


@pytest.mark.parametrize(
    ("label", "reason"),
    [([0.5], "1 different label: every curve fits"), ([1, -1], "2 different labels: every")],
)
def test_labels_that_any_curve_fits_are_not_fitted(label, reason):
    labels, answers = np.resize(label, 40), np.resize([1.0, 1.0, -1.0], 40)
    record = described(of_sessions(session(0, TRAINING, labels, answers)))
    (curve,) = record["psychometric"]["subjects"]
    assert curve["fit"] is None
    assert curve["no_fit"].startswith(reason)
    assert curve["bins"]["label"] == sorted(label)


def test_answers_that_are_all_the_same_are_not_fitted():
    labels = np.linspace(-1, 1, 40)
    record = described(of_sessions(session(0, TRAINING, labels, np.ones(40))))
    assert record["psychometric"]["subjects"][0]["no_fit"] == "all answers are the same"


def test_labels_that_are_all_zero_are_neither_right_nor_wrong():
    record = described(of_sessions(session(0, TRAINING, np.zeros(40), np.ones(40))))
    course = record["episodes"]["subjects"][0]["training"]
    assert course["right"]["overall"] is None
    assert course["error"]["overall"] == 1


def test_a_straight_line_is_found_again():
    random = np.random.default_rng(0)
    label = random.uniform(-1, 1, (80, 6))
    answer = 0.1 + 0.6 * label + 0.05 * random.normal(size=label.shape)
    (curve,) = described(simulated(label, answer))["psychometric"]["subjects"]
    fit = curve["fit"]
    assert (curve["n"], curve["episodes"], curve["answers"]) == (400, 80, "graded")
    assert fit["intercept"] == pytest.approx(0.1, abs=4 * fit["intercept_se"])
    assert fit["slope"] == pytest.approx(0.6, abs=4 * fit["slope_se"])


def test_habits_of_who_lapses_and_leans_are_found_again():
    random = np.random.default_rng(1)
    days = []
    for day in range(6):
        phases = ["training"] * 30 + ["anchor"] * 60 + ["catch"] * 10
        shown = random.uniform(0.2, 1, 30) * random.choice([-1, 1], 30)
        label = np.concatenate([shown, np.full(70, NAN)])
        stimulus = np.concatenate([np.arange(30), np.arange(30), np.arange(30), np.full(10, -1)])
        truth = np.sign(shown)[np.maximum(stimulus, 0)]
        guess = random.choice([-1, 1, 1], 100)
        answer = np.where((random.random(100) < 0.3) | (stimulus < 0), guess, truth)
        days.append(session(day, phases, label, answer, slot=day, stimulus=stimulus))
    record = described(of_sessions(*days))
    (subject,) = record["habits"]["subjects"]
    assert subject["lapses"]["n"] == 360
    assert subject["lapses"]["low"] < 0.3 < subject["lapses"]["high"]
    assert subject["catch"]["mean"] == pytest.approx(1 / 3, abs=4 * subject["catch"]["se"])
    assert [one["day"] for one in record["anchors"]["sessions"]] == [1, 2, 3, 4, 5, 6]


def remembering(random, days, weight, belief):
    """Sessions of 20 episodes of answers that depend on the answer before, and err together."""
    made = []
    for day in range(days):
        slot = np.repeat(np.arange(20), 15)
        label = random.uniform(-1, 1, 300)
        rest = belief * random.normal(size=20)[slot] + 0.1 * random.normal(size=300)
        answer = 0.6 * label + rest
        for row in range(1, 300):
            answer[row] += weight * answer[row - 1]
        made.append(session(day, ["training"] * 300, label, answer, slot=slot))
    return of_sessions(*made)


def test_a_trial_that_follows_the_one_before_is_told_from_one_that_does_not():
    random = np.random.default_rng(2)
    (row,) = described(remembering(random, 8, 0.3, 0.0))["carry_over"]["rows"]
    found = row["previous_answer"]
    assert found["low"] < 0.3 < found["high"]
    assert abs(found["shuffled"]) < 0.1  # one in seven is a neighbour


def test_beliefs_that_err_together_are_told_from_carry_over():
    random = np.random.default_rng(3)
    (row,) = described(remembering(random, 8, 0.0, 0.3))["carry_over"]["rows"]
    found = row["previous_answer"]
    assert found["low"] > 0.3
    assert found["low"] < found["shuffled"] < found["high"]


def test_one_session_has_weights_and_no_interval():
    (row,) = described(remembering(np.random.default_rng(4), 1, 0.3, 0.0))["carry_over"]["rows"]
    assert row["why"] == "one session: no interval"
    assert row["previous_answer"]["weight"] == pytest.approx(0.3, abs=0.1)
    assert row["previous_answer"]["low"] is None


def test_what_cannot_be_told_apart_has_no_weights():
    source = of_sessions(session(0, TRAINING, np.ones(40), np.ones(40)))
    (row,) = described(source)["carry_over"]["rows"]
    assert row["label"] is None
    assert row["why"] == "trials are too few or too alike"


def test_reliability_is_that_of_a_loop_over_pairs():
    random = np.random.default_rng(5)
    error, power = random.gamma(2, 1, (8, 6)), np.arange(48.0).reshape(8, 6)
    error_se = random.uniform(0.2, 0.6, (8, 6))
    power[:, 1] = power[:, 0]  # two slots with one function
    (stage,) = of_stages(error, error_se, power)
    unlike, alike = [], []
    for generation in range(8):
        for one in range(6):
            for other in range(one):
                half = (error[generation, one] - error[generation, other]) ** 2 / 2
                (alike if (one, other) == (1, 0) else unlike).append(half)
    noise, between = np.mean(error_se**2), np.mean(unlike)
    assert stage["variance_between"] == pytest.approx(between)
    assert stage["reliability"] == pytest.approx(1 - noise / between)
    assert stage["low"] < stage["reliability"] < stage["high"]
    assert stage["spread_over_se"] == pytest.approx(np.sqrt(np.mean(alike) / noise))


def of_stages(error, error_se, power=None):
    count = np.asarray(error).size
    nothing = np.zeros((count, 11))
    source = simulated(nothing, nothing, error=error, error_se=error_se, power=power)
    return described(source)["reliability"]["stages"]


def test_reliability_is_the_correlation_of_two_evaluations_and_grows_as_is_said():
    random = np.random.default_rng(6)
    truth = random.normal(size=(200, 10))

    def evaluated(trials):
        noise = random.normal(size=(200, 10, trials, 2)).mean(axis=2)
        return truth + noise[..., 0], truth + noise[..., 1]

    (stage,) = of_stages(evaluated(1)[0], np.ones((200, 10)))
    assert stage["reliability"] == pytest.approx(0.5, abs=0.05)
    times = stage["test_trials_wanted"] / stage["test_trials"]
    first, second = evaluated(round(times))
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(0.8, abs=0.03)


def test_slots_that_ask_about_one_function_have_no_reliability():
    random = np.random.default_rng(7)
    power = np.repeat(np.arange(30.0)[:, None], 2, axis=1)
    error = 0.5 * random.normal(size=(30, 2))
    (stage,) = of_stages(error, np.full((30, 2), 0.5), power)
    assert stage["reliability"] is None
    assert stage["test_trials_wanted"] is None
    assert stage["spread_over_se"] == pytest.approx(1, abs=0.3)
    assert "one function" in stage["why"]


def test_errors_that_are_all_the_same_have_no_reliability():
    (stage,) = of_stages(np.ones((6, 3)), np.full((6, 3), 0.5))
    assert stage["reliability"] is None
    assert stage["why"] == "all errors are the same"


def test_evaluations_that_differ_less_than_by_chance_can_have_no_trials_enough():
    error = 1 + 0.01 * np.random.default_rng(8).normal(size=(9, 4))
    (stage,) = of_stages(error, np.full((9, 4), 0.5))
    assert stage["reliability"] < 0
    assert stage["test_trials_wanted"] is None


def test_one_candidate_a_generation_has_no_reliability():
    assert "reliability" not in described(simulated(np.zeros((5, 4)), np.zeros((5, 4))))


def test_episodes_that_share_stimuli_are_drawn_by_generation():
    random = np.random.default_rng(9)
    shared = np.repeat(random.uniform(-1, 1, (20, 1, 6)), 10, axis=1)
    label = shared.reshape(200, 6)
    answer = np.where(label > 0.2, 1.0, -1.0)
    bands = []
    for common in (False, True):
        source = simulated(label, answer, error=np.ones((20, 10)), common=common)
        numbers = described(source)
        right = numbers["episodes"]["subjects"][0]["test"]["right"]
        bands.append(np.subtract(right["high"], right["low"]).mean())
        part = "generation" if common else "episode"
        assert numbers["episodes"]["interval"]["resampled"] == part
        assert numbers["psychometric"]["interval"]["resampled"] == part
    assert bands[1] == pytest.approx(bands[0] * math.sqrt(10), rel=0.3)


def test_long_episodes_have_few_points():
    answer = np.ones((7, 402))
    course = described(simulated(answer, answer))["episodes"]["subjects"][0]["test"]
    assert len(course["place"]) <= 40
    assert sum(course["right"]["n"]) == 7 * 401
    assert course["place"][0] == 1 + (course["places_in_each"] - 1) / 2

"""The verdict follows from a stage's numbers."""

import json

import pytest

from controller.analysis.verdict import Verdict, verdict


def function(share, error, quartiles=None):
    quartiles = quartiles or [error / 2, error * 2]
    return {"share": share, "g_over_var": error, "g_over_var_quartiles": quartiles}


def stage(control, share=None, error=0.04, max_cosine=0.0):
    found = function(share or {"0": 0.0, "1": 0.98, "2": 0.02}, error)
    return {**found, "max_cosine": max_cosine, "control": control}


OTHER = function({"1": 0.3, "2": 0.7}, 1.2)
SAME = function({"1": 0.95, "2": 0.05}, 0.06)
CONSTANT = {"share": {"1": None}, "g_over_var": None, "g_over_var_quartiles": [None, None]}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (stage(OTHER), Verdict.LEARNER_DRIVEN),
        (stage(CONSTANT), Verdict.LEARNER_DRIVEN),
        (stage(SAME), Verdict.CONTROL_SAME),
        (stage(function({"1": 0.95}, 0.079)), Verdict.CONTROL_SAME),
        (stage(function({"1": 0.95}, 0.081, [0.07, 0.1])), Verdict.LEARNER_DRIVEN),
        (stage(function({"1": 0.92, "2": 0.08}, 0.06, [0.05, 0.1])), Verdict.LEARNER_DRIVEN),
        (stage(function({"2": 0.98}, 0.06, [0.03, 0.1])), Verdict.NOT_EASIER),
        (stage(function({"2": 0.98}, 0.01)), Verdict.NOT_EASIER),
        (stage(None), Verdict.NO_CONTROL),
        (stage(OTHER, error=1.0), Verdict.NOT_LEARNED),
        (stage(OTHER, max_cosine=0.5), Verdict.REPEATS),
        (stage(OTHER, max_cosine=0.49), Verdict.LEARNER_DRIVEN),
        (stage(OTHER, max_cosine=None), Verdict.LEARNER_DRIVEN),
        ({**CONSTANT, "max_cosine": None, "control": SAME}, Verdict.NOTHING_FOUND),
    ],
)
def test_a_stage_is_judged_by_the_first_rule_that_holds(record, expected):
    assert verdict(record) is expected


def test_a_control_that_is_half_as_good_again_is_the_same_in_either_direction():
    for error in (0.021, 0.079):
        assert verdict(stage(function({"1": 0.98}, error))) is Verdict.CONTROL_SAME


def test_every_verdict_has_words_and_a_json_form():
    for one in Verdict:
        assert one.words
        assert json.loads(json.dumps(one)) == one.value

"""The part of a document that says how an animal is asked."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from hardware.interface import Pulse
from protocols.documents import DocumentError
from protocols.documents.document import parse
from protocols.session_document import FEEDBACKS, PLANS, SessionSection


def section(plan=None, feedback=None, **tables):
    """Validate a section; `plan` and `feedback` have settings, perhaps another kind than here."""
    plan = {"kind": "conditioning"} | (plan or {})
    feedback = {"kind": "magnitude"} | (feedback or {})
    return SessionSection.model_validate({"plan": plan, "feedback": feedback} | tables)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("feedback", FEEDBACKS)
def test_every_plan_goes_with_every_feedback_without_further_settings(plan, feedback):
    made = section({"kind": plan}, {"kind": feedback})
    assert made.plan.build() == PLANS[plan]()
    assert made.feedback.build() == FEEDBACKS[feedback]()
    assert SessionSection.model_validate(made.model_dump()) == made


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"plan": {"lick": ""}}, "lick"),
        ({"plan": {"lik": "lick_left"}}, "lik"),
        ({"plan": {"window_s": 0.0}}, "window_s"),
        ({"plan": {"window_s": 1e-9}}, "window_s"),
        ({"plan": {"window_s": 601.0}}, "window_s"),
        ({"plan": {"window_s": "2"}}, "window_s"),
        ({"plan": {"delay_s": -0.1}}, "delay_s"),
        ({"plan": {"delay_s": float("nan")}}, "delay_s"),
        ({"plan": {"interval_s": float("inf")}}, "interval_s"),
        ({"plan": {"full": 0}}, "full"),
        ({"plan": {"full": 2.5}}, "full"),
        ({"plan": {"full": 200}}, "plan.full: expected at most 75 licks"),
        ({"plan": {"kind": "nogo"}}, "conditioning"),
        ({"plan": {"kind": "go_nogo", "window_s": 0.0}}, "window_s"),
        ({"plan": {"kind": "two_choice", "left": "lick_right"}}, "plan.right: expected another"),
        ({"plan": {"kind": "two_choice", "right_valve": ""}}, "right_valve"),
        ({"plan": {"kind": "rating", "steps": 1}}, "steps"),
        ({"plan": {"kind": "rating", "timeout_s": 0.0}}, "timeout_s"),
        ({"plan": {"kind": "rating", "show_s": 0.0}}, "show_s"),
        ({"plan": {"kind": "graded", "full": 101}}, "plan.full: expected at most 100 licks"),
        ({"feedback": {"least_ul": 0.0}}, "least_ul"),
        ({"feedback": {"least_ul": 5.0}}, "feedback.most_ul: expected more than least_ul (5)"),
        ({"feedback": {"valve": ""}}, "valve"),
        ({"feedback": {"kind": "sign", "punishment": ""}}, "punishment"),
        ({"feedback": {"kind": "sign", "punishment": "valve_left"}}, "feedback.punishment"),
        ({"feedback": {"kind": "sign", "punishment_ms": 0.0}}, "punishment_ms"),
        ({"feedback": {"kind": "sign", "width_ms": 1e-4}}, "width_ms"),
        ({"feedback": {"kind": "probability", "volume_ul": -1.0}}, "volume_ul"),
        ({"schedule": {"repeats": 0}}, "repeats"),
        ({"schedule": {"training_blocks": 0}}, "training_blocks"),
        ({"schedule": {"order": "test first"}}, "order"),
        ({"schedule": {"catch": -1}}, "catch"),
        ({"subject": {"policy": "wash_out"}}, "wash_out_trials: expected more than 0"),
        ({"subject": {"wash_out_trials": 3}}, "got 3 with 'carry_over'"),
        ({"subject": {"policy": "fresh"}}, "policy"),
        ({"quality": {"max_flawed": 1.5}}, "max_flawed"),
        ({"quality": {"min_anchors_right": 0.7}}, "set schedule.anchors"),
        ({"quality": {"max_voids": 0}}, "max_voids"),
        ({"suspenders": {"no_response_trials": -1}}, "no_response_trials"),
        ({"suspenders": {"command_s": 0.0}}, "command_s"),
        ({"minutes": 0.0}, "minutes"),
        ({"trials": 0}, "trials"),
        ({"lease_hours": 0.0}, "lease_hours"),
        ({"label": 1}, "label"),
    ],
)
def test_wrong_settings_are_refused_with_the_fields_name(tables, words):
    with pytest.raises(ValidationError) as error:
        section(**tables)
    assert words in str(error.value)


def test_plan_and_feedback_have_to_be_chosen():
    for missing in ("plan", "feedback"):
        settings = {"plan": {"kind": "go_nogo"}, "feedback": {"kind": "sign"}}
        del settings[missing]
        with pytest.raises(ValidationError, match=missing):
            SessionSection.model_validate(settings)


def test_a_document_says_where_the_mistake_is():
    text = '[plan]\nkind = "go_nogo"\nwindow_s = -1.0\n[feedback]\nkind = "sign"\n'
    with pytest.raises(DocumentError, match=r"3.*window_s"):
        parse(text, SessionSection)


def test_what_a_trial_may_switch_on_is_known_beforehand():
    assert list(section({"kind": "go_nogo"}).pulses()) == [
        Pulse("valve_left", volume_ul=1.0),
        Pulse("valve_left", volume_ul=5.0),
    ]
    both = section({"kind": "two_choice"}, {"kind": "sign", "punishment": "puff"})
    assert list(both.pulses()) == [
        Pulse("valve_left", volume_ul=4.0),
        Pulse("valve_right", volume_ul=4.0),
        Pulse("puff", width_us=50_000),
    ]


def test_anchors_that_have_to_be_right_need_anchors():
    made = section(schedule={"anchors": 4}, quality={"min_anchors_right": 0.75})
    assert made.schedule.build().anchors == 4


def test_it_is_read_without_jax_which_the_process_of_the_trials_does_without():
    code = "import sys, protocols.session_document; print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

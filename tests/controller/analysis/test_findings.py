"""What was not learner-driven, and what went wrong, from a record with whatever sections it has."""

import pytest

from controller.analysis.findings import findings, headline, spans
from controller.analysis.verdict import Verdict

DRIVEN = {"stage": 1, "finished": True, "verdict": "learner_driven"}
CLEAN = {
    "functions": {"stages": [DRIVEN]},
    "origin": {
        "kind": "experiment",
        "origin": "animal",
        "exit_status": "finished",
        "sessions": [{"name": "a", "exit_status": "time"}],
        "problems": [],
    },
}


def words(record):
    return [one.words for one in findings(record)]


def origin(**changes):
    return {**CLEAN, "origin": {**CLEAN["origin"], **changes}}


def test_an_animals_finished_store_whose_stages_are_learner_driven_has_none():
    assert findings(CLEAN) == ()
    assert headline(CLEAN) == "1 of 1 stage learner-driven."


@pytest.mark.parametrize("kind", [one for one in Verdict if one is not Verdict.LEARNER_DRIVEN])
def test_every_other_verdict_is_one_and_comes_first(kind):
    stages = [DRIVEN, *({**DRIVEN, "stage": n, "verdict": kind.value} for n in (2, 3, 5))]
    record = {**origin(origin="emulated", exit_status="killed"), "functions": {"stages": stages}}
    assert words(record)[0] == f"stages 2 to 3, 5: {kind.words}"
    assert headline(record) == "1 of 4 stages learner-driven."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"origin": "simulated"}, "nothing here is about an animal"),
        ({"origin": "emulated"}, "no animal was there"),
        ({"origin": "simavr"}, "no animal was there"),
        ({"origin": "imported"}, "somebody else's trials"),
        ({"exit_status": "killed"}, "killed"),
        ({"exit_status": "running"}, "still running"),
        ({"exit_status": "interrupted"}, "interrupted"),
        ({"problems": ["a table is damaged"]}, "not all could be read: a table is damaged"),
        (
            {"sessions": [{"name": "b", "exit_status": "fault"}]},
            "ended with a fault of the rig: session b",
        ),
    ],
)
def test_where_answers_are_from_and_how_all_ended_is_said(changes, said):
    (one,) = words(origin(**changes))
    assert said in one


def test_many_sessions_are_counted_not_listed():
    sessions = [{"name": str(n), "exit_status": "killed"} for n in range(9)]
    assert words(origin(sessions=sessions)) == ["killed: sessions 0, 1, 2 and 6 more"]


def test_a_stage_that_is_not_finished_is_said():
    record = {**CLEAN, "functions": {"stages": [{**DRIVEN, "finished": False}]}}
    assert words(record) == ["stage 1 not finished: shown is the best so far"]


def test_a_missing_control_is_said_once_whatever_the_verdicts():
    for verdict, said in ((Verdict.NOT_LEARNED, 1), (Verdict.NO_CONTROL, 0)):
        stages = [{**DRIVEN, "verdict": verdict.value}]
        record = {**origin(control=False), "functions": {"stages": stages}}
        assert words(record).count("no control was run") == said


def test_a_missing_control_is_said_where_there_is_no_verdict_yet():
    record = {"origin": {**CLEAN["origin"], "control": False}}
    assert words(record) == ["no control was run"]
    assert headline(record).startswith("No function was found yet")


def test_limits_of_an_animal_that_were_passed_come_before_what_is_good_to_know():
    day = {"subject": "m1", "flags": ["water below the limit"]}
    days = [{**day, "day": f"2026-01-0{n}"} for n in range(1, 6)]
    kinds = {"fault": {"count": 2, "sessions": 1}, "note": {"count": 9, "sessions": 3}}
    record = {**CLEAN, "events": {"kinds": kinds}, "welfare": {"days": days, "sessions": []}}
    first, second = findings(record)
    assert first.grave
    assert first.words == (
        "m1: water below the limit on 2026-01-01, 2026-01-02, 2026-01-03 and 2 more"
    )
    assert not second.grave
    assert second.words == "2 × fault of the rig, in 1 session"


def test_answers_that_may_be_guesses_habits_or_chance_are_said():
    weight = {"weight": 0.3, "low": 0.2, "high": 0.4, "shuffled": 0.05}
    rows = [
        {"subject": "m1", "after": "any", "previous_label": weight, "previous_answer": None},
        {"subject": "m1", "after": "feedback", "previous_label": weight},
    ]
    record = {
        **CLEAN,
        "anchors": {"subjects": [{"subject": "m1", "right": 0.55, "low": 0.4, "n": 20}]},
        "habits": {"subjects": [{"subject": "m1", "missed": {"part": 0.25, "n": 4000}}]},
        "carry_over": {"rows": rows},
        "reliability": {"stages": [{"stage": 2, "reliability": 0.1}, {"stage": 3}]},
    }
    guesses, *rest = words(record)
    assert guesses == "m1: 55 % of the anchors right (n = 20), maybe by guessing"
    assert [one.split(" ")[0] for one in rest] == ["m1:", "m1:", "stage"]
    by_chance = {**weight, "shuffled": 0.25}
    still = {**record, "carry_over": {"rows": [{**rows[0], "previous_label": by_chance}]}}
    assert len(words(still)) == len(words(record)) - 1


def test_an_empty_record_says_nothing():
    assert findings({}) == ()


def test_spans_of_stages():
    assert [spans([2]), spans([3, 1, 2]), spans([1, 3, 4])] == [
        "stage 2",
        "stages 1 to 3",
        "stages 1, 3 to 4",
    ]

"""Sections about answers: numbers of two animals at a rig are those of loops over their rows."""

import json
import math
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from stored_rows import stored_rows

from controller.analysis.figure_files import write_pictures
from controller.analysis.record import describe
from controller.analysis.sections.anchors import ANCHORS
from controller.analysis.sections.carry_over import CARRY_OVER
from controller.analysis.sections.episodes import EPISODES
from controller.analysis.sections.habits import HABITS
from controller.analysis.sections.psychometric import PSYCHOMETRIC
from controller.analysis.sections.reactions import REACTIONS
from controller.analysis.sections.reliability import RELIABILITY
from controller.analysis.terminal import number_tables, rich_table

SECTIONS = (PSYCHOMETRIC, EPISODES, HABITS, ANCHORS, REACTIONS, CARRY_OVER, RELIABILITY)
SUBJECTS = ("m1", "m2")


@pytest.fixture(scope="module")
def rows(at_rig):
    return stored_rows(at_rig)


@pytest.fixture(scope="module")
def record(at_rig):
    return describe(at_rig, SECTIONS)


def by_subject(numbers, name):
    return next(one for one in numbers if one["subject"] == name)


def known(row):
    return not math.isnan(row["label"] * row["answer"])


def test_the_sample_has_what_is_to_be_counted(rows):
    assert {row["phase"] for row in rows} == {"warm_up", "training", "test", "catch", "anchor"}
    assert {row["subject"] for row in rows} == set(SUBJECTS)
    assert sum(known(row) for row in rows if row["phase"] == "test") > 100
    assert any(math.isnan(row["answer"]) for row in rows)
    assert any(math.isnan(row["label"]) for row in rows if row["phase"] == "test")


@pytest.mark.parametrize("name", SUBJECTS)
def test_bins_hold_the_means_of_their_trials(record, rows, name):
    own = [row for row in rows if row["phase"] == "test" and known(row)]
    found = by_subject(record["psychometric"]["subjects"], name)
    edges = np.quantile([np.float32(row["label"]) for row in own], np.arange(1, 10) / 10)
    bins = defaultdict(list)
    for row in own:
        if row["subject"] == name:
            bins[int(np.sum(row["label"] >= edges))].append(row)
    assert found["n"] == sum(map(len, bins.values()))
    assert found["answers"] == "binary"
    assert found["bins"]["n"] == [len(bins[cell]) for cell in sorted(bins)]
    for key in ("label", "answer"):
        means = [np.mean([row[key] for row in bins[cell]]) for cell in sorted(bins)]
        assert found["bins"][key] == pytest.approx(means)


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("phase", ["training", "test"])
def test_a_course_holds_the_means_of_each_place(record, rows, name, phase):
    places, seen = defaultdict(list), defaultdict(int)
    for row in rows:
        if row["subject"] == name and row["phase"] == phase and known(row):
            places[seen[row["episode"]]].append(row)
            seen[row["episode"]] += 1
    found = by_subject(record["episodes"]["subjects"], name)[phase]
    assert found["place"] == [place + 1 for place in sorted(places)]
    assert found["episodes"] == len(seen)
    right = [[row["right"] for row in places[at]] for at in sorted(places)]
    errors = [[abs(row["answer"] - row["label"]) for row in places[at]] for at in sorted(places)]
    assert found["right"]["mean"] == pytest.approx([np.mean(one) for one in right])
    assert found["error"]["mean"] == pytest.approx([np.mean(one) for one in errors])
    assert found["error"]["overall"] == pytest.approx(np.mean(np.concatenate(errors)))


def test_habits_are_those_of_each_session_and_of_all(record, rows):
    of_session = {place: [] for place in range(5)}
    for row in rows:
        of_session[row["session"]].append(row)
    for found, own in zip(record["habits"]["sessions"], of_session.values(), strict=True):
        check_habits(found, own)
    for name in SUBJECTS:
        own = [row for row in rows if row["subject"] == name]
        check_habits(by_subject(record["habits"]["subjects"], name), own)


def check_habits(found, rows):
    shown = [row for row in rows if row["phase"] != "catch"]
    missed = [math.isnan(row["answer"]) for row in shown]
    assert (found["trials"], found["missed"]["n"]) == (len(rows), len(shown))
    assert found["missed"]["part"] == pytest.approx(np.mean(missed))
    right = [row["right"] for row in rows if row["phase"] == "anchor" and known(row)]
    assert found["lapses"]["n"] == len(right)
    assert found["lapses"]["rate"] == pytest.approx(min(1, 2 - 2 * np.mean(right)))
    caught = [row["answer"] for row in rows if row["phase"] == "catch" and known_answer(row)]
    assert (found["catch"] or {"n": 0})["n"] == len(caught)
    if caught:
        assert found["catch"]["mean"] == pytest.approx(np.mean(caught))
    asked = [(row["label"], row["answer"]) for row in rows if row["phase"] == "test" and known(row)]
    assert found["intercept"]["mean"] == pytest.approx(np.polyfit(*zip(*asked, strict=True), 1)[1])


def known_answer(row):
    return not math.isnan(row["answer"])


def test_anchors_are_those_of_each_session(record, rows):
    for place, found in enumerate(record["anchors"]["sessions"]):
        own = [row for row in rows if row["session"] == place and row["phase"] == "anchor"]
        right = [row["right"] for row in own if row["right"] is not None]
        assert (found["shown"], found["n"]) == (len(own), len(right))
        assert found["right"] == pytest.approx(np.mean(right))
        assert found["low"] < found["right"] <= found["high"] <= 1
        assert found["day"] == place + 1


def test_reaction_times_are_those_of_each_phase_and_of_right_and_wrong(record, rows):
    verdicts = {"all": {None, 0.0, 0.5, 1.0}, "right": {1.0}, "wrong": {0.0}}
    for found in record["reactions"]["rows"]:
        own = [
            row["latency_us"] / 1000
            for row in rows
            if all(row[key] == found[key] for key in ("subject", "phase"))
            and row["right"] in verdicts[found["answers"]]
        ]
        timed = [one for one in own if not math.isnan(one)]
        assert (found["trials"], found["responses"]) == (len(own), len(timed))
        if timed:
            assert found["ms"]["median"] == pytest.approx(np.median(timed))
            assert found["ms"]["q95"] == pytest.approx(np.quantile(timed, 0.95))
    phases = {(row["subject"], row["phase"]) for row in rows}
    assert {(one["subject"], one["phase"]) for one in record["reactions"]["rows"]} == phases


def test_histograms_count_every_response_once(record):
    for found in record["reactions"]["histograms"]:
        assert sum(map(sum, found["counts"].values())) + found["slower"] == found["n"]


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("after", ["any", "feedback", "no feedback"])
def test_weights_of_the_trial_before_are_those_of_a_regression_with_sessions(
    record, rows, name, after
):
    pairs = []
    for before, row in pairwise(rows):
        felt = before["phase"] in {"training", "warm_up", "wash_out"}
        wanted = row["subject"] == name and after in {"any", "feedback" if felt else "no feedback"}
        if wanted and row["session"] == before["session"] and known(row) and known(before):
            pairs.append((before, row))
    sessions = sorted({row["session"] for _, row in pairs})
    X = [
        [row["label"], before["label"], before["answer"]]
        + [float(row["session"] == one) for one in sessions]
        for before, row in pairs
    ]
    weights = np.linalg.lstsq(np.array(X), [row["answer"] for _, row in pairs], rcond=None)[0]
    numbers = record["carry_over"]["rows"]
    (found,) = (one for one in numbers if (one["subject"], one["after"]) == (name, after))
    assert (found["n"], found["sessions"]) == (len(pairs), len(sessions))
    names = ("label", "previous_label", "previous_answer")
    assert [found[key]["weight"] for key in names] == pytest.approx(weights[:3])
    assert (found["label"]["se"] is None) == (len(sessions) == 1)


def test_the_record_is_json_and_every_table_and_picture_can_be_made(record, tmp_path):
    json.dumps(record, allow_nan=False)
    for _, table in number_tables(record):
        assert all(len(row) == len(table.columns) for row in table.rows)
        rich_table(table)
    names = {path.name for path in write_pictures(record, tmp_path)}
    for picture in (
        *("psychometric-curves", "episodes-course", "habits-days", "anchors-days"),
        *("reactions-histogram", "carry_over-weights"),
    ):
        assert {f"{picture}.png", f"{picture}.svg"} <= names


def test_one_session_alone_says_what_it_can(at_rig):
    from controller.analysis.source import open_source

    alone = describe(open_source(at_rig.sessions[0].folder), SECTIONS)
    assert alone["psychometric"]["phase"] == "training"
    assert alone["episodes"]["subjects"][0]["test"] is None
    assert alone["anchors"]["sessions"][0]["n"] > 0
    assert "reliability" not in alone

"""The numbers that only the page shows, against the plainest way to count them."""

import math
from dataclasses import replace

import numpy as np
import page_samples as samples
import pytest
from page_samples import BEGAN_NS, answer, event, experiment, label, pulses, session, trial

from controller.analysis.record import describe
from controller.analysis.source import open_source
from controller.page.moment import of_session
from controller.page.sections import OF_EXPERIMENT, OF_SESSION
from controller.page.sections.performance import WINDOW
from controller.session.clock import day_began_ns

DAY_NS = 24 * 3600 * 10**9


def numbers(folder, sections=OF_SESSION):
    return describe(open_source(folder, live=True), sections)


@pytest.fixture(scope="module")
def morning(tmp_path_factory):
    """A session of 100 trials that has ended."""
    folder = tmp_path_factory.mktemp("sections") / "morning"
    with session(folder) as store:
        store.append([event("session_started"), *[trial(k) for k in range(100)]])
        store.append([event("free_reward", 650, value=5.0, after=99, **pulses(2, 5.0))])
        store.append([event("free_reward", 660, after=99, **pulses(1, np.nan))])
    return folder


def test_performance_is_that_of_the_last_answered_trials_whose_label_is_known(morning):
    found = numbers(morning)["performance"]
    told = [k for k in range(100) if k % 4 != 3 and label(k) != 0 and not math.isnan(answer(k))]
    assert found["answered"] == len(told)
    for place, k in enumerate(told):
        window = told[max(0, place - WINDOW + 1) : place + 1]
        right = np.mean([np.sign(answer(one)) == np.sign(label(one)) for one in window])
        error = np.mean([(answer(one) - label(one)) ** 2 for one in window])
        assert found["series"]["trial"][place] == k + 1
        assert found["series"]["right"][place] == pytest.approx(right, abs=1e-3)
        assert found["series"]["error"][place] == pytest.approx(error, abs=1e-3)
    assert found["right"] == found["series"]["right"][-1]


def test_the_stream_is_the_last_sixty_trials_the_latest_first(morning):
    trials = numbers(morning)["stream"]["trials"]
    assert [one["trial"] for one in trials] == list(range(100, 40, -1))
    assert trials[0] == {
        "trial": 100,
        "t_s": 600.0,
        "candidate": "1.5.2",
        "phase": "test",
        "label": None,
        "answer": None,
        "outcome": "responded",
        "latency_ms": 199.0,
        "water_ul": 4.0,
    }
    assert trials[3]["label"] == pytest.approx(label(96), abs=1e-4)


def test_what_is_left_counts_every_drop_and_the_smaller_limit(morning):
    left = numbers(morning)["limits"]
    assert left["minutes"] == {"used": 11.0, "most": 60.0}  # to the last event
    assert left["trials"] == {"used": 100, "most": 900}
    assert left["water"]["used_ul"] == 100 * 4 + 5
    assert (left["water"]["least_ul"], left["water"]["most_ul"]) == (800, 2000)
    assert left["puffs"] == {"used": 1, "most": 60}


def test_a_days_water_is_that_of_all_sessions_of_the_subject_on_that_day(tmp_path):
    noon_ns = day_began_ns(BEGAN_NS) + DAY_NS // 2
    made = [
        ("1", "m1", noon_ns - DAY_NS, 10),  # yesterday
        (
            "2",
            "m1",
            day_began_ns(BEGAN_NS) - 5 * samples.TRIAL_NS,
            10,
        ),  # over midnight: counts in part
        ("3", "m2", noon_ns - 10**9, 10),  # somebody else
        ("4", "m1", noon_ns, 3),
        ("5", "m1", noon_ns + 10**12, 2),
    ]
    for name, subject, began_ns, count in made:
        with session(tmp_path / name, subject=subject, began_ns=began_ns) as store:
            store.append([trial(k) for k in range(count)])
    sources = [open_source(tmp_path / name, live=True) for name, *_ in made]
    together = replace(sources[-1], sessions=tuple(one.sessions[0] for one in sources))
    water = describe(together, OF_SESSION)["limits"]["water"]
    assert water["used_ul"] == 4 * (6 + 3 + 2)  # the fifth trial ended at midnight
    assert water["sessions"] == 3
    earlier = [tmp_path / name for name in "4321"]
    assert '"used_ul": 20.0' in of_session(tmp_path / "5", earlier).text


def test_limits_that_nothing_reaches_are_none(tmp_path):
    free = {"water_max_ul": 1e9, "water_min_ul": 0.0, "puffs_max": 10**9, "minutes_max": 1e9}
    with session(tmp_path / "s", limits=free) as store:
        store.append([trial(0)])
    left = numbers(tmp_path / "s")["limits"]
    assert left["water"]["most_ul"] is None
    assert left["puffs"]["most"] is None
    assert left["minutes"]["most"] == 90.0  # the protocol's


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        (["session_started", "episode_started"], "running"),
        (["session_started", "paused"], "paused"),
        (["session_started", "held"], "held"),
        (["held", "resumed"], "running"),
        (["held", "resumed", "note", "refused"], "running"),
        (["episode_done", "waiting_for_planner"], "waiting"),
        (["waiting_for_planner", "episode_started"], "running"),
        (["stop_asked"], "stopping"),
        ([], "running"),
    ],
)
def test_the_state_of_a_running_session_is_what_its_last_event_says(tmp_path, kinds, state):
    with session(tmp_path / "s") as store:
        store.append([event(kind, t_s) for t_s, kind in enumerate(kinds)])
        store.fold()
        assert numbers(tmp_path / "s")["session"]["state"] == state
    ended = numbers(tmp_path / "s")["session"]
    assert (ended["state"], ended["bad"]) == ("finished", False)


def test_a_fault_and_outputs_that_stayed_on_are_bad_and_said_in_words(tmp_path):
    store = session(tmp_path / "s")
    store.append([event("fault", 7.0), event("made_safe", 8.0, value=0.0)])
    store.close("fault")
    found = numbers(tmp_path / "s")["session"]
    assert found["bad"]
    assert [(one["t_s"], one["safe"]) for one in found["problems"]] == [(8.0, False), (7.0, True)]
    assert "NOT SAFE" in found["problems"][0]["words"]


def test_a_session_without_a_trial_has_numbers_too(tmp_path):
    with session(tmp_path / "s") as store:
        store.append([event("session_started")])
    found = numbers(tmp_path / "s")
    assert found["stream"] == {"trials": []}
    assert "performance" not in found
    assert "labels" not in found


def test_the_label_map_holds_the_training_stimuli_of_the_current_candidate(morning):
    found = numbers(morning)["labels"]
    known = [k for k in range(96, 100) if k % 4 != 3]
    assert (found["stage"], found["generation"], found["slot"]) == (1, 5, 2)
    assert found["x"] == pytest.approx([math.cos(k) for k in known], abs=1e-4)
    assert found["y"] == pytest.approx([math.sin(k) for k in known], abs=1e-4)
    assert found["label"] == pytest.approx([label(k) for k in known], abs=1e-3)


def test_an_experiments_own_numbers_are_those_of_its_tables(tmp_path):
    folder = experiment(tmp_path / "e", origin="simulated")
    found = numbers(folder, OF_EXPERIMENT)
    tables = open_source(folder, live=True).tables
    arm = found["search"]["arms"]["learner"]
    assert arm["x"] == [1, 2, 3, 4, 5, 6]
    assert arm["fitness_mean"] == pytest.approx(tables["generations"]["fitness_mean"], abs=1e-5)
    last = found["stream"]["trials"][0]
    assert last["trial"] == tables["trials"].rows == 6 * 3 * 10
    assert last["candidate"] == "1.6.3"
    assert last["answer"] == pytest.approx(float(tables["trials"]["answer"][-1]), abs=1e-4)
    shown, rows = found["labels"], slice(-10, None)
    assert shown["label"] == pytest.approx(tables["trials"]["label"][rows], abs=1e-3)
    x = tables["stimuli"]["x"][tables["trials"]["stimulus"][rows]]
    assert shown["x"] == pytest.approx(x[:, 0], abs=1e-4)


def test_a_long_search_is_thinned_and_keeps_its_last_generation(tmp_path):
    folder = experiment(tmp_path / "e", generations=802)
    arm = numbers(folder, OF_EXPERIMENT)["search"]["arms"]["learner"]
    assert (arm["n"], arm["every"], arm["x"][-1]) == (802, 3, 802)
    assert len(arm["x"]) == len(arm["fitness_mean"]) == 268

"""What animals got: as much as the lab's own ledgers say, on the right day, within which limits."""

import json
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from session_stores import LIMITS, NAN, S, event, experiment, sessions, trial, write_session

from controller.analysis.figure_files import figure
from controller.analysis.plots.style import style
from controller.analysis.record import describe
from controller.analysis.sections import welfare
from controller.analysis.sections.welfare import WELFARE
from controller.analysis.source import open_source
from controller.session.controls import Wish
from controller.session.start import run_session
from controller.session.unlimited import unlimited
from hardware.reward_ledger import RewardLedger

sys.path.insert(0, str(Path(__file__).parents[2] / "session"))

from session_world import EPISODE, Script, World, section

RIG = """\
[outputs]
valve_left = { kind = "valve" }
puff = { kind = "puff" }
"""


def at(day, hour=10):
    """A time of the lab's own day, ns since 1970."""
    return round(datetime(2026, 5, day, hour).timestamp()) * S  # noqa: DTZ001  the lab's own time


def told(source):
    return describe(source, (WELFARE,)).get("welfare")


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """Two animals on two days of an emulated rig: free rewards, top-ups, puffs, an abort."""
    folder = experiment(tmp_path_factory.mktemp("welfare") / "e")
    feedback = {"kind": "sign", "valve": "valve_left", "volume_ul": 4.0, "punishment": "puff"}
    world = World(folder, document=section(feedback=feedback), waits=False)
    wishes = [
        {3: (Wish.FREE_REWARD, "")},
        {5: (Wish.FREE_REWARD, ""), 9: (Wish.FREE_REWARD, "")},
        {EPISODE: (Wish.ABORT, "")},
        {},
    ]
    plan = [("m1", 4), ("m2", 4), ("m1", 5), ("m2", 5)]
    for number, ((name, day), script) in enumerate(zip(plan, wishes, strict=True)):
        top_up = "valve" if name == "m1" else "by hand"
        changes = {"water_min_ul": 120.0, "top_up": top_up}
        world.limits = unlimited(name).model_copy(update=changes)
        world.controls, world.begin_ns = Script(script), at(day, 10 + number)
        world.propose(generation=number)
        run_session(world.start(rig_document=RIG))
    return folder


def in_ledger(folder, subject, day):
    """Water and puffs of one animal on one day, by the lab's ledger."""
    since, until = at(day, 0), at(day + 1, 0)
    with RewardLedger(folder / "lab" / "rewards" / "emulated.sqlite") as ledger:
        water = [
            sum(one.volume_ul for one in ledger.totals(begin, subject).values())
            for begin in (since, until)
        ]
        puffs = [ledger.pulses("puff", begin, subject) for begin in (since, until)]
    return water[0] - water[1], puffs[0] - puffs[1]


def test_a_days_water_and_puffs_are_those_of_the_labs_ledger(rehearsed):
    days = told(open_source(rehearsed))["days"]
    assert [(one["subject"], one["day"]) for one in days] == [
        (name, f"2026-05-0{day}") for name in ("m1", "m2") for day in (4, 5)
    ]
    for one in days:
        water_ul, puffs = in_ledger(rehearsed, one["subject"], int(one["day"][-1]))
        assert one["water_ul"] == pytest.approx(water_ul)
        assert one["puffs"] == puffs
    assert sum(one["puffs"] for one in days) > 0


def test_a_sessions_water_is_that_of_its_trials_and_of_what_was_given_beside_them(rehearsed):
    source = open_source(rehearsed)
    for one, session in zip(told(source)["sessions"], source.sessions, strict=True):
        trials, pulses = session.tables["trials"], session.tables["pulses"]
        valve = session.lines.index("valve_left")
        assert one["trials_ul"] == pytest.approx(trials["volume_ul"].sum())
        assert one["water_ul"] == pytest.approx(one["trials_ul"] + one["outside_ul"])
        here = pulses["line"] == valve
        line = one["lines"]["valve_left"]
        assert (line["kind"], line["pulses"]) == ("valve", int(here.sum()))
        assert line["volume_ul"] == pytest.approx(float(pulses["volume_ul"][here].sum()))
        assert line["on_ms"] == pytest.approx(pulses["width_us"][here].sum() / 1e3)
        puffs = int((pulses["line"] == session.lines.index("puff")).sum())
        assert one["puffs"] == puffs
        assert ("puff" in one["lines"]) == (puffs > 0)


def test_top_ups_of_the_valve_are_told_from_what_was_asked_for_by_hand(rehearsed):
    first, by_hand, aborted, also_by_hand = told(open_source(rehearsed))["sessions"]
    assert [one["events"]["free_reward"] for one in (first, by_hand)] == [1, 2]
    assert first["top_ups"] == round((first["outside_ul"] - 4.0) / 4.0) > 0
    assert first["by_hand_ul"] == 0
    for one in (by_hand, also_by_hand):
        assert one["top_ups"] == 0
        assert one["by_hand_ul"] == pytest.approx(120.0 - one["water_ul"])
    # an abort leaves no time for the valve: what is missing is asked for by hand there as well
    assert aborted["events"]["aborted"] == 1
    assert aborted["top_ups"] == 0
    assert aborted["by_hand_ul"] == pytest.approx(120.0 - aborted["water_ul"])


def test_minutes_go_from_the_sessions_start_to_its_end(tmp_path):
    frames = [event("session_started", 2 * S), trial(60 * S), event("session_ended", 122 * S, 1.0)]
    source = sessions(tmp_path / "e", {"frames": frames}, {"frames": frames[:2]}, {"frames": []})
    found = [(one["minutes"], one["ended"]) for one in told(source)["sessions"]]
    assert found == [(2.0, True), (58 / 60, False), (0.0, False)]


def test_what_was_found_later_belongs_to_the_session_before(tmp_path):
    """A kill: three pulses that only the device counted are read when the next session begins."""
    begun, ended = event("session_started"), event("session_ended", 9 * S, 1.0)
    lost = [("valve", 4.0), ("puff", NAN), ("valve", 3.0)]
    written = [
        {"frames": [begun, trial(S, [("valve", 5.0)])], "began_ns": at(4), "status": "running"},
        {
            "frames": [begun, trial(S, [("valve", 6.0)]), ended],
            "began_ns": at(4, 12),
            "subject": "m2",
        },
        {
            "frames": [
                event("reconciled", 0, 3.0, lost),
                begun,
                event("free_reward", S, 2.0, [("valve", 2.0)]),
                trial(2 * S, [("valve", 1.0)]),
                event("reconciled", 3 * S, 1.0, [("valve", 0.5)], after=0),
                ended,
            ],
            "began_ns": at(5),
        },
    ]
    numbers = told(sessions(tmp_path / "e", *written))
    killed, other, later = numbers["sessions"]
    assert (killed["water_ul"], killed["found_later_ul"], killed["puffs"]) == (12.0, 7.0, 1)
    assert (other["water_ul"], other["puffs"]) == (6.0, 0)
    assert (later["water_ul"], later["outside_ul"], later["puffs"]) == (3.5, 2.5, 0)
    by_day = {(one["subject"], one["day"]): one["water_ul"] for one in numbers["days"]}
    assert by_day == {
        ("m1", "2026-05-04"): 12.0,
        ("m1", "2026-05-05"): 3.5,
        ("m2", "2026-05-04"): 6.0,
    }


@pytest.mark.parametrize("device", [{"id": "d2", "boot_id": 1}, {"id": "d1", "boot_id": 2}])
def test_another_device_or_another_life_of_it_says_nothing_of_the_session_before(tmp_path, device):
    begun = event("session_started")
    found = [event("reconciled", 0, 1.0, [("valve", 4.0)]), begun]
    written = [{"frames": [begun]}, {"frames": found, "device": device}]
    waters = [one["water_ul"] for one in told(sessions(tmp_path / "e", *written))["sessions"]]
    assert waters == [0.0, 4.0]


def day_of_session(tmp_path, frames, **header):
    numbers = told(open_source(write_session(tmp_path / "s", frames, began_ns=at(4), **header)))
    (day,) = numbers["days"]
    return day


ENDED = event("session_ended", 600 * S)


@pytest.mark.parametrize(
    ("frames", "header", "flags"),
    [
        ([trial(S, [("valve", 60.0)]), ENDED], {}, []),
        ([trial(S, [("valve", 100.1)]), ENDED], {}, ["water above the limit"]),
        ([trial(S, [("valve", 10.0)]), ENDED], {}, ["water below the limit"]),
        ([trial(S, [("valve", 10.0)])], {}, []),  # it goes on
        ([trial(S, [("valve", 10.0)]), event("top_up", S, 30.0, after=0), ENDED], {}, []),
        ([trial(S, [("valve", 50.0)] + [("puff", NAN)] * 4), ENDED], {}, ["puffs above the limit"]),
        (
            [trial(S, [("valve", 50.0)]), event("session_ended", 66 * 60 * S)],
            {},
            ["session too long"],
        ),
        ([trial(S, [("valve", 50.0)]), ENDED], {"weight_g": 19.9}, ["weight below the limit"]),
        ([trial(S, [("valve", 50.0)]), ENDED], {"weight_g": 20.1}, []),
        ([trial(S, [("valve", 999.0)]), ENDED], {"limits": {}}, []),
    ],
)
def test_what_is_beyond_a_limit_is_flagged(tmp_path, frames, header, flags):
    assert day_of_session(tmp_path, frames, **header)["flags"] == flags


def test_the_sessions_of_a_day_count_together_and_the_last_says_what_is_missing(tmp_path):
    frames = [
        [trial(S, [("valve", 12.0)]), event("top_up", 2 * S, 28.0, after=0), ENDED],
        [trial(S, [("valve", 13.0)]), event("top_up", 2 * S, 15.0, after=0), ENDED],
    ]
    written = [{"frames": one, "began_ns": at(4, 9 + hour)} for hour, one in enumerate(frames)]
    (day,) = told(sessions(tmp_path / "e", *written))["days"]
    assert (day["water_ul"], day["by_hand_ul"], day["sessions"]) == (25.0, 15.0, 2)
    assert (day["minutes"], day["flags"]) == (20.0, [])


@pytest.mark.parametrize("document", ["no TOML = = ", "name = 1", None, "outputs = 3"])
def test_without_the_rigs_document_water_is_known_and_puffs_are_not(tmp_path, document):
    frames = [trial(S, [("valve", 4.0), ("puff", NAN), ("mystery", NAN)]), ENDED]
    path = write_session(tmp_path / "s", frames, rig_document=document)
    (one,) = told(open_source(path))["sessions"]
    assert (one["water_ul"], one["puffs"]) == (4.0, None)
    assert {name: line["kind"] for name, line in one["lines"].items()} == {
        "valve": None,
        "puff": None,
        "line 99": None,
    }


def test_a_valve_without_a_calibration_is_not_passed_over_in_silence(tmp_path):
    frames = [trial(S, [("valve", NAN), ("valve", 4.0)]), ENDED]
    numbers = told(open_source(write_session(tmp_path / "s", frames)))
    assert numbers["sessions"][0]["unknown_volumes"] == 1
    assert any("1 pulses of valves" in table.note for table in WELFARE.tables(numbers))


def test_trials_without_pulses_and_limits_say_nothing(tmp_path):
    path = write_session(tmp_path / "s", [trial(S)], limits={}, rig_document="")
    assert told(open_source(path)) is None
    assert told(open_source(experiment(tmp_path / "e"))) is None


def test_the_bars_are_the_days_and_the_lines_the_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(welfare, "SHOWN", 2)
    days = 3
    random = np.random.default_rng(0)
    written = []
    for day in range(days):
        for hour, name in enumerate(("m1", "m2")):
            frames = [trial(S, [("valve", float(random.uniform(30, 110)))]), ENDED]
            header = {"weight_g": 22.0 + day / 10} if name == "m1" else {}
            written.append(
                {
                    "name": f"{name}-{day}",
                    "frames": frames,
                    "subject": name,
                    "began_ns": at(4, hour) + day * 86_400 * S,
                    "limits": LIMITS | {"name": name},
                    **header,
                }
            )
    numbers = told(sessions(tmp_path / "e", *written))
    json.dumps(numbers, allow_nan=False)
    first, _ = WELFARE.tables(numbers)
    assert len(first.rows) == 2
    assert "4 more" in first.note
    water, weight = WELFARE.pictures
    with style():
        drawn = figure(water, numbers)
        weights = figure(weight, numbers)
    for axes, name in zip(drawn.axes, ("m1", "m2"), strict=True):
        mine = [one for one in numbers["days"] if one["subject"] == name]
        assert [bar.get_height() for bar in axes.patches] == [one["water_ul"] for one in mine]
        assert [set(line.get_ydata()) for line in axes.lines] == [{100.0}, {40.0}]
    (axes,) = weights.axes
    assert list(axes.lines[0].get_ydata()) == [22.0 + day / 10 for day in range(days)]
    assert set(axes.lines[1].get_ydata()) == {20.0}


def test_a_simulated_animal_has_no_limits_to_draw(rehearsed):
    numbers = told(open_source(rehearsed))
    water = WELFARE.pictures[0]
    for panel in water.panels(numbers):
        with style():
            drawn = figure(water, numbers)
        assert panel["subject"] in {axes.get_title().split(" ")[0] for axes in drawn.axes}
        assert not any(line.get_label() == "most" for axes in drawn.axes for line in axes.lines)
    assert not WELFARE.pictures[1].panels(numbers)


def test_days_are_the_labs_own(tmp_path):
    path = write_session(tmp_path / "s", [ENDED], began_ns=at(4, 0))
    (day,) = told(open_source(path))["days"]
    assert date.fromisoformat(day["day"]) == date(2026, 5, 4)
    path = write_session(tmp_path / "before", [ENDED], began_ns=at(4, 0) - S)
    (day,) = told(open_source(path))["days"]
    assert date.fromisoformat(day["day"]) == date(2026, 5, 4) - timedelta(1)

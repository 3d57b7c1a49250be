"""Events of sessions: counted by kind, what is grave first, the latest ones with their time."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest
from session_stores import S, event, experiment, sessions, trial, write_session

from controller.analysis.record import describe
from controller.analysis.sections.events import EVENTS, LAST, ORDER, kind_name, short
from controller.analysis.source import open_source
from controller.store import SESSION_EVENTS

BEGAN_NS = int(datetime(2026, 5, 4, 9, tzinfo=UTC).timestamp()) * S


def told(source):
    return describe(source, (EVENTS,)).get("events")


@pytest.fixture
def many(tmp_path):
    """Two sessions with all kinds of events, drawn at random."""
    random = np.random.default_rng(0)
    frames = [
        [event(str(random.choice(SESSION_EVENTS)), 7 * S * number) for number in range(count)]
        for count in (40, 12)
    ]
    written = [
        {"frames": one, "began_ns": BEGAN_NS + day * 86_400 * S} for day, one in enumerate(frames)
    ]
    return sessions(tmp_path / "e", *written), frames


def test_every_kind_is_counted_in_each_session(many):
    source, frames = many
    numbers = told(source)
    for found, written in zip(numbers["sessions"], frames, strict=True):
        counted = Counter(SESSION_EVENTS[frame.kind] for frame in written)
        assert found["counts"] == dict(counted)
    for kind, one in numbers["kinds"].items():
        here = [session["counts"].get(kind, 0) for session in numbers["sessions"]]
        assert one == {"count": sum(here), "sessions": sum(count > 0 for count in here)}


def test_what_is_grave_comes_first(many):
    kinds = list(told(many[0])["kinds"])
    assert kinds == [kind for kind in ORDER if kind in kinds]
    assert kinds[0] == "fault"
    assert sorted(ORDER) == sorted(SESSION_EVENTS)


def test_the_latest_events_are_told_with_their_time(many):
    source, frames = many
    last = told(source)["last"]
    assert len(last) == LAST
    written = [("s0", 0, one) for one in frames[0]] + [("s1", 86_400 * S, one) for one in frames[1]]
    for found, (name, later_ns, frame) in zip(last, written[-LAST:], strict=True):
        seconds = (BEGAN_NS + later_ns + frame.t_ns) // S
        assert found["session"] == name
        assert found["kind"] == SESSION_EVENTS[frame.kind]
        assert found["utc"] == f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
        assert (found["trial"], found["value"]) == (None, None)
    first, latest = EVENTS.tables(told(source))
    assert len(first.rows) == len(told(source)["kinds"])
    assert len(latest.rows) == LAST


def test_a_session_without_an_event_has_none(tmp_path):
    source = sessions(tmp_path / "e", {"frames": [trial(S)]})
    numbers = told(source)
    assert (numbers["kinds"], numbers["last"]) == ({}, [])
    assert [table.title for table in EVENTS.tables(numbers)] == ["events of sessions"]


def test_the_trial_after_which_it_was_is_told(tmp_path):
    frames = [trial(S), trial(2 * S), event("note", 3 * S, value=0.5, after=1)]
    path = write_session(tmp_path / "one", frames)
    (last,) = told(open_source(path))["last"]
    assert (last["trial"], last["value"]) == (1, 0.5)


def test_without_sessions_there_is_nothing_to_say(tmp_path):
    assert told(open_source(experiment(tmp_path / "e"))) is None


def test_a_kind_of_a_later_version_keeps_its_number():
    assert kind_name(0) == "session_started"
    assert kind_name(200) == "code 200"


def test_a_sessions_name_is_the_time_that_it_begins_with():
    assert short("2026-05-04T091500Z_m1_2") == "2026-05-04 09:15"
    assert short("mouse_12") == "mouse_12"

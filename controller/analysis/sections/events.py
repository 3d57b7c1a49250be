"""What happened between the trials: every kind of event, counted, and the last ones."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
from jaxtyping import Int64

from controller.analysis.sections.base import Numbers, NumberTable, Section
from controller.analysis.source import SessionSource, Source
from controller.store import SESSION_EVENTS

LAST = 20
FIRST = (
    *("fault", "emergency_stop", "aborted", "limit_reached", "refused", "lease_lost"),
    *("unconfirmed_reward", "reconciled", "clock_stepped", "episode_void", "held", "stop_asked"),
)
"""What somebody has to know comes first, the rest in the order of the schema."""
ORDER = (*FIRST, *(kind for kind in SESSION_EVENTS if kind not in FIRST))


def kinds(session: SessionSource) -> Int64[np.ndarray, " event"]:
    """Return the code of every event of a session, in their order."""
    return session.tables["events"]["kind"].astype(np.int64)


def of_kind(session: SessionSource, kind: str) -> Int64[np.ndarray, " row"]:
    """Return the rows of a session's events of one kind."""
    return np.flatnonzero(kinds(session) == SESSION_EVENTS.index(kind))


def count(session: SessionSource, kind: str) -> int:
    """Return how often something happened in a session."""
    return len(of_kind(session, kind))


def kind_name(code: int) -> str:
    """Return the name of a code, also of one that this version doesn't know."""
    return SESSION_EVENTS[code] if 0 <= code < len(SESSION_EVENTS) else f"code {code}"


def compute(source: Source) -> Numbers | None:
    """Return the counts by session and in all, and the last events."""
    if not source.sessions:
        return None
    sessions = [
        {"name": one.name, "subject": one.subject, "counts": _counts(one)}
        for one in source.sessions
    ]
    happened = {kind for session in sessions for kind in session["counts"]}
    names = [kind for kind in ORDER if kind in happened] + sorted(happened - set(ORDER))
    return {
        "kinds": {
            kind: {
                "count": sum(session["counts"].get(kind, 0) for session in sessions),
                "sessions": sum(kind in session["counts"] for session in sessions),
            }
            for kind in names
        },
        "sessions": sessions,
        "last": list(reversed(list(_last(source.sessions)))),
    }


def _counts(session: SessionSource) -> dict[str, int]:
    codes, counts = np.unique(kinds(session), return_counts=True)
    found = {
        kind_name(code): number
        for code, number in zip(codes.tolist(), counts.tolist(), strict=True)
    }
    return dict(sorted(found.items(), key=lambda pair: _rank(pair[0])))


def _rank(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _last(sessions: tuple[SessionSource, ...]) -> Iterator[dict[str, Any]]:
    """Yield the latest events, the latest first."""
    left = LAST
    for session in reversed(sessions):
        events = session.tables["events"]
        begin = max(0, events.rows - left)
        rows = [events[name][begin:].tolist() for name in ("kind", "t_ns", "trial", "value")]
        for kind, t_ns, trial, value in reversed(list(zip(*rows, strict=True))):
            yield {
                "session": session.name,
                "utc": utc(session.began_ns + t_ns),
                "kind": kind_name(kind),
                "trial": trial if trial >= 0 else None,
                "value": value,
            }
        left -= events.rows - begin
        if left <= 0:
            return


def utc(ns: int) -> str:
    """Write a time of day, ns since 1970, to the second."""
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S")


def short(name: str) -> str:
    """Return a session's name for a narrow table: the time that it begins with, where it does."""
    found = re.match(r"(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)\d\dZ_", name)
    return name if found is None else "{} {}:{}".format(*found.groups())


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show the counts, what is grave first, and the last events."""
    latest = numbers["sessions"][-1]
    yield NumberTable(
        "events of sessions",
        ("event", "in all", "sessions with it", "in the latest"),
        [
            [_words(kind), one["count"], one["sessions"], latest["counts"].get(kind, 0)]
            for kind, one in numbers["kinds"].items()
        ],
        f"n = {len(numbers['sessions'])} sessions; the latest is {latest['name']}",
    )
    if numbers["last"]:
        yield NumberTable(
            "last events",
            ("time (UTC)", "session", "event", "after trial", "value"),
            [
                [one["utc"], short(one["session"]), _words(one["kind"]), one["trial"], one["value"]]
                for one in numbers["last"]
            ],
            "Trials are counted from 0. The words of an event are in the session's journal: "
            "`biasloop bundle`.",
        )


def _words(kind: str) -> str:
    return kind.replace("_", " ")


EVENTS = Section("events", "What happened in the sessions", compute, tables)

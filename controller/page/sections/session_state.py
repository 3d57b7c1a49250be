"""What a rig does now, and what went wrong in its session; the words of events are elsewhere."""

import math
from collections.abc import Iterator
from typing import Any

from controller.analysis.sections.base import Numbers, Section
from controller.analysis.source import SessionSource, Source
from controller.page.rows import day_and_time, last, name_of
from controller.store import SESSION_EVENTS

LOOKED_AT = 2000
MOST = 30
STATES = {
    "session_started": ("running", "running"),
    "episode_started": ("running", "running"),
    "episode_resumed": ("running", "running"),
    "resumed": ("running", "running"),
    "released": ("running", "running"),
    "waiting_for_planner": ("waiting", "waiting for the planner: everything is off"),
    "paused": ("paused", "paused by somebody: everything is off"),
    "held": ("held", "held by a condition of the rig or the subject: everything is off"),
    "stop_asked": ("stopping", "stops after this trial"),
}
"""The last of these events says what a running session does; anything after them is running."""
ENDED = {
    "fault": "ended by a fault of the rig",
    "failed": "ended by a failure",
    "emergency": "ended by an emergency stop",
    "held": "ended while something held it",
    "killed": "its process was killed: look whether the rig is off",
    "limit": "ended at a limit of the animal",
    "aborted": "aborted by somebody",
    "stopped": "stopped by somebody",
    "time": "ended: its minutes are over",
    "trials": "ended: all of its trials are done",
    "episode": "ended: the next candidate gets another subject",
    "no_slot": "ended: there was nothing to run",
    "finished": "ended: the experiment is finished",
}
GRAVE = {
    "fault": "fault",
    "emergency_stop": "emergency stop",
    "aborted": "aborted",
    "held": "held",
    "limit_reached": "a limit of the animal was reached",
    "refused": "an instruction was refused",
    "lease_lost": "the slot was lost to another session",
    "unconfirmed_reward": "a reward wasn't confirmed by the board",
    "clock_stepped": "the computer's clock was set",
    "episode_void": "an episode is void and will be run again",
}
"""What somebody should hear of, in words."""
BAD = frozenset(["fault", "failed", "emergency", "held", "killed"])


def compute(source: Source) -> Numbers | None:
    """Return state, faults and place of the last session; times are seconds since its start."""
    if source.kind != "session" or not source.sessions:
        return None
    session = source.sessions[-1]
    happened = list(_events(session))
    state, words = _state(session, happened)
    problems = [one for one in map(_problem, happened) if one is not None]
    return {
        "name": session.name,
        "subject": session.subject,
        "rig": session.header.get("rig"),
        "origin": source.origin,
        "began": day_and_time(session.began_ns),
        "exit_status": session.exit_status,
        "state": state,
        "words": words,
        "bad": state in BAD or any(not one["safe"] for one in problems),
        "problems": problems[::-1][:MOST],
        "problem_count": len(problems),
        "trials": session.tables["trials"].rows,
        "episodes": sum(one["kind"] == "episode_done" for one in happened),
    }


def _events(session: SessionSource) -> Iterator[dict[str, Any]]:
    events = session.tables["events"]
    columns = [last(events, name, LOOKED_AT).tolist() for name in ("kind", "t_ns", "value")]
    for code, t_ns, value in zip(*columns, strict=True):
        known = 0 <= code < len(SESSION_EVENTS)
        kind = SESSION_EVENTS[code] if known else name_of(SESSION_EVENTS, code)
        yield {"kind": kind, "t_s": round(t_ns / 1e9, 1), "value": value}


def _state(session: SessionSource, happened: list[dict[str, Any]]) -> tuple[str, str]:
    if session.exit_status != "running":
        status = session.exit_status
        return status, ENDED.get(status, f"ended: {status}")
    latest = next((one for one in reversed(happened) if one["kind"] in STATES), None)
    if latest is None:
        return "running", "running"
    t_ns = last(session.tables["trials"], "t_ns", 1)
    if latest["kind"] == "waiting_for_planner" and len(t_ns) and t_ns[0] / 1e9 > latest["t_s"]:
        return "running", "running"
    return STATES[latest["kind"]]


def _problem(event: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an event says to somebody who watches; None where it is no worry."""
    kind, value = event["kind"], event["value"]
    if kind == "made_safe" and not value:
        words = "NOT SAFE: outputs couldn't be shown to be off; cut the valves' power and look"
        return {"t_s": event["t_s"], "words": words, "safe": False}
    if kind not in GRAVE:
        return None
    words = GRAVE[kind]
    if kind == "clock_stepped" and math.isfinite(value):
        words += f" by {value:+.1f} s"
    return {"t_s": event["t_s"], "words": words, "safe": True}


SESSION_STATE = Section("session", "The session", compute)

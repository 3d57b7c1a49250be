"""What each animal got and went through: water, air puffs, time, weight, and its limits.

A session belongs to the day on which it began. What a device had delivered before a session and
nobody had written down is in that session's pulses but counts to the animal's session before.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from controller.analysis.sections import events
from controller.analysis.sections.base import Numbers, NumberTable, Picture, Section
from controller.analysis.sections.pulses import NEAR, given
from controller.analysis.source import SessionSource, Source
from controller.session.clock import day_of

SHOWN = 20
"""So many days and sessions, the latest ones, have a row of a table."""
ROUNDING_UL = 1e-3
GRACE_MINUTES = 5.0
"""A session that has to end still ends its trial, and tops up."""
UNLIMITED = 1e8
"""A limit that is larger is none: that of a simulated animal."""
DAYS_LAST = ("puffs", "weight (g)", "beyond limits")
SESSIONS_LAST = ("found later (µl)", "free rewards", "top-ups", "puffs", "ended")
COUNTED = (
    *("free_reward", "refused", "fault", "limit_reached", "emergency_stop", "aborted"),
    *("unconfirmed_reward", "reconciled"),
)


def compute(source: Source) -> Numbers | None:
    """Return what each session gave, and each animal's days; None without pulses and limits."""
    if not any(one.tables["pulses"].rows or one.header.get("limits") for one in source.sessions):
        return None
    sessions: list[dict[str, Any]] = []
    for session in source.sessions:
        sessions.append({**_about(session), **given(session)})
        _count_earlier(sessions)
    days: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in sessions:
        days.setdefault((one["subject"], one["day"]), []).append(one)
    return {"sessions": sessions, "days": [_day(found) for _, found in sorted(days.items())]}


def _about(session: SessionSource) -> dict[str, Any]:
    """Return whose session it was, how long it took, and what happened in it."""
    header, limits = session.header, session.header.get("limits") or {}
    weight_g, baseline_g = header.get("weight_g"), limits.get("baseline_weight_g")
    device = header.get("device") or {}
    minutes, ended = _minutes(session)
    return {
        "name": session.name,
        "subject": session.subject,
        "day": day_of(session.began_ns).isoformat(),
        "device": [device.get("id"), device.get("boot_id")],
        "minutes": minutes,
        "ended": ended,
        "weight_g": weight_g,
        "weight_fraction": weight_g / baseline_g if weight_g and baseline_g else None,
        "limits": dict(limits),
        "events": {kind: events.count(session, kind) for kind in COUNTED},
    }


def _minutes(session: SessionSource) -> tuple[float, bool]:
    """Return how long it took, to its last sign of life where nobody wrote down its end."""
    t_ns = session.tables["events"]["t_ns"]
    starts = events.of_kind(session, "session_started")
    ends = events.of_kind(session, "session_ended")
    begin = int(t_ns[starts[0]]) if len(starts) else 0
    if len(ends):
        last = int(t_ns[ends[-1]])
    else:
        trials = session.tables["trials"]["t_ns"]
        last = max(int(one[-1]) for one in (t_ns, trials, [begin]) if len(one))
    return (last - begin) / 60e9, bool(len(ends))


def _count_earlier(sessions: list[dict[str, Any]]) -> None:
    """Move what the last session found that was delivered before it to where it belongs.

    That is the animal's session before on the same device, if its board hasn't been started anew;
    where there is none here it stays.
    """
    last = sessions[-1]
    same = ("subject", "device")
    before = [one for one in sessions[:-1] if all(one[key] == last[key] for key in same)]
    if not before or not (last["before_ul"] or last["before_puffs"]):
        return
    last["water_ul"] -= last["before_ul"]
    last["outside_ul"] -= last["before_ul"]
    before[-1]["water_ul"] += last["before_ul"]
    before[-1]["found_later_ul"] += last["before_ul"]
    if last["puffs"] is not None and before[-1]["puffs"] is not None:
        last["puffs"] -= last["before_puffs"]
        before[-1]["puffs"] += last["before_puffs"]


def _day(sessions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an animal's day, and whether it was within the limits of its last session."""
    last = sessions[-1]
    puffs = [one["puffs"] for one in sessions if one["puffs"] is not None]
    weights = [one["weight_g"] for one in sessions if one["weight_g"] is not None]
    hands = [one["by_hand_ul"] for one in sessions]
    day = {
        "subject": last["subject"],
        "day": last["day"],
        "sessions": len(sessions),
        "minutes": sum(one["minutes"] for one in sessions),
        "longest_minutes": max(one["minutes"] for one in sessions),
        "water_ul": sum(one["water_ul"] for one in sessions),
        # each session's end says what is missing to the whole day's least
        "by_hand_ul": hands[-1],
        "puffs": sum(puffs) if puffs else None,
        "weight_g": weights[-1] if weights else None,
        "over": last["ended"],
        "limits": last["limits"],
    }
    return {**day, "flags": list(_flags(day))}


def _flags(day: Mapping[str, Any]) -> Iterable[str]:
    """Yield what was beyond a limit; less than the least is none while the session goes on."""
    limits: Mapping[str, Any] = day["limits"]
    most, least = limits.get("water_max_ul", np.inf), limits.get("water_min_ul", 0.0)
    if day["water_ul"] > most + ROUNDING_UL:
        yield "water above the limit"
    if day["over"] and day["water_ul"] + day["by_hand_ul"] < least * (1 - NEAR):
        yield "water below the limit"
    if (day["puffs"] or 0) > limits.get("puffs_max", np.inf):
        yield "puffs above the limit"
    if day["longest_minutes"] > limits.get("minutes_max", np.inf) + GRACE_MINUTES:
        yield "session too long"
    lightest = _lightest_g(limits)
    if day["weight_g"] is not None and lightest is not None and day["weight_g"] < lightest:
        yield "weight below the limit"


def _lightest_g(limits: Mapping[str, Any]) -> float | None:
    """Return the weight below which an animal isn't run."""
    if "baseline_weight_g" not in limits or "min_weight_fraction" not in limits:
        return None
    return limits["baseline_weight_g"] * limits["min_weight_fraction"]


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show the animals' days, and what each session gave."""
    days, sessions = numbers["days"][-SHOWN:], numbers["sessions"][-SHOWN:]
    yield NumberTable(
        "days",
        ("subject", "day", "minutes", "water (µl)", "by hand (µl)", "limits (µl)", *DAYS_LAST),
        [
            [
                *(day[key] for key in ("subject", "day", "minutes", "water_ul")),
                day["by_hand_ul"] or None,
                _range(day["limits"]),
                *(day[key] for key in ("puffs", "weight_g")),
                ", ".join(day["flags"]),
            ]
            for day in days
        ],
        "A session belongs to the day, by this computer's time zone, on which it began. By hand: "
        "asked for at the last session's end. Only what this folder's sessions gave is here; the "
        "lab's ledgers have every pulse of every experiment." + _rest(numbers["days"], "days"),
    )
    yield NumberTable(
        "water and puffs of sessions",
        ("session (UTC)", "subject", "in trials (µl)", "outside (µl)", *SESSIONS_LAST),
        [
            [
                events.short(one["name"]),
                *(one[key] for key in ("subject", "trials_ul", "outside_ul")),
                one["found_later_ul"] or None,
                one["events"]["free_reward"],
                *(one[key] for key in ("top_ups", "puffs", "ended")),
            ]
            for one in sessions
        ],
        "Outside: free rewards, top-ups by the valve, and what came out in a trial that wasn't "
        "completed. Found later: delivered, but only counted by the device; read from it when the "
        "next session began." + _rest(numbers["sessions"], "sessions") + _unknown(sessions),
    )


def _range(limits: Mapping[str, Any]) -> str | None:
    """Write the least and the most water of a day; None where there are no limits to speak of."""
    least, most = limits.get("water_min_ul"), limits.get("water_max_ul")
    if least is None or most is None or most >= UNLIMITED:
        return None
    return f"{least:,.0f}–{most:,.0f}"


def _rest(rows: list[Any], what: str) -> str:
    left = len(rows) - SHOWN
    return f" The latest {SHOWN} {what}; {left} more are in the numbers." if left > 0 else ""


def _unknown(sessions: list[Any]) -> str:
    count = sum(one["unknown_volumes"] for one in sessions)
    return f" {count} pulses of valves without a calibration are NOT in the water." if count else ""


def _by_subject(numbers: Numbers) -> list[dict[str, Any]]:
    """Return a panel for each animal, with its days in order."""
    return [
        {"subject": subject, "days": [one for one in numbers["days"] if one["subject"] == subject]}
        for subject in sorted({one["subject"] for one in numbers["days"]})
    ]


def _weighed(numbers: Numbers) -> list[dict[str, Any]]:
    """Return a panel for each animal whose weight is known."""
    panels = [
        {**one, "days": [day for day in one["days"] if day["weight_g"] is not None]}
        for one in _by_subject(numbers)
    ]
    return [one for one in panels if one["days"]]


WELFARE = Section(
    "welfare",
    "Water, air puffs and weight",
    compute,
    tables,
    (
        Picture(
            "water",
            "Water of each day by the valves, above it what was asked for by hand; lines are the "
            "animal's limits where it has any.",
            "controller.analysis.plots.welfare:water",
            _by_subject,
            across=2,
        ),
        Picture(
            "weight",
            "Weight before each day's last session; the line is the weight below which the animal "
            "isn't run.",
            "controller.analysis.plots.welfare:weight",
            _weighed,
            across=2,
        ),
    ),
)

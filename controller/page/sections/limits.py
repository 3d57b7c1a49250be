"""What is left of a session and of a subject's day: minutes, trials, water, air puffs."""

from typing import Any

import numpy as np

from controller.analysis.sections.base import Numbers, Section
from controller.analysis.source import SessionSource, Source
from controller.page.rows import last, rounded
from controller.session.clock import day_began_ns, day_of
from controller.session.unlimited import NEVER_TOO_MUCH

PUFF = "puff"


def compute(source: Source) -> Numbers | None:
    """Return what was used and the most there may be, None where nothing limits it.

    A day's water is that of the source's sessions: what other experiments gave isn't in it.
    """
    if source.kind != "session" or not source.sessions:
        return None
    session = source.sessions[-1]
    limits = session.header.get("limits") or {}
    section = source.document.get("session") or {}
    now_ns = moment_ns(session)
    today = _today(source, now_ns)
    longest = [
        most for most in (section.get("minutes"), limits.get("minutes_max")) if most is not None
    ]
    return {
        "minutes": {
            "used": rounded((now_ns - session.began_ns) / 60e9, 1),
            "most": _limit(min(longest, default=None)),
        },
        "trials": {"used": session.tables["trials"].rows, "most": section.get("trials")},
        "water": {
            "used_ul": rounded(sum(_water_ul(one, now_ns) for one in today), 1),
            "least_ul": limits.get("water_min_ul"),
            "most_ul": _limit(limits.get("water_max_ul")),
            "day": day_of(now_ns).isoformat(),
            "sessions": len(today),
        },
        "puffs": {
            "used": sum(_puffs(one, now_ns) for one in today),
            "most": _limit(limits.get("puffs_max")),
        },
    }


def moment_ns(session: SessionSource) -> int:
    """Return the last moment that a session's tables know, ns since 1970."""
    ends = [last(session.tables[name], "t_ns", 1) for name in ("trials", "events")]
    return session.began_ns + max((int(end[0]) for end in ends if len(end)), default=0)


def _today(source: Source, now_ns: int) -> list[SessionSource]:
    """Return the subject's sessions of the calendar day on which the last one is now."""
    since_ns, subject = day_began_ns(now_ns), source.sessions[-1].subject
    return [one for one in source.sessions if one.subject == subject and moment_ns(one) >= since_ns]


def _is_today(session: SessionSource, now_ns: int) -> np.ndarray:
    """Say of each pulse whether it was on this day; those between trials count as of today."""
    pulses = session.tables["pulses"]
    of = pulses["trial"].astype(np.int64)
    if session.began_ns >= day_began_ns(now_ns):
        return np.ones(len(of), bool)
    t_ns = session.began_ns + session.tables["trials"]["t_ns"]
    late = t_ns >= day_began_ns(now_ns)
    return (of < 0) | np.append(late, True)[of]


def _water_ul(session: SessionSource, now_ns: int) -> float:
    volume_ul = session.tables["pulses"]["volume_ul"]
    return float(np.nansum(volume_ul[_is_today(session, now_ns)]))


def _puffs(session: SessionSource, now_ns: int) -> int:
    lines = [code for code, name in enumerate(session.lines) if name.startswith(PUFF)]
    line = session.tables["pulses"]["line"]
    return int(np.sum(np.isin(line, lines) & _is_today(session, now_ns)))


def _limit(most: Any) -> Any:
    return None if most is None or most >= NEVER_TOO_MUCH else most


LIMITS = Section("limits", "What is left", compute)

"""When sessions were: days since the first one or, where nobody wrote that down, their order."""

from datetime import UTC, datetime

from controller.analysis.source import SessionSource, Source

DAY_NS = 86_400 * 10**9


def dated(source: Source) -> bool:
    """Say whether it is known of all sessions when they began."""
    return all(session.began_ns > 0 for session in source.sessions)


def day_axis(source: Source) -> str:
    """Name what `session_days` counts."""
    return "day of the experiment" if dated(source) else "session"


def session_days(source: Source) -> list[float]:
    """Return each session's place in time, from 1."""
    if not dated(source):
        return [place + 1.0 for place in range(len(source.sessions))]
    first = min((session.began_ns for session in source.sessions), default=0)
    return [1 + (session.began_ns - first) / DAY_NS for session in source.sessions]


def session_time(session: SessionSource) -> str:
    """Write when a session began, UTC; its name where nobody wrote that down."""
    if session.began_ns <= 0:
        return session.name
    return datetime.fromtimestamp(session.began_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M")

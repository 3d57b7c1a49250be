"""Findings of what happened at the rig: an animal's limits, how sessions ended, faults."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from controller.analysis.finding import Finding, numbers_of
from controller.analysis.record import Record

BAD_SESSION = {
    "fault": "ended with a fault of the rig",
    "failed": "failed",
    "emergency": "ended in an emergency stop",
    "held": "held and not released",
    "killed": "killed",
    "limit": "ended because a limit of the animal was reached",
    "aborted": "aborted",
    "running": "still running",
}
EVENTS = {
    "fault": "fault of the rig",
    "emergency_stop": "emergency stop",
    "limit_reached": "limit reached",
    "refused": "refused command",
    "lease_lost": "lost lease",
    "unconfirmed_reward": "reward that the device didn't confirm",
    "clock_stepped": "step of the computer's clock",
    "episode_void": "void episode",
}


def _sessions(record: Record) -> Iterator[Finding]:
    sessions = numbers_of(record, "origin").get("sessions", [])
    for status, words in BAD_SESSION.items():
        names = [str(one["name"]) for one in sessions if one.get("exit_status") == status]
        if names:
            yield Finding(f"{words}: {_listed('session', names)}", "origin", grave=False)


def _limits(record: Record) -> Iterator[Finding]:
    """Name each animal's days on which it was beyond a limit."""
    days: dict[tuple[str, str], list[str]] = {}
    for day in numbers_of(record, "welfare").get("days", []):
        for flag in day.get("flags", []):
            days.setdefault((str(day["subject"]), str(flag)), []).append(str(day["day"]))
    for (subject, flag), found in days.items():
        yield Finding(f"{subject}: {flag} on {_some(found)}", "welfare")


def _water_unknown(record: Record) -> Iterator[Finding]:
    sessions = numbers_of(record, "welfare").get("sessions", [])
    if count := sum(one.get("unknown_volumes") or 0 for one in sessions):
        words = f"{count} pulses of valves without a calibration are NOT in the water"
        yield Finding(words, "welfare")


def _events(record: Record) -> Iterator[Finding]:
    kinds = numbers_of(record, "events").get("kinds", {})
    for kind, words in EVENTS.items():
        if count := kinds.get(kind, {}).get("count"):
            where = f"in {kinds[kind]['sessions']} session{'s' * (kinds[kind]['sessions'] > 1)}"
            yield Finding(f"{count} × {words}, {where}", "events", grave=False)


def _timing(record: Record) -> Iterator[Finding]:
    sessions = numbers_of(record, "timing").get("sessions", [])
    for key, words in (
        ("dropped_frames", "frames dropped before stimuli"),
        ("missing_events", "events of the device missing"),
    ):
        if count := sum(one.get(key, {}).get("sum") or 0 for one in sessions):
            yield Finding(f"{count} {words}", "timing", grave=False)


def _listed(what: str, names: Sequence[str]) -> str:
    return f"{what}{'s' * (len(names) > 1)} {_some(names)}"


def _some(names: Sequence[str], most: int = 3) -> str:
    """Name the first of a kind: "a, b and 4 more"."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


RULES: tuple[Callable[[Record], Iterable[Finding]], ...] = (
    _limits,
    _water_unknown,
    _sessions,
    _events,
    _timing,
)
"""What concerns an animal's health first."""

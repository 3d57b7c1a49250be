"""How an experiment stands, on one screen: nothing is computed here, and nothing JAX is loaded."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from controller.analysis.record import Record
from controller.analysis.sections.events import EVENTS, FIRST
from controller.analysis.sections.origin import ORIGIN
from controller.analysis.sections.progress import PROGRESS
from controller.analysis.sections.welfare import WELFARE

SHOWN = (ORIGIN, PROGRESS, WELFARE, EVENTS)
"""The sections that it is made of."""
SUBJECTS = 8
EVENTS_SHOWN = 5
ROUTINE = frozenset(["episode_started", "episode_done", "episode_resumed"])
GRAVE = frozenset(FIRST[:5])
ALARMING = frozenset(["killed", "failed", "fault", "emergency", "aborted", "limit", "held"])


def standing(record: Record) -> RenderableType:
    """Return one screen of at most 24 rows.

    Args:
        record: of the sections `SHOWN`.
    """
    return Group(*_lines(record))


def _lines(record: Record) -> Iterator[Text]:
    origin = record["origin"]
    yield Text(f"{origin['name']} · {origin['origin_words']}", "bold")
    for problem in origin["problems"]:
        yield Text(f"  ! {problem}", "bold red")
    progress = record.get("progress")
    if progress is not None:
        yield from _progress(progress)
    if "welfare" in record:
        yield from _animals(record["welfare"])
    if "events" in record:
        yield from _events(record["events"])
    if progress is not None:
        yield Text(f"next        {progress['next']}", "bold")


def _progress(numbers: Mapping[str, Any]) -> Iterator[Text]:
    yield _status("status", numbers["exit_status"])
    if "arm" in numbers:
        count, done = numbers["stages"], numbers["stages_finished"]
        where = (
            f"{count} of {count} stages are finished"
            if done == count
            else f"stage {done + 1} of {count}, generation {numbers['generation']} of "
            f"{numbers['generations']}"
        )
        who = "control, which asks no learner: " if numbers["arm"] == "control" else ""
        yield Text(f"search      {who}{where}")
        yield Text(f"told        {numbers['trials']:,} trials of complete generations")
    last = numbers["last_session"]
    if last is None:
        return
    yield Text(f"sessions    {numbers['sessions']} with {numbers['session_trials']:,} trials")
    words = f"{last['subject']}, {last['trials']:,} trials, until {last['last_trial'] or '–'}: "
    yield _status("the last", last["exit_status"], words)


def _status(name: str, exit_status: str, before: str = "") -> Text:
    style = "bold red" if exit_status in ALARMING else ""
    return Text(f"{name:<12}{before}").append(exit_status, style)


def _animals(numbers: Mapping[str, Any]) -> Iterator[Text]:
    """Yield each animal's latest day."""
    latest = {day["subject"]: day for day in numbers["days"]}
    for number, day in enumerate(list(latest.values())[-SUBJECTS:]):
        line = Text(f"{'water' if number == 0 else '':<12}{day['subject']}, {day['day']}: ")
        line.append(f"{day['water_ul']:,.0f} µl")
        if day["by_hand_ul"]:
            line.append(f", {day['by_hand_ul']:,.0f} µl to be given by hand", "bold yellow")
        if day["puffs"]:
            line.append(f", {day['puffs']} puffs")
        if day["weight_g"] is not None:
            line.append(f", {day['weight_g']:g} g")
        line.append(f", {day['minutes']:.0f} min")
        for flag in day["flags"]:
            line.append(f"; {flag}", "bold red")
        yield line


def _events(numbers: Mapping[str, Any]) -> Iterator[Text]:
    told = [one for one in numbers["last"] if one["kind"] not in ROUTINE]
    for number, one in enumerate(reversed(told[-EVENTS_SHOWN:])):
        style = "bold red" if one["kind"] in GRAVE else ""
        words = one["kind"].replace("_", " ")
        yield Text(f"{'events' if number == 0 else '':<12}{one['utc']} UTC  ").append(words, style)

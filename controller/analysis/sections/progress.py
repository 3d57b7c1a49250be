"""How far an experiment is: stages, generations, trials, and what to do next."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from controller.analysis.sections.base import Numbers, NumberTable, Section
from controller.analysis.source import SessionSource, Source
from controller.arms import CONTROL_ARM, LEARNER_ARM

GO_ON = frozenset(["interrupted", "killed", "failed", "created", "stopped"])


def compute(source: Source) -> Numbers | None:
    """Return what is done, of how much, and the command that goes on; None for imported trials."""
    if source.origin == "imported":
        return None
    search = _search(source) if source.tables else {}
    return {
        "exit_status": source.exit_status,
        **search,
        "sessions": len(source.sessions),
        "session_trials": sum(one.tables["trials"].rows for one in source.sessions),
        "last_session": _last(source.sessions[-1]) if source.sessions else None,
        "next": _next(source),
    }


def _search(source: Source) -> dict[str, Any]:
    """Return the place that the searches have reached: the learner's first, then the control's.

    Numbers of stages and generations are counted from 1; a generation is 0 before its first end.
    """
    generations, stages = source.tables["generations"], source.tables["stages"]
    section = source.document.get("stages", {})
    arms = generations["arm"]
    arm = CONTROL_ARM if (arms == CONTROL_ARM).any() else LEARNER_ARM
    finished = int(np.sum(stages["arm"] == arm))
    under_way = (arms == arm) & (generations["stage"] == finished)
    trials = generations["trials"]
    return {
        "arm": "control" if arm == CONTROL_ARM else "learner",
        "stages_finished": finished,
        "stages": section.get("count"),
        "generation": int(np.sum(under_way)),
        "generations": section.get("generations"),
        "trials": int(trials[arms == LEARNER_ARM].sum()),
    }


def _last(session: SessionSource) -> dict[str, Any]:
    trials = session.tables["trials"]
    last_ns = session.began_ns + int(trials["t_ns"][-1]) if trials.rows else None
    return {
        "name": session.name,
        "subject": session.subject,
        "rig": session.header.get("rig"),
        "exit_status": session.exit_status,
        "trials": trials.rows,
        "last_trial": None if last_ns is None else _utc(last_ns),
    }


def _utc(ns: int) -> str:
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _next(source: Source) -> str:
    """Return what somebody can do now."""
    if source.kind == "session":
        return f"biasloop analyse {source.folder}"
    running = source.exit_status == "running" or any(
        one.exit_status == "running" for one in source.sessions
    )
    if running:
        return f"biasloop serve {source.folder}"
    if source.exit_status not in GO_ON:
        return f"biasloop analyse {source.folder}"
    if source.origin == "simulated":
        return f"biasloop resume {source.folder}"
    if source.origin == "emulated":
        return (
            f"biasloop dryrun {source.folder / 'experiment.toml'} --rig RIG --out {source.folder}"
        )
    return (
        f"biasloop run {source.folder / 'experiment.toml'} --rig RIG --subject NAME "
        f"--out {source.folder}"
    )


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show one row for each question."""
    rows: list[tuple[str, Any]] = [("status", numbers["exit_status"])]
    if "arm" in numbers:
        rows += [
            ("search", numbers["arm"]),
            ("stages finished", f"{numbers['stages_finished']} of {numbers['stages']}"),
            *_place(numbers),
            ("trials of complete generations", numbers["trials"]),
        ]
    if (last := numbers["last_session"]) is not None:
        rows += [
            ("sessions", numbers["sessions"]),
            ("trials in sessions", numbers["session_trials"]),
            ("last session", f"{last['name']}: {last['trials']:,} trials, {last['exit_status']}"),
            ("last trial", last["last_trial"]),
        ]
    rows.append(("next", numbers["next"]))
    yield NumberTable("progress", ("", "how far it is"), rows)


def _place(numbers: Numbers) -> Iterable[tuple[str, Any]]:
    """Yield the generation of a search that isn't over."""
    if numbers["stages_finished"] != numbers["stages"]:
        yield "generation", f"{numbers['generation']} of {numbers['generations']}"


PROGRESS = Section("progress", "How far it is", compute, tables)

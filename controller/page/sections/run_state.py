"""What an experiment as a whole does now, and what went wrong in its search."""

from typing import Any

import numpy as np

from controller.analysis.sections.base import Numbers, Section
from controller.analysis.sections.origin import WORDS
from controller.analysis.source import Source
from controller.page.rows import day_and_time, last, name_of
from controller.store import EVENT_KINDS

LOOKED_AT = 2000
ENDED = {
    "killed": "its process was killed; `biasloop resume` or the next session goes on",
    "failed": "it failed",
    "interrupted": "it was interrupted and can go on",
    "finished": "finished",
}
BAD = frozenset(["killed", "failed"])
FAILURES = {"run_failed": "the run failed", "slot_failed": "candidates that failed"}


def compute(source: Source) -> Numbers:
    """Return what headers and events say."""
    return {
        "name": source.name,
        "kind": source.kind,
        "origin": source.origin,
        "origin_words": WORDS.get(source.origin, source.origin),
        "exit_status": source.exit_status,
        "words": ENDED.get(source.exit_status, source.exit_status),
        "bad": source.exit_status in BAD,
        "began": day_and_time(int(source.header.get("created_ns", 0))),
        "subjects": sorted({session.subject for session in source.sessions}),
        "sessions": len(source.sessions),
        "trials": _trials(source),
        "problems": [*_failures(source), *source.problems],
    }


def _trials(source: Source) -> int:
    if source.sessions:
        return sum(one.tables["trials"].rows for one in source.sessions)
    return source.tables["trials"].rows


def _failures(source: Source) -> list[Any]:
    if "events" not in source.tables:
        return []
    kinds, counts = np.unique(last(source.tables["events"], "kind", LOOKED_AT), return_counts=True)
    found = {
        name_of(EVENT_KINDS, kind).replace(" ", "_"): count
        for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True)
    }
    return [f"{words}: {found[kind]}" for kind, words in FAILURES.items() if kind in found]


RUN_STATE = Section("run", "The experiment", compute)

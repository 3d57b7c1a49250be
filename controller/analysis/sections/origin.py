"""Where the numbers of a store come from: what was run, with which software, and how it ended."""

from collections.abc import Iterable
from datetime import UTC, datetime

from controller.analysis.sections.base import Numbers, NumberTable, Section
from controller.analysis.source import Source

WORDS = {
    "simulated": "a simulated learner",
    "emulated": "a simulated animal on an EMULATED rig: no animal was there",
    "simavr": "a simulated animal on an EMULATED board: no animal was there",
    "animal": "an animal",
    "imported": "somebody else's trials, imported",
}


def compute(source: Source) -> Numbers:
    """Return what the headers say."""
    header = source.header
    return {
        "name": source.name,
        "folder": source.folder.name,
        "kind": source.kind,
        "origin": source.origin,
        "origin_words": WORDS.get(source.origin, source.origin),
        "exit_status": source.exit_status,
        "began": _utc(int(header.get("created_ns", 0))),
        "seed": header.get("seed"),
        "control": header.get("control"),
        "document_sha256": header.get("document_sha256"),
        "python": header.get("python"),
        "versions": dict(header.get("versions", {})),
        "subjects": sorted({session.subject for session in source.sessions}),
        "sessions": [
            {
                "name": session.name,
                "subject": session.subject,
                "rig": session.header.get("rig"),
                "began": _utc(session.began_ns),
                "exit_status": session.exit_status,
                "trials": session.tables["trials"].rows,
                "firmware": session.header.get("device", {}).get("firmware"),
            }
            for session in source.sessions
        ],
        "problems": list(source.problems),  # and what `describe` meets
    }


def _utc(ns: int) -> str | None:
    if ns <= 0:
        return None
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def tables(numbers: Numbers) -> Iterable[NumberTable]:
    """Show what was read, and its sessions."""
    versions = ", ".join(f"{name} {number}" for name, number in numbers["versions"].items())
    rows = [
        ["answers are from", numbers["origin_words"]],
        ["began", numbers["began"]],
        ["ended", numbers["exit_status"]],
        ["seed", numbers["seed"]],
        ["document (sha256)", numbers["document_sha256"]],
        ["software", f"Python {numbers['python']}, {versions}"],
    ]
    yield NumberTable("store", ("", numbers["name"]), [row for row in rows if row[1] is not None])
    if numbers["sessions"]:
        yield NumberTable(
            "sessions",
            ("session", "subject", "rig", "began", "ended", "trials"),
            [
                [one[key] for key in ("name", "subject", "rig", "began", "exit_status", "trials")]
                for one in numbers["sessions"]
            ],
        )


ORIGIN = Section("origin", "Where it comes from", compute, tables)

"""What a file says of itself: whose trials these are, by what, from which document."""

import hashlib
import json
import math
import time
from datetime import UTC, datetime
from typing import Any

from pynwb.device import Device
from pynwb.file import NWBFile, Subject

from controller.analysis.sections.origin import WORDS
from controller.export.content import Part
from controller.export.subject import UNKNOWN_AGE, SubjectFacts

NO_ANIMAL = frozenset(["simulated", "emulated", "simavr"])


def empty_file(part: Part, facts: SubjectFacts) -> NWBFile:
    """Return a file without tables."""
    header = part.header
    return NWBFile(
        session_description=_description(part),
        identifier=identifier(part),
        session_start_time=datetime.fromtimestamp(_began_ns(part) / 1e9, UTC),
        session_id=part.name.replace("/", "-"),
        experiment_description=_experiment(part),
        keywords=["behaviour", "generalisation", "inductive bias", part.origin],
        protocol=part.document or None,
        data_collection=str(header.get("rig_document") or "") or None,
        notes=json.dumps(_notes(part), ensure_ascii=False, sort_keys=True),
        was_generated_by=sorted([str(k), str(v)] for k, v in header.get("versions", {}).items())
        or None,
        subject=subject(part, facts),
        devices=[device(part)] if part.kind == "session" else None,
    )


def identifier(part: Part) -> str:
    """Return what no other session's file has, and every export of this one."""
    told = [part.name, _created_ns(part), part.header.get("document_sha256"), part.origin]
    sha = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    return f"{part.name.replace('/', '-')}-{sha[:16]}"


def subject(part: Part, facts: SubjectFacts) -> Subject:
    """Return whose trials these are."""
    grams = part.header.get("weight_g")
    name = str(part.header.get("subject") or _learner(part))
    return Subject(
        subject_id=name.replace("/", "-"),
        description=f"answers are from {WORDS.get(part.origin, part.origin)}",
        species=facts.species,
        sex=facts.sex,
        age=facts.age or UNKNOWN_AGE,
        weight=f"{grams} g" if isinstance(grams, int | float) and math.isfinite(grams) else None,
    )


def device(part: Part) -> Device:
    """Return the rig, with its board."""
    board = part.header.get("device", {})
    told = ", ".join(f"{name}: {value}" for name, value in board.items())
    fake = "EMULATED; no hardware was there. " if part.origin in NO_ANIMAL else ""
    return Device(
        name=str(part.header.get("rig") or "rig").replace("/", "-"),
        description=f"{fake}the rig and its board; {told or 'nothing more is known'}",
        serial_number=str(board.get("id", "unknown")),
    )


def _description(part: Part) -> str:
    warning = "NO ANIMAL. " if part.origin in NO_ANIMAL else ""
    what = f"the experiment {part.name}"
    if part.kind == "session":
        what = f"session {part.name} of the experiment {part.header.get('experiment', 'unknown')}"
    return (
        f"{warning}Answers are from {WORDS.get(part.origin, part.origin)}. This is {what}. It "
        f"ended: {part.exit_status}.{_about_the_date(part)}"
    )


def _about_the_date(part: Part) -> str:
    if not _created_ns(part):
        return " Its date is unknown; 1970 stands for it."
    if _created_ns(part) > _began_ns(part):
        virtual = datetime.fromtimestamp(_created_ns(part) / 1e9, UTC).isoformat("T", "seconds")
        return f" Its clock said {virtual}, still to come: the time of the export stands for it."
    return ""


def _experiment(part: Part) -> str:
    name = part.header.get("experiment", part.name)
    return (
        f"{name}: a learner is taught a function on some stimuli and asked about others; its "
        "generalisation error guides the search for functions that it finds easy. The field "
        "`protocol` holds the whole document of the experiment."
    )


def _learner(part: Part) -> str:
    return "simulated learner" if part.origin in NO_ANIMAL else f"all subjects of {part.name}"


def _notes(part: Part) -> dict[str, Any]:
    """Return what has no place of its own in a file: all the rest of the header."""
    placed = {"rig_document", "versions"}
    rest = {key: value for key, value in part.header.items() if key not in placed}
    return {"biasloop": rest, "exit_status": part.exit_status, "origin": part.origin}


def _created_ns(part: Part) -> int:
    return max(0, int(part.header.get("created_ns") or 0))


def _began_ns(part: Part) -> int:
    """Return when it began; an emulated rig's clock runs ahead, and NWB takes no date to come."""
    return min(_created_ns(part), time.time_ns())

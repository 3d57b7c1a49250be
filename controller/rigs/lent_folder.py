"""What a rig's computer keeps of one lent session: `LAB/lent/SESSION/`.

order.json       what was ordered; written last, before that nothing was begun
queue.sqlite     its episodes, and what became of them
sessions/        its store, and those of sessions that began some of its episodes
ending.json      how it ended
lock             held by its process
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from controller.rigs.messages import Order
from controller.session.planning import Plan
from controller.session.start import SESSIONS
from controller.session.subjects import SubjectDocument
from controller.store.files import sync_folders, write_atomic
from controller.store.lock import writer_pid
from protocols.session_document import SessionSection

ORDER, ENDING, RETURNED = "order.json", "ending.json", "returned"
STOP = "stop"
"""The queue's note that asks for the end after a trial."""


class LentFolder:
    """The folder of one lent session."""

    def __init__(self, lab: Path, session: str) -> None:
        self.lab, self.session = lab, session
        self.path = lab / "lent" / session

    @property
    def is_begun(self) -> bool:
        """Whether it was ordered here as a whole."""
        return (self.path / ORDER).exists()

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return writer_pid(self.path) is not None

    @property
    def store(self) -> Path:
        """Its store."""
        return self.path / SESSIONS / self.session

    def write_order(self, order: Order) -> None:
        """Make it durable; what is in the queue already is left out."""
        values = {
            "subject": order.subject,
            "plan": asdict(order.plan),
            "limits": dict(order.limits),
            "weight_g": order.weight_g,
            "check": order.check,
            "ordered_ns": order.ordered_ns,
        }
        self._write(ORDER, values)

    def order(self) -> dict[str, Any]:
        """Return what was ordered, its plan as `Plan`, its limits as `SubjectDocument`."""
        values = json.loads((self.path / ORDER).read_text("utf-8"))
        plan = values["plan"]
        # as JSON: what comes as a list there may be a tuple
        section = SessionSection.model_validate_json(json.dumps(plan["session"]))
        plan["session"] = section.model_dump()
        values["limits"] = SubjectDocument.model_validate_json(json.dumps(values["limits"]))
        plan["reference"] = tuple(map(tuple, plan["reference"]))
        return {**values, "plan": Plan(**plan)}

    def write_ending(self, status: str, reason: str) -> None:
        """Say how it ended."""
        self._write(ENDING, {"status": status, "reason": reason})

    def ending(self) -> tuple[str, str] | None:
        """Return how it ended; None where it hasn't, or was killed."""
        try:
            values = json.loads((self.path / ENDING).read_text("utf-8"))
        except FileNotFoundError:
            return None
        return values["status"], values["reason"]

    def _write(self, name: str, values: Mapping[str, Any]) -> None:
        write_atomic(self.path / name, json.dumps(values).encode(), sync=True)
        sync_folders([self.path])


def running_in(lab: Path) -> str | None:
    """Return the session that runs on this computer for this laboratory."""
    for path in sorted((lab / "lent").glob("*")):
        if path.is_dir() and LentFolder(lab, path.name).runs:
            return path.name
    return None

"""What a run came to, as a file beside its store."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from controller.analysis.whole_file import whole_file

State = Literal["finished", "failed", "unfinished"]
"""`failed`: the learner or the document did, and would again. `unfinished`: it can go on."""


@dataclass(frozen=True, slots=True)
class Row:
    """One run."""

    run: str
    state: State = "unfinished"
    reason: str = ""
    """Why it isn't finished, for people."""
    seconds: float = 0.0
    """Spent on it, without attempts that were killed."""
    summary: dict[str, Any] = field(default_factory=dict)
    """What its store says (`controller.analysis.summary`); empty where it says nothing yet."""

    @property
    def final(self) -> bool:
        """Whether there is nothing left to do."""
        return self.state != "unfinished"


def read_row(folder: Path, name: str) -> Row:
    """Return a run's row; an unfinished one where none was written."""
    try:
        said = json.loads(_path(folder, name).read_text("utf-8"))
        return Row(**said)
    except (OSError, ValueError, TypeError):
        return Row(name)


def write_row(folder: Path, row: Row) -> Row:
    """Write a run's row whole, and return it."""
    path = _path(folder, row.run)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(row), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    whole_file(path, lambda partial: partial.write_text(text, encoding="utf-8"))
    return row


def later(row: Row, seconds: float, **changes: Any) -> Row:
    """Return a row after some more seconds."""
    return replace(row, seconds=round(row.seconds + seconds, 3), **changes)


def _path(folder: Path, name: str) -> Path:
    return folder / "rows" / f"{name}.json"

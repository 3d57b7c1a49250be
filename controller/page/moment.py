"""One moment of a store as text that goes to browsers; every number is one of `describe`'s."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from controller.analysis.record import describe, plain
from controller.analysis.sections import SECTIONS
from controller.analysis.sections.base import NumberTable, Section
from controller.analysis.source import Source, open_source
from controller.analysis.terminal import is_number, text
from controller.page.folders import is_store, shown_name
from controller.page.sections import OF_EXPERIMENT, OF_SESSION
from controller.page.sections.run_state import RUN_STATE
from controller.session.clock import day_began_ns
from controller.store import StoreError
from controller.store.fold import read_marker

EARLIER = 8
"""Sessions of one subject and day that are read beside the one that is shown."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the page."""

    text: str
    """JSON."""
    version: str
    """Equal for equal texts, also of another server."""
    failed: bool = False
    """Whether it only says why nothing can be shown."""


def part(numbers: Mapping[str, Any], *, failed: bool = False) -> Part:
    """Write a part of the page."""
    written = json.dumps(numbers, allow_nan=False)
    version = hashlib.blake2b(written.encode(), digest_size=6).hexdigest()
    return Part(written, version, failed)


def of_session(folder: Path, earlier: Iterable[Path] = ()) -> Part:
    """Describe a session.

    Args:
        folder: of the session.
        earlier: those before it, the latest first; of its subject's and day's, the water is added.
    """

    def made(source: Source) -> Part:
        same = [_same_day(path, source) for path in earlier]
        before = [one.sessions[0] for one in same if one is not None]
        together = (*before[::-1], *source.sessions)
        return part(numbers_of(replace(source, sessions=together, _kept={}), OF_SESSION))

    return _made(folder, made)


def of_experiment(folder: Path) -> Part:
    """Describe an experiment as a whole, without what takes its time."""

    def made(source: Source) -> Part:
        alone = source.kind == "session"
        return part(numbers_of(source, [RUN_STATE] if alone else OF_EXPERIMENT))

    return _made(folder, made)


def of_tables(folder: Path) -> Part:
    """Write the tables of an analysis' live sections."""
    live = [section for section in SECTIONS if section.live]

    def made(source: Source) -> Part:
        record = numbers_of(source, live)
        shown = [
            {
                "title": one.title,
                "tables": [_table(table) for table in one.tables(record[one.name])],
            }
            for one in live
            if one.name in record
        ]
        return part(plain({"sections": shown, "problems": record["problems"]}))

    return _made(folder, made)


def numbers_of(source: Source, sections: Iterable[Section]) -> dict[str, Any]:
    """Return the sections' numbers; one that fails is a problem, and the others are there."""
    found: dict[str, Any] = {"problems": []}
    for section in sections:
        try:
            found.update(describe(source, [section]))
        except Exception as error:  # noqa: BLE001  a damaged column must not hide the others
            found["problems"].append(f"“{section.title}” can't be shown: {_words(error)}")
    return found


def _made(folder: Path, make: Callable[[Source], Part]) -> Part:
    """Return a part of the page, or why there is none."""
    try:
        return make(open_source(folder, live=True))
    except Exception as error:  # noqa: BLE001  whatever a store holds, the server goes on
        if is_store(folder):
            return part({"problems": [_words(error)]}, failed=True)
        words = f"{shown_name(folder)} is gone: it was moved or removed"
        return part({"gone": True, "problems": [words]}, failed=True)


def _same_day(folder: Path, of: Source) -> Source | None:
    """Open a session if it is of the same subject and day; what can't be read isn't counted."""
    try:
        header = read_marker(folder).get("header", {})
        now = of.sessions[-1]
        same = header.get("subject") == now.subject
        if not same or int(header["created_ns"]) < day_began_ns(now.began_ns):
            return None
        return open_source(folder, live=True)
    except (StoreError, OSError, KeyError, TypeError, ValueError):
        return None


def _table(table: NumberTable) -> dict[str, Any]:
    right = [
        all(row[place] is None or is_number(row[place]) for row in table.rows)
        for place in range(len(table.columns))
    ]
    return {
        "title": table.title,
        "columns": list(table.columns),
        "right": right,
        "rows": [[text(cell) for cell in row] for row in table.rows],
        "note": table.note,
    }


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__

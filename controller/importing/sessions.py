"""Rows become sessions; every row is looked at before anything is written."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from controller.importing import cells
from controller.importing.columns import Reader, check_columns
from controller.importing.errors import ImportTrialsError
from controller.importing.mapping import MappingDocument
from controller.importing.table import Table, listed, read_table
from controller.importing.trials import ImportedSession, ImportedTrials
from controller.store import SESSION_PHASES
from protocols.documents import Document, load

TRAINING, TEST = SESSION_PHASES.index("training"), SESSION_PHASES.index("test")


def read_trials(path: Path, map_path: Path) -> ImportedTrials:
    """Read a table by its mapping document.

    Raises:
        DocumentError: the mapping is wrong, or names columns that aren't there.
        ImportTrialsError: the table is wrong; each bad row is named by its line.
    """
    document = load(map_path, MappingDocument)
    table = read_table(path, document.value.separator)
    check_columns(document, table)
    return trials_of(document, table)


def trials_of(document: Document[MappingDocument], table: Table) -> ImportedTrials:
    """Return a table's sessions.

    Raises:
        ImportTrialsError: names each bad row by its line.
    """
    mapping = document.value
    reader = Reader(table, mapping.missing)
    values = _values(reader, mapping)
    if not reader.problems:
        _check_order(reader, values)
    if reader.problems:
        raise ImportTrialsError(listed(str(table.path), reader.problems))
    sessions = [_session(values, rows) for rows in values.sessions.values()]
    return ImportedTrials(
        name=mapping.name,
        document=document.text,
        source={"table": table.path.name, "sha256": table.sha256, "rows": len(table.rows)},
        features=mapping.columns.stimulus,
        sessions=sorted(sessions, key=lambda session: session.began_ns),
    )


class _Values:
    """The columns of a table, read."""

    def __init__(self, reader: Reader, mapping: MappingDocument) -> None:
        named, units = mapping.columns, mapping.units
        rows = len(reader.table.rows)
        answer = cells.answers(mapping.answers)
        self.x = np.stack(
            [reader.numbers(name, cells.number, required=True) for name in named.stimulus], axis=1
        )
        self.answer = reader.numbers(named.answer, answer)
        self.label = _labels(reader, mapping, self.answer)
        self.latency_us = reader.numbers(
            named.latency, cells.not_negative(cells.NS[units.latency or "us"] / 1000)
        )
        self.volume_ul = reader.numbers(
            named.reward, cells.not_negative(1000.0 if units.reward == "ml" else 1.0)
        )
        fed = np.full(rows, float(mapping.feedback))
        if named.feedback is not None:
            fed = reader.numbers(named.feedback, cells.truth, required=True)
        self.phase = np.where(fed == 1, TRAINING, TEST).astype(np.uint8)
        self.subject = [mapping.subject] * rows
        if named.subject is not None:
            self.subject = reader.texts(named.subject)
        self.t_ns: list[int] | None = None
        if named.time is not None:
            self.t_ns = reader.values(named.time, cells.nanoseconds(units.time or "s"))
        self.absolute = units.time == "iso" or mapping.time_since == "1970"
        self.key = self._keys(reader, named.session)
        self.sessions = _grouped(self.subject, self.key)

    def _keys(self, reader: Reader, session: str | None) -> list[str]:
        """Return what tells a subject's sessions apart: a column, or the day."""
        if session is not None:
            return reader.texts(session)
        if self.t_ns is not None and self.absolute:
            return [_day(t_ns) for t_ns in self.t_ns]
        return [""] * len(self.subject)


def _values(reader: Reader, mapping: MappingDocument) -> _Values:
    values = _Values(reader, mapping)
    for name in ("subject", "session"):
        column = getattr(mapping.columns, name)
        if column is not None:
            for row, cell in enumerate(reader.texts(column)):
                if not cell:
                    reader.complain(row, f"{column}: expected a {name}, got an empty cell")
    return values


def _labels(reader: Reader, mapping: MappingDocument, answer: np.ndarray) -> np.ndarray:
    named = mapping.columns
    if named.side is not None:
        return reader.numbers(named.side, cells.answers(mapping.answers))
    if named.right is not None:
        right = reader.numbers(named.right, cells.truth)
        return answer * (2 * right - 1)
    return reader.numbers(named.label, cells.number)


def _day(t_ns: int) -> str:
    return datetime.fromtimestamp(t_ns // 10**9, UTC).strftime("%Y-%m-%d")


def _grouped(subject: Sequence[str], key: Sequence[str]) -> dict[tuple[str, str], list[int]]:
    """Return the rows of each session, in the order in which sessions come first."""
    groups: dict[tuple[str, str], list[int]] = {}
    for row, place in enumerate(zip(subject, key, strict=True)):
        groups.setdefault(place, []).append(row)
    return groups


def _check_order(reader: Reader, values: _Values) -> None:
    """Refuse times that fall within a session, and rows that are there twice."""
    if values.t_ns is None:
        return  # without times, equal rows may be equal trials
    table = reader.table
    for rows in values.sessions.values():
        for before, row in pairwise(rows):
            if values.t_ns[row] < values.t_ns[before]:
                reader.complain(
                    row,
                    "expected a time that doesn't fall within a session, got one before that of "
                    f"line {table.lines[before]}; sort the table, or name the column of sessions",
                )
            elif table.rows[row] == table.rows[before]:
                reader.complain(
                    row, f"the same as line {table.lines[before]}, time included; remove one"
                )


def _session(values: _Values, rows: Sequence[int]) -> ImportedSession:
    count = len(rows)
    chosen = np.array(rows, np.int64)
    began_ns, t_ns = 0, np.full(count, -1, np.int64)
    if values.t_ns is not None:
        t_ns = np.array([values.t_ns[row] for row in rows], np.int64)
        if values.absolute:
            began_ns = int(t_ns[0])
            t_ns -= began_ns
    return ImportedSession(
        subject=values.subject[rows[0]],
        key=values.key[rows[0]],
        began_ns=began_ns,
        t_ns=t_ns,
        index=np.arange(count, dtype=np.int64),
        phase=values.phase[chosen],
        x=values.x[chosen].astype(np.float32),
        label=values.label[chosen].astype(np.float32),
        answer=values.answer[chosen].astype(np.float32),
        latency_us=values.latency_us[chosen],
        volume_ul=values.volume_ul[chosen],
    )

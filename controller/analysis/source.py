"""What is read: the tables of an experiment, those of its sessions, and what their headers say.

A source is one folder that somebody names: an experiment with or without sessions, or a single
session. Columns are loaded when they are used and kept, so a source shows one moment of its store.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from controller.store import SESSION_PHASES, NotAStore, StoreCorrupt, StoreError
from controller.store.creation import read_document
from controller.store.published import Published, published
from controller.store.reading import read, status

_T = TypeVar("_T")
SESSIONS = "sessions"
PHASE = {name: code for code, name in enumerate(SESSION_PHASES)}
"""Phase of a session's trial to its code."""


class Columns(Mapping[str, np.ndarray]):
    """The columns of one table, loaded one by one when they are asked for."""

    def __init__(self, table: xr.Dataset) -> None:
        self.dataset = table
        """The same, with attributes: units, what codes mean."""
        self._variables = {str(name): variable for name, variable in table.variables.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._read(name, slice(None))

    def part(self, name: str, start: int, stop: int) -> np.ndarray:
        """Return the rows from `start` up to `stop` of a column, without loading the rest of it."""
        return self._read(name, slice(start, stop))

    def _read(self, name: str, rows: slice) -> np.ndarray:
        variable = self._variables[name]
        if rows != slice(None):
            variable = variable[rows]
        try:
            return np.asarray(variable.values)
        except (OSError, ValueError, RuntimeError) as error:
            raise StoreCorrupt(
                f"the column {name} can't be read: {error}; copy the store again or run `biasloop "
                "repair` on its folder"
            ) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    @property
    def rows(self) -> int:
        """Number of rows, without loading any."""
        return next((len(variable) for variable in self._variables.values()), 0)


Tables = Mapping[str, Columns]


@dataclass(frozen=True, slots=True)
class SessionSource:
    """One session with a subject on a rig."""

    folder: Path
    header: Mapping[str, Any] = field(repr=False)
    exit_status: str
    """How it ended; "running" while it is written, "killed" where its writer died."""
    tables: Tables = field(repr=False)
    """trials, events, edges, pulses."""

    @property
    def name(self) -> str:
        """Its folder's name, which begins with the time of its start."""
        return str(self.header.get("name", self.folder.name))

    @property
    def subject(self) -> str:
        """Who was in it."""
        return str(self.header.get("subject", "unknown"))

    @property
    def began_ns(self) -> int:
        """When it began, ns since 1970 (UTC)."""
        return int(self.header.get("created_ns", 0))

    @property
    def lines(self) -> tuple[str, ...]:
        """Names of the device's lines, in the order of their codes."""
        return tuple(self.header.get("lines", ()))


@dataclass(frozen=True, slots=True)
class Source:
    """One folder, read."""

    folder: Path
    kind: str
    """experiment, session"""
    header: Mapping[str, Any] = field(repr=False)
    document: Mapping[str, Any] = field(repr=False)
    """The frozen protocol document, every default written out."""
    origin: str
    """simulated, emulated, simavr, animal, imported"""
    exit_status: str
    seq: int
    """Number of the last journal frame that is in the tables."""
    tables: Tables = field(repr=False)
    """Of the experiment; empty for a session alone."""
    sessions: tuple[SessionSource, ...] = field(repr=False)
    """In the order in which they began."""
    problems: tuple[str, ...] = ()
    """What of it couldn't be read, and what to do; the rest is here."""
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, make: Callable[["Source"], _T]) -> _T:
        """Return what a function makes of this source, made once however many sections use it."""
        if make not in self._kept:
            self._kept[make] = make(self)
        return self._kept[make]

    @property
    def name(self) -> str:
        """The experiment's name."""
        return str(self.header.get("experiment", self.header.get("name", self.folder.name)))


def open_source(folder: Path, *, live: bool = False) -> Source:
    """Read a folder.

    Args:
        folder: of an experiment or a session.
        live: read what is published and nothing else, so that no lock is taken, no journal opened
            and nothing is written, whoever writes to the store meanwhile.

    Raises:
        controller.store.StoreError: there is nothing that can be read; the message says why.
    """
    folder = Path(folder)
    one, problem = _opened(folder, live=live)
    problems = [problem] if problem else []
    document = _document(folder, one, problems)
    if one.kind == "session":
        sessions: tuple[SessionSource, ...] = (_session(folder, one),)
    else:
        sessions = tuple(_sessions(folder, problems, live=live))
    return Source(
        folder=folder,
        kind=one.kind,
        header=one.header,
        document=document,
        origin=one.origin,
        exit_status=one.exit_status,
        seq=one.seq,
        tables={} if one.kind == "session" else _tables(one.tree),
        sessions=sessions,
        problems=tuple(problems),
    )


def _opened(folder: Path, *, live: bool) -> tuple[Published, str]:
    """Return what a store shows, and what is wrong with it."""
    if live:
        return published(folder), ""
    try:
        tree, state = read(folder), status(folder)
    except (NotAStore, StoreCorrupt) as error:
        if not (folder / "experiment.zarr").is_dir():
            raise
        return published(folder), (
            f"without its journal, what is shown of {folder} may lack the last trials: {error}"
        )
    shown = published(folder)
    return shown.with_state(tree, state["exit_status"]), ""


def _sessions(folder: Path, problems: list[str], *, live: bool) -> Iterator[SessionSource]:
    found: list[SessionSource] = []
    for path in sorted(folder.glob(f"{SESSIONS}/*")):
        if not path.is_dir() or path.name.startswith("."):
            continue
        try:
            one, problem = _opened(path, live=live)
        except StoreError as error:
            problems.append(str(error))
            continue
        if problem:
            problems.append(problem)
        found.append(_session(path, one))
    yield from sorted(found, key=lambda session: (session.began_ns, session.name))


def _session(folder: Path, one: Published) -> SessionSource:
    return SessionSource(folder, one.header, one.exit_status, _tables(one.tree))


def _tables(tree: xr.DataTree) -> dict[str, Columns]:
    return {str(name): Columns(node.to_dataset()) for name, node in tree.children.items()}


def _document(folder: Path, one: Published, problems: list[str]) -> Mapping[str, Any]:
    """Return the frozen document; empty where it is missing or damaged, which is a problem."""
    try:
        return tomllib.loads(read_document(folder, one.header))
    except (StoreCorrupt, ValueError) as error:
        problems.append(f"what follows from the document is left out: {error}")
        return {}

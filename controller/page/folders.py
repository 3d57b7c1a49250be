"""Which experiments there are in a folder, by what each has published about itself."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from controller.analysis.sections.origin import WORDS
from controller.analysis.source import SESSIONS
from controller.page.rows import day_and_time
from controller.store import StoreError
from controller.store.ending import ending
from controller.store.fold import ZARR_NAME, exit_status, read_marker
from controller.store.lock import writer_pid

METADATA = f"{ZARR_NAME}/zarr.json"
MOST = 500
"""Experiments that are listed; the folder of more should be sorted."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Stamp = tuple[int, int, int]
"""Modification time (ns), inode and size of a file; zeros where there is none."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One experiment, as its headers describe it."""

    key: str
    """Its name in addresses."""
    name: str
    folder: str
    kind: str = "experiment"
    origin_words: str = ""
    status: str = ""
    began: str | None = None
    began_ns: int = 0
    """When it, or its latest session, began; ns since 1970."""
    subject: str = ""
    """Of the latest session."""
    sessions: int = 0
    trials: int = 0
    """In its own tables: those of complete generations."""
    problem: str = ""
    """Why it can't be read, and what to do."""

    def plain(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)


def stamp(path: Path) -> Stamp:
    """Return what changes when a file is replaced."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_ino, found.st_size)


def is_store(folder: Path) -> bool:
    """Say whether something is published in a folder."""
    return (folder / ZARR_NAME).is_dir()


def sessions_in(folder: Path) -> list[Path]:
    """Return the folders of an experiment's sessions, the latest first."""
    try:
        found = [path for path in (folder / SESSIONS).iterdir() if is_store(path)]
    except OSError:
        return []
    return sorted((path for path in found if path.name[0] != "."), reverse=True)


def key_of(folder: Path) -> str:
    """Return a folder's name in addresses: its own where that is plain."""
    if _PLAIN.fullmatch(folder.name):
        return folder.name
    return f"-{hashlib.sha256(os.fsencode(folder.name)).hexdigest()[:16]}"


def shown_name(folder: Path) -> str:
    """Return a folder's name as text, also where it is none."""
    return os.fsencode(folder.name).decode(errors="replace")


class Catalogue:
    """The experiments of one folder, read again only where something has changed."""

    def __init__(self, root: Path) -> None:
        """`root` is the folder of an experiment, of a session, or of several experiments."""
        self.root = root.resolve()
        self._known: dict[Path, tuple[Any, Listed]] = {}

    @property
    def single(self) -> bool:
        """Whether the folder is itself a store."""
        return is_store(self.root)

    def folders(self) -> dict[str, Path]:
        """Return the folders that may be shown, by their names in addresses."""
        if self.single:
            return {key_of(self.root): self.root}
        try:
            found = sorted(path for path in self.root.iterdir() if is_store(path))
        except OSError:
            return {}
        return {key_of(path): path for path in found[:MOST] if path.name[0] != "."}

    def listed(self) -> list[Listed]:
        """Return the experiments, the newest first; a damaged one says what is wrong with it."""
        known: dict[Path, tuple[Any, Listed]] = {}
        for key, folder in self.folders().items():
            state = _state(folder)
            before, one = self._known.get(folder, (None, None))
            if one is None or before != state or (one.status == "running" and not _lives(folder)):
                one = _listed(key, folder)
            known[folder] = (state, one)
        self._known = known
        found = [one for _, one in known.values()]
        return sorted(found, key=lambda one: (-one.began_ns, one.folder))


def _state(folder: Path) -> Any:
    """Return what changes when an experiment's entry does."""
    latest = [stamp(path / METADATA) for path in sessions_in(folder)[:1]]
    return (stamp(folder / METADATA), stamp(folder / SESSIONS), latest)


def _lives(folder: Path) -> bool:
    """Say whether somebody writes to an experiment's latest session, or to itself."""
    return any(writer_pid(path) is not None for path in (*sessions_in(folder)[:1], folder))


def _listed(key: str, folder: Path) -> Listed:
    name = shown_name(folder)
    try:
        return _read(key, folder)
    except (StoreError, TypeError, ValueError, AttributeError) as error:  # odd headers
        return Listed(key, name, name, status="damaged", problem=str(error))


def _read(key: str, folder: Path) -> Listed:
    marker = read_marker(folder)
    header = marker.get("header", {})
    sessions = sessions_in(folder)
    latest = next(_headers(sessions[:1]), {})
    of_latest = latest.get("header", header)
    began_ns = int(of_latest.get("created_ns", 0))
    origin = str(marker.get("origin", "simulated"))
    return Listed(
        key=key,
        name=str(header.get("experiment", header.get("name", shown_name(folder)))),
        folder=shown_name(folder),
        kind=str(marker["layout"].get("kind", "experiment")),
        origin_words=WORDS.get(origin, origin),
        status=_status(folder, sessions[:1], latest),
        began=day_and_time(began_ns),
        began_ns=began_ns,
        subject=str(of_latest.get("subject", "")),
        sessions=len(sessions),
        trials=int(marker["rows"]["trials"]),
    )


def _headers(sessions: list[Path]) -> Iterator[dict[str, Any]]:
    for path in sessions:
        try:
            yield read_marker(path)
        except StoreError:
            continue


def _status(folder: Path, sessions: list[Path], latest: dict[str, Any]) -> str:
    """Return how it ended; "running" while it, or its latest session, is written."""
    own = _ended(folder)
    of_latest = _ended(sessions[0]) if latest else own
    return "running" if of_latest == "running" else own


def _ended(folder: Path) -> str:
    return ending(folder, lambda: exit_status(read_marker(folder)))

"""Every way in which a store is read, and what it shows as something that can be compared."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from controller.analysis.source import Columns
from controller.store import History, Store, read, repair, status
from controller.store.frames import encode_frame

Numbers = Mapping[str, Any]
"""Name to what is equal only where the same is shown; bytes are a column's rows."""


def tables(folder: Path) -> Numbers:
    """Return what `read` shows."""
    with read(folder) as tree:
        return {
            f"{table}/{name}": values.tobytes()
            for table, node in tree.children.items()
            for name, values in Columns(node.to_dataset()).items()
        }


def standing(folder: Path) -> Numbers:
    """Return what `status` shows, but for whether it is published already."""
    found = status(folder)
    return {name: found[name] for name in ("exit_status", "last_seq", "origin", "live")}


def reopened(folder: Path) -> Numbers:
    """Return what a writer that goes on begins with."""
    with Store.open(folder) as store:
        found = {"rows": dict(store.rows), "last_seq": store.last_seq, "document": store.document}
        found |= _frames(store)
    return {**found, **tables(folder)}


def history(folder: Path) -> Numbers:
    """Return what the journal alone shows."""
    with History(folder) as opened:
        return {"header": opened.header, "document": opened.document} | _frames(opened)


def repaired(folder: Path) -> Numbers:
    """Return what `repair` makes."""
    repair(folder)
    return tables(folder)


def described(folder: Path) -> Numbers:
    """Return every number that people are shown."""
    return _described(folder, live=False)


def described_live(folder: Path) -> Numbers:
    """Return the same from what is published alone."""
    return _described(folder, live=True)


READERS: dict[str, Callable[[Path], Numbers]] = {
    "read": tables,
    "status": standing,
    "open": reopened,
    "history": history,
    "repair": repaired,
    "describe": described,
    "describe live": described_live,
}


def kept(folder: Path) -> dict[int, str]:
    """Return the frames that a journal holds by SQLite alone, as far as it can read them."""
    found: dict[int, str] = {}
    path = folder / "journal.sqlite"
    if not path.exists():
        return found
    with closing(sqlite3.connect(path)) as connection:
        try:
            for number, payload in connection.execute("SELECT seq, payload FROM frames"):
                if isinstance(payload, bytes):  # damage may have made another type of it
                    found[number] = hashlib.sha256(payload).hexdigest()
        except (sqlite3.Error, OverflowError):
            return found
    return found


def _frames(opened: Store | History) -> dict[str, Any]:
    return {
        f"frame {number}": hashlib.sha256(encode_frame(frame)[1]).hexdigest()
        for number, frame in opened.frames()
    }


def _described(folder: Path, *, live: bool) -> Numbers:
    from controller.analysis.record import describe
    from controller.analysis.source import open_source

    record = describe(open_source(folder, live=live))
    texts = {name: json.dumps(numbers, sort_keys=True) for name, numbers in record.items()}
    return {name: text.replace(str(folder), "FOLDER") for name, text in texts.items()}

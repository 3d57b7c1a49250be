"""Stores as somebody may find them: being written, killed, half-copied, of other versions."""

import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

from controller.runs import begin, create
from controller.store import Store, repair
from controller.store.creation import ZARR_NAME
from controller.store.journal import JOURNAL_NAME
from controller.store.seal import FIELD, sealed
from controller.store.tally import TALLY_NAME

DATA = Path(__file__).parents[1] / "store" / "data"
Make = Callable[[Path, Path], None]
"""Makes an odd store in a new folder, from a finished one that must stay as it is."""


def _copied(whole: Path, folder: Path) -> None:
    shutil.copytree(whole, folder)


def _killed(whole: Path, folder: Path) -> None:
    """A writer died: the lock is free, the status says that it runs."""
    _copied(whole, folder)
    connection = sqlite3.connect(folder / JOURNAL_NAME, isolation_level=None)
    connection.execute("UPDATE meta SET value = '\"running\"' WHERE key = 'exit_status'")
    connection.close()
    _sign(folder)
    _change_root(folder, b'"exit_status": "finished"', b'"exit_status": "running"')


def _sign(folder: Path) -> None:
    """Write the checksum of a journal's header anew."""
    from controller.store.journal import _checksum

    connection = sqlite3.connect(folder / JOURNAL_NAME, isolation_level=None)
    rows = dict(connection.execute("SELECT key, value FROM meta WHERE key != 'crc'"))
    connection.execute("UPDATE meta SET value = ? WHERE key = 'crc'", (_checksum(rows),))
    connection.close()


def _change_root(folder: Path, before: bytes, after: bytes) -> None:
    """Change the root as a program of ours would have written it, seal and all."""
    root = folder / ZARR_NAME / "zarr.json"
    text = root.read_bytes()
    assert before in text
    start = text.index(b'"seal": "') + len(b'"seal": "')
    zeros = FIELD["seal"].encode()
    text = text[:start] + zeros + text[start + len(zeros) :]
    root.write_bytes(sealed(text.replace(before, after)))


def _unpublished(whole: Path, folder: Path) -> None:
    """A killed writer left frames that are in the journal only."""
    _killed(whole, folder)
    journal = folder / JOURNAL_NAME
    kept = journal.read_bytes()
    connection = sqlite3.connect(journal, isolation_level=None)
    connection.execute("DELETE FROM frames WHERE seq > 2")
    connection.close()
    shutil.rmtree(folder / ZARR_NAME)
    (folder / TALLY_NAME).unlink()
    repair(folder)
    journal.write_bytes(kept)


def _earlier(version: int) -> Make:
    def make(whole: Path, folder: Path) -> None:
        del whole
        with zipfile.ZipFile(DATA / f"schema{version}.zip") as packed:
            packed.extractall(folder)

    return make


def _newer(whole: Path, folder: Path) -> None:
    _copied(whole, folder)
    _change_root(folder, b'"schema": 3', b'"schema": 4')
    connection = sqlite3.connect(folder / JOURNAL_NAME, isolation_level=None)
    connection.execute("PRAGMA user_version = 4")
    connection.close()


def _without(name: str) -> Make:
    def make(whole: Path, folder: Path) -> None:
        _copied(whole, folder)
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return make


def _empty_index(whole: Path, folder: Path) -> None:
    _copied(whole, folder)
    (folder / ZARR_NAME / "stages" / "stage" / "c" / "0").write_bytes(b"")


def _half_chunk(whole: Path, folder: Path) -> None:
    _copied(whole, folder)
    chunk = folder / ZARR_NAME / "generations" / "trials" / "c" / "0"
    chunk.write_bytes(chunk.read_bytes()[: chunk.stat().st_size // 2])


def _half_root(whole: Path, folder: Path) -> None:
    _copied(whole, folder)
    root = folder / ZARR_NAME / "zarr.json"
    root.write_bytes(root.read_bytes()[: root.stat().st_size // 2])


def _empty(whole: Path, folder: Path) -> None:
    del whole
    folder.mkdir()


def _absent(whole: Path, folder: Path) -> None:
    del whole, folder


def _other(whole: Path, folder: Path) -> None:
    del whole
    folder.mkdir()
    (folder / "holiday.jpg").write_bytes(os.urandom(100))


def zero_trials(document, folder: Path) -> None:
    """An experiment that was only begun."""
    create(document, folder, control=True).close("interrupted")


def half_a_stage(document, folder: Path) -> None:
    """A run that was stopped in its first stage."""
    seen: list[object] = []
    begin(document, folder, on_progress=seen.append, should_stop=lambda: bool(seen))


def being_written(whole: Path, folder: Path) -> Store:
    """A store that a writer has open; whoever calls closes it."""
    _copied(whole, folder)
    return Store.open(folder)


READABLE: dict[str, Make] = {
    "killed": _killed,
    "recovered by reading": _unpublished,
    "of schema 1": _earlier(1),
    "of schema 2": _earlier(2),
    "copied without its journal": _without(JOURNAL_NAME),
    "copied without its document": _without("experiment.toml"),
}
REFUSED: dict[str, tuple[Make, str]] = {
    "newer": (_newer, "update biasloop"),
    "copied without its tables": (_without(ZARR_NAME), "biasloop repair"),
    "with half a chunk": (_half_chunk, "repair"),
    "with nothing in a chunk of an index": (_empty_index, "repair"),
    "with half a root": (_half_root, "repair"),
    "with a lost column": (_without(f"{ZARR_NAME}/candidates/error"), "is missing"),
    "empty": (_empty, "is no store"),
    "absent": (_absent, "is no store"),
    "another folder": (_other, "is no store"),
}

"""What is left on a disk after a power cut, by a model that keeps no promise but `fsync`.

A file's content is certain up to its last `fsync`; of what was written since, any sector may be
there or not. A name is certain once its folder was synced; of what was done to names since, the
first so many are there, as on a file system with a journal, which is Linux's own.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sims.hardening.syscalls import Call

SECTOR = 512
VOLATILE = ("-shm",)
"""What SQLite makes anew, and never trusts after a start."""


@dataclass(eq=False)
class _File:
    """One file, whatever its names are."""

    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Writes since the last sync: offset and bytes; None cuts it there."""

    def sync(self) -> None:
        self.durable, self.pending = self.after(self.pending), []

    def after(self, writes: Iterable[tuple[int, bytes | None]]) -> bytes:
        content = bytearray(self.durable)
        for offset, data in writes:
            if data is None:
                del content[offset:]
                content += bytes(offset - len(content))
            else:
                content += bytes(max(0, offset - len(content)))
                content[offset : offset + len(data)] = data
        return bytes(content)

    def left(self, chance: random.Random) -> bytes:
        """Return what a cut may leave of it."""
        part = chance.choice((0.0, 0.0, 0.5, 0.9, 1.0))
        kept: list[tuple[int, bytes | None]] = []
        for offset, data in self.pending:
            if data is None:
                kept += [(offset, None)] * (chance.random() < part)
                continue
            first = offset - offset % SECTOR
            for start in range(first, offset + len(data), SECTOR):
                begin, end = max(start, offset), min(start + SECTOR, offset + len(data))
                if chance.random() < part:
                    kept.append((begin, data[begin - offset : end - offset]))
        return self.after(kept)


_Names = dict[str, _File | None]
"""Path to its file; None for a folder."""


class Disk:
    """A folder on a disk, before and after calls."""

    def __init__(self, source: Path, folder: Path) -> None:
        """Take a folder as it is; all of it is certain.

        Args:
            source: where it is now.
            folder: where it was when the calls were made.
        """
        self._names: _Names = {
            str(folder / path.relative_to(source)): (
                None if path.is_dir() else _File(path.read_bytes())
            )
            for path in [source, *source.rglob("*")]
        }
        self._durable = dict(self._names)
        self._pending: list[tuple[Call, _File | None]] = []
        self._root = folder
        self.acknowledged = 0

    def do(self, call: Call) -> None:
        """Carry out one call."""
        match call.what:
            case "acknowledge":
                self.acknowledged = call.offset
            case "write":
                self._file(call.path).pending.append((call.offset, bytes.fromhex(call.data)))
            case "truncate":
                self._file(call.path).pending.append((call.offset, None))
            case "sync" if self._names.get(call.path, 0) is None:
                self._sync_folder(call.path)
            case "sync":
                self._file(call.path).sync()
            case _:
                made = _File() if call.what == "create" else None
                _change(self._names, call, made)
                self._pending.append((call, made))

    def leave(self, target: Path, chance: random.Random) -> None:
        """Write what a cut at this moment may leave into a new folder."""
        names = dict(self._durable)
        kept = chance.choice((0, len(self._pending), chance.randint(0, len(self._pending))))
        for call, made in self._pending[:kept]:
            _change(names, call, made)
        for path, file in sorted(names.items()):
            place = target / Path(path).relative_to(self._root)
            if not place.parent.exists() or path.endswith(VOLATILE):
                continue  # its folder's own name is lost
            if file is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(file.left(chance))

    def _file(self, path: str) -> _File:
        file = self._names.get(path)
        if file is None:
            raise KeyError(f"{path} is used without having been opened")
        return file

    def _sync_folder(self, folder: str) -> None:
        """Make sure of everything that was done to names in a folder."""
        later = []
        for call, made in self._pending:
            if folder in {str(Path(path).parent) for path in (call.path, call.to) if path}:
                _change(self._durable, call, made)
            else:
                later.append((call, made))
        self._pending = later


def _change(names: _Names, call: Call, made: _File | None) -> None:
    """Change names as a call does."""
    match call.what:
        case "create" | "mkdir":
            names[call.path] = made
        case "remove":
            names.pop(call.path, None)
        case "rename":
            file = names.pop(call.path, None)
            if file is None:
                raise KeyError(f"{call.path} isn't there, or a folder, which nobody renames here")
            names[call.to] = file
        case _:
            raise KeyError(f"what is {call.what}?")

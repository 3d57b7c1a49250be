"""What a disk, a copy or a hand does to a file."""

import random
from collections.abc import Callable
from pathlib import Path

KINDS = {
    "journal": "journal.sqlite",
    "journal's log": "journal.sqlite-wal",
    "journal's tally": "journal.last",
    "root": "experiment.zarr/zarr.json",
    "table": "experiment.zarr/*/zarr.json",
    "array": "experiment.zarr/*/*/zarr.json",
    "chunk": "experiment.zarr/*/*/c/**/*",
    "document": "experiment.toml",
}
"""Kind of file to where such files are in a store."""
_SECTOR = 512


def pick(folder: Path, chance: random.Random) -> tuple[str, Path]:
    """Return a file of a store and its kind; each kind is as likely as the others."""
    found = {
        kind: [path for path in sorted(folder.glob(pattern)) if path.is_file()]
        for kind, pattern in KINDS.items()
    }
    kind = chance.choice([kind for kind, paths in found.items() if paths])
    return kind, chance.choice(found[kind])


def damage(path: Path, chance: random.Random) -> str:
    """Damage one file; returns what was done to it."""
    before = path.read_bytes()
    how = chance.choice(list(_WAYS))
    after = _WAYS[how](before, chance)
    path.unlink()  # it may be shared with the store that it was copied from
    if after is not None:
        path.write_bytes(after)
    if after == before:
        return "nothing"
    first = next(
        (i for i, (a, b) in enumerate(zip(before, after or b"", strict=False)) if a != b), 0
    )
    return f"{how} (first at byte {first} of {len(before)})"


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 9))):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _truncate(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _zero_sector(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) // _SECTOR + 1) * _SECTOR
    end = min(len(data), start + _SECTOR)
    return data[:start] + bytes(end - start) + data[end:]


def _noise(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + chance.randbytes(chance.randrange(1, 64)) + data[place + 32 :]


_WAYS: dict[str, Callable[[bytes, random.Random], bytes | None]] = {
    "flipped bits": _flip,
    "truncated": _truncate,
    "a sector of zeros": _zero_sector,
    "noise in it": _noise,
    "emptied": lambda _data, _chance: b"",
    "lost": lambda _data, _chance: None,
}

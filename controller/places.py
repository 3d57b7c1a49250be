"""Whether a folder is a place in which sessions can be recorded, as findings of a rig's check."""

from collections.abc import Iterator
from pathlib import Path

from controller.store.place import free_bytes, network_type
from hardware.findings import Finding, Level

ENOUGH_BYTES = 2_000_000_000


def places(folder: Path) -> Iterator[Finding]:
    """Find out how much room there is, and on what; the folder may not exist yet."""
    free, kind = free_bytes(folder), network_type(folder)
    enough = free is None or free > ENOUGH_BYTES
    yield Finding(
        "disk",
        Level.PASS if enough else Level.FAIL,
        "unknown" if free is None else f"{free / 1e9:.3g} GB free",
        "" if enough else f"make room: a session needs {ENOUGH_BYTES / 1e9:g} GB",
    )
    yield Finding(
        "file system",
        Level.PASS if kind is None else Level.FAIL,
        kind or "local",
        "" if kind is None else "record on a local disk and copy afterwards",
    )

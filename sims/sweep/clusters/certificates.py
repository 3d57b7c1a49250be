"""Certificates of one sweep, as files that its jobs can read and nobody else."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def certificates(folder: Path) -> Iterator[Any]:
    """Yield a `distributed.Security` whose key and certificate are files below a folder.

    They are of the sweep's user alone, and gone with the block.

    Raises:
        ImportError: a library isn't installed.
    """
    from distributed.security import Security

    made: Any = Security.temporary()
    place = folder / "certificates"
    shutil.rmtree(place, ignore_errors=True)  # of a killed sweep
    place.mkdir(mode=0o700, parents=True)
    try:
        settings = {"tls_ca_file": _file(place / "ca.pem", made.tls_ca_file)}
        for role in ("client", "scheduler", "worker"):
            for what in ("key", "cert"):
                name = f"tls_{role}_{what}"
                settings[name] = _file(place / f"{role}-{what}.pem", getattr(made, name))
        yield Security(require_encryption=True, **settings)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _file(path: Path, text: str) -> str:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return str(path)

"""Files that are there whole, or not at all."""

import os
from collections.abc import Callable
from pathlib import Path


def whole_file(path: Path, fill: Callable[[Path], object]) -> Path:
    """Let `fill` write beside `path`, rename that onto it, and return `path`."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        fill(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path

"""Folders that are there whole, or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.export.errors import ExportError
from controller.store.place import free_bytes


@contextmanager
def whole_folder(
    path: Path, failure: type[Exception] = ExportError, option: str = "--out PATH"
) -> Iterator[Path]:
    """Yield a folder to fill, which is at `path` when all went well and is gone if not.

    Args:
        path: the folder; its parents are made.
        failure: the kind of the error that is raised.
        option: how to name another place.

    Raises:
        Exception: of the kind `failure`; something is there already, or it can't be written.
    """
    check_free(path, failure, option)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        yield partial
        check_free(path, failure, option)  # whoever was quicker keeps it
        partial.rename(path)
    except OSError as error:
        free = free_bytes(path)
        space = "" if free is None else f" ({free / 2**20:.0f} MiB left there)"
        raise failure(
            f"{path} can't be written: {error}{space}; nothing is left of it. Free some space or "
            f"name another place with `{option}`"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_free(
    path: Path, failure: type[Exception] = ExportError, option: str = "--out PATH"
) -> None:
    """Refuse to replace anything.

    Raises:
        Exception: of the kind `failure`; something is there.
    """
    if path.exists() or path.is_symlink():
        raise failure(
            f"{path} is there already and is not replaced: remove it, or name another place with "
            f"`{option}`"
        )

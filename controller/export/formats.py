"""The formats: which module writes each, and what it needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from controller.analysis.source import Source
from controller.export.content import parts_of
from controller.export.errors import ExportError
from controller.export.subject import SubjectFacts
from controller.export.whole_folder import check_free, whole_folder


@dataclass(frozen=True, slots=True)
class Format:
    """One format."""

    module: str
    """Its `write(parts, folder, facts)`."""
    package: str
    """What it needs."""
    extra: str
    """The extra of biasloop that brings it; empty: it is always there."""


FORMATS: Mapping[str, Format] = {
    "nwb": Format("controller.export.nwb.process", "pynwb", "nwb"),
    "csv": Format("controller.export.csv_files", "pandas", ""),
    "parquet": Format("controller.export.parquet_files", "pyarrow", "parquet"),
}


def export(
    source: Source,
    to: str,
    out: Path,
    *,
    session: str | None = None,
    facts: SubjectFacts | None = None,
) -> Path:
    """Write a store's tables in another format: all of it or nothing.

    Args:
        source: the store, read.
        to: a name of `FORMATS`.
        out: the new folder.
        session: the only session that is wanted; None: everything.
        facts: of the subject, for NWB.

    Returns:
        What was made.

    Raises:
        ExportError: the message says what would do.
        controller.store.StoreError: the store can't be read.
    """
    check_free(out)
    write = writer_of(to)
    parts = parts_of(source, session)
    with whole_folder(out) as folder:
        write(parts, folder, facts or SubjectFacts())
    return out


def writer_of(to: str) -> Callable[..., None]:
    """Return what writes a format: `write(parts, folder, facts)`.

    Raises:
        ExportError: what it needs isn't installed.
    """
    one = FORMATS[to]
    if find_spec(one.package) is None:
        raise ExportError(
            f"--to {to} needs the package {one.package}, which isn't installed: "
            f"`pip install 'biasloop[{one.extra}]'`"
        )
    return import_module(one.module).write

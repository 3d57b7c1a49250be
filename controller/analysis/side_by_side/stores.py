"""Several stores, each read and named; those that can't be read are named with the reason."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from controller.analysis.record import Record, describe
from controller.analysis.source import Source, open_source
from controller.store import StoreError
from protocols.documents import DocumentError


@dataclass(frozen=True, slots=True)
class Described:
    """One store with all its numbers."""

    label: str
    """What it is called beside others; no two are called alike."""
    source: Source = field(repr=False)
    record: Record = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A folder that says nothing."""

    folder: Path
    reason: str


def read_stores(folders: Iterable[Path]) -> tuple[list[Described], list[Unreadable]]:
    """Read folders, each once, and describe what can be read."""
    read: list[tuple[Source, Record]] = []
    unreadable = []
    for folder in _once(folders):
        try:
            source = open_source(folder)
            read.append((source, describe(source)))
        except (StoreError, DocumentError) as error:
            unreadable.append(Unreadable(folder, str(error)))
    labels = labelled([source for source, _ in read])
    named = zip(labels, read, strict=True)
    return [Described(label, source, record) for label, (source, record) in named], unreadable


def labelled(sources: Sequence[Source]) -> list[str]:
    """Return a label for each source: the first kind of name by which all of them differ."""
    kinds: tuple[Callable[[Source], str], ...] = (
        lambda source: source.name,
        lambda source: source.folder.resolve().name,
        lambda source: str(source.folder),
    )
    for kind in kinds:
        labels = [kind(source) for source in sources]
        if len(set(labels)) == len(labels):
            return labels
    return [str(source.folder.resolve()) for source in sources]


def _once(folders: Iterable[Path]) -> Iterable[Path]:
    """Return the folders without those that were named before."""
    found: dict[Path, Path] = {}
    for folder in folders:
        found.setdefault(folder.resolve(), folder)
    return found.values()
